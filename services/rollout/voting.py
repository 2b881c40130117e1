"""Several responses at each step, of which the most frequent grounded action is taken (self-consistency).

Invariant: a vote looks at the page and the objective only; where nothing is grounded the greedy response
stands.
"""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict

from ratchet.browser.v1.browser_service_pb2 import Observation
from services.common import grounding, prompts
from services.common.prompts.view import element_id, stop_answer
from services.rollout.agents import Decision, ModelAgent

# A greedy response that is more likely than this is taken without a vote.
_SURE = math.log(0.9)


class VotingAgent:
    """A policy of which `votes` responses are drawn: the first greedily, the others at the request's temperature."""

    def __init__(self, voter: ModelAgent, votes: int) -> None:
        self.format, self._voter, self._votes = voter.format, voter, votes

    async def decide(self, view: prompts.View, observation: Observation, index: int) -> Decision:
        # Alone, so that the others find the prompt computed, and none is drawn where it is sure.
        first = await self._voter.draw(view, index, 0, temperature=0.0)
        if _likelihood(first) > _SURE and self._grounded_action(first, view, observation):
            return first
        others = await asyncio.gather(*(self._voter.draw(view, index, ballot) for ballot in range(1, self._votes)))
        ballots: defaultdict[str, list[Decision]] = defaultdict(list)
        for decision in (first, *others):
            if action := self._grounded_action(decision, view, observation):
                ballots[action].append(decision)
        if not ballots:
            return first
        # Between equals the one that the policy itself finds more likely.
        elected = max(ballots.values(), key=lambda cast: (len(cast), max(map(_likelihood, cast))))
        return max(elected, key=_likelihood)

    def _grounded_action(self, decision: Decision, view: prompts.View, observation: Observation) -> str:
        """The action of a response; "" where it has none, or one that is made up."""
        action = self.format.extract(decision.response) or ""
        number, name = element_id(action), self.format.claimed(decision.response).lower()
        if number is not None:
            names = [element.name.lower() for element in observation.elements if element.id == number]
            if not any(name in known for known in names):
                return ""
        answer = stop_answer(action)
        if answer is not None and grounding.says_done(answer):
            return "" if grounding.leaves_open(view.intent, answer) else action
        said = grounding.typed_text(action) if answer is None else answer
        return action if said is None or grounding.stands_in(said, view.intent, view.observation) else ""


def _likelihood(decision: Decision) -> float:
    return sum(decision.logprobs)
