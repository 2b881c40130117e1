"""Which of several responses at a step is taken."""

from __future__ import annotations

import asyncio
import math

from ratchet.browser.v1.browser_service_pb2 import Element, Observation
from ratchet.rollout.v1 import rollout_service_pb2 as pb
from ratchet.serving.v1 import serving_service_pb2 as serving_pb
from services.common.prompts import View
from services.rollout.agents import Decision, ModelAgent
from services.rollout.voting import VotingAgent

PAGE = Observation(
    text="[2] searchbox 'Search'\n[3] link 'Blue Kettle'\n[4] link 'Red Kettle'\nPrice: $12.99",
    elements=[Element(id=2, name="Search"), Element(id=3, name="Blue Kettle"), Element(id=4, name="Red Kettle")],
)
BLUE, RED = "Blue Kettle [3]\nACTION: click [3]", "Red Kettle [4]\nACTION: click [4]"
GONE = "Blue Kettle [9]\nACTION: click [9]"


class Drawn:
    """Serving's answers in the order of the draws: (response, its probability)."""

    def __init__(self, *answers: tuple[str, float]) -> None:
        self._answers = list(answers)
        self.temperatures: list[float] = []

    async def Generate(self, request: serving_pb.GenerateRequest, **_: object) -> serving_pb.GenerateResponse:
        text, probability = self._answers[len(self.temperatures)]
        self.temperatures.append(round(request.temperature, 2))
        return serving_pb.GenerateResponse(text=text, response_logprobs=[math.log(probability)])


def decide(drawn: Drawn, votes: int = 5, intent: str = "What does the Blue Kettle cost?") -> Decision:
    request = pb.RunEpisodeRequest(episode="evaluations/v/episodes/e", agent=pb.Agent(temperature=0.7))
    model = serving_pb.Model(name="m", context_tokens=1024, prompt_format="brief")
    agent = VotingAgent(ModelAgent(drawn, request, model, 1.0), votes)
    return asyncio.run(agent.decide(View(PAGE.text, "http://shop.test/", intent, ""), PAGE, 0))


def test_the_most_frequent_action_is_taken_in_its_likeliest_words():
    taken = decide(Drawn((RED, 0.6), (BLUE, 0.2), (RED, 0.1), (BLUE, 0.25), (BLUE, 0.1)))
    assert taken.response == BLUE
    assert math.isclose(math.exp(taken.logprobs[0]), 0.25, rel_tol=1e-5)


def test_the_first_response_is_greedy_and_the_others_are_sampled():
    drawn = Drawn(*[(BLUE, 0.5)] * 5)
    decide(drawn)
    assert drawn.temperatures == [0.0, 0.7, 0.7, 0.7, 0.7]


def test_a_sure_response_needs_no_vote():
    drawn = Drawn((BLUE, 0.95), *[(RED, 0.5)] * 4)
    assert decide(drawn).response == BLUE
    assert drawn.temperatures == [0.0]


def test_a_sure_response_that_is_made_up_does():
    assert decide(Drawn((GONE, 0.95), *[(RED, 0.5)] * 4)).response == RED


def test_what_is_made_up_has_no_vote():
    mislabelled = "Green Kettle [3]\nACTION: click [3]"
    typed = "Search [2]\nACTION: type [2] [green kettle] [1]"
    answered = "Price\nACTION: stop [$13.99]"
    assert decide(Drawn((GONE, 0.5), (mislabelled, 0.5), (typed, 0.5), (answered, 0.5), (RED, 0.1))).response == RED


def test_a_question_is_not_done():
    done = "Done\nACTION: stop [Done]"
    assert decide(Drawn(*[(done, 0.5)] * 4, (BLUE, 0.1))).response == BLUE
    assert decide(Drawn(*[(done, 0.5)] * 4, (BLUE, 0.1)), intent="Open the Blue Kettle.").response == done


def test_where_nothing_is_grounded_the_greedy_response_stands():
    assert decide(Drawn((GONE, 0.2), *[("no action", 0.9)] * 4)).response == GONE


def test_between_equals_the_likelier_wins():
    assert decide(Drawn((GONE, 0.5), (BLUE, 0.2), (RED, 0.3), (BLUE, 0.2), (RED, 0.1))).response == RED
