"""Examples that the model invents itself: the paper's six steps, each asked for, checked and asked for again.

Invariant: a kept example's response is one action on an element of its own page, in the agent's own prompt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory_pb
from services.common.prompts import Part, View
from services.common.prompts.view import with_name
from services.curation import rows
from services.curation.synthesis import asking, checks
from services.curation.synthesis.asking import Shot
from services.curation.synthesis.examples import Example, Objective, Refused, draw_step, draws, retried, seed_of
from services.curation.synthesis.policy import Policy

_NUM_SHOTS = 2
# Tokens of a short answer, of a plan, and of all that is asked beside pages.
_SHORT, _PLAN, _WORDS = 200, 400, 800


class PromptedWriter:
    """Writes in any agent prompt, with pages in the format that the model's own attempts saw."""

    name = "prompted"
    about = "Everything was written by the model: objective, plan, address, page, previous action, thought and action."

    def __init__(self, policy: Policy, shots: Sequence[Shot], seed: str, temperature: float, retries: int) -> None:
        self._policy, self._shots, self._seed = policy, shots, seed
        self._temperature, self._retries = temperature, retries
        # The shots' pages and the one to write share what the context leaves.
        left = policy.model.context_tokens - policy.format.max_new_tokens - _WORDS
        self._page_tokens = max(64, min(policy.page_tokens, left // (_NUM_SHOTS + 1)))

    async def objective(self, number: int, attempt: int, shots: Sequence[str]) -> Objective:
        site, text = asking.read_objective(
            await self._say(asking.new_objective(shots), _SHORT, number, "objective", attempt)
        )
        return Objective(text, site, attempt)

    async def example(self, number: int, objective: Objective, refused: Counter[str]) -> Example:
        site, text = objective.site, objective.text

        async def plan(attempt: int) -> list[tuple[str, str]]:
            return asking.read_plan(await self._say(asking.plan(site, text), _PLAN, number, "plan", attempt))

        planned = await retried(self._retries, refused, plan)
        rng = draws(self._seed, number, "step")
        step, position = draw_step(rng, len(planned))
        steps = "\n".join(f"{index}. {verb}: {what}" for index, (verb, what) in enumerate(planned, 1))

        async def address(attempt: int) -> str:
            asked = asking.address(site, text, steps, step + 1)
            return asking.read_address(await self._say(asked, _SHORT, number, "address", attempt), site)

        url = await retried(self._retries, refused, address)
        shots = rng.sample(self._shots, min(_NUM_SHOTS, len(self._shots)))

        async def draft(attempt: int) -> tuple[asking.Draft, str]:
            asked = asking.draft(shots, url, text, steps, step + 1, self._page_tokens)
            room = self._page_tokens + self._policy.format.max_new_tokens
            found = asking.read_draft(await self._say(asked, room, number, "draft", attempt), is_first=not step)
            return found, checks.action_of(found.response, self._policy.format)

        found, action = await retried(self._retries, refused, draft)

        async def page(attempt: int) -> tuple[str, str]:
            asked = asking.page_again(url, text, found, action)
            shown = asking.read_page(await self._say(asked, self._page_tokens, number, "page", attempt))
            prompt = await self._policy.render(View(shown, url, text, found.previous, found.previous_element))
            checks.check_on_page(action, checks.elements(shown), prompt)
            return shown, prompt

        _, prompt = await retried(self._retries, refused, page)
        return Example(prompt, found.response, step, position, action, planned="")

    async def _say(self, parts: Sequence[Part], room: int, number: int, what: str, attempt: int) -> str:
        seed = seed_of(self._seed, number, what, attempt)
        return (await self._policy.write(parts, seed, self._temperature, room)).text


def shots_of(kept: Sequence[trajectory_pb.Trajectory]) -> list[Shot]:
    """The steps that may be shown as examples, of attempts in their order."""
    found = []
    for trajectory in kept:
        before: trajectory_pb.Step | None = None
        for step in rows.trainable(trajectory):
            if step.observation:
                previous = in_words(before) if before else "None"
                found.append(Shot(step.url, trajectory.intent, step.observation, previous, step.response))
            before = step
    return found


def acted_on(step: trajectory_pb.Step) -> tuple[str, str]:
    """(role, name) of the element that the step acted on; ("", "") where it named none that can be read."""
    try:
        elements = {number: (each.role, each.name) for number, each in checks.elements(step.observation).items()}
    except Refused:
        return "", ""
    return with_name(step.action, elements)


def in_words(step: trajectory_pb.Step) -> str:
    """The step's action, with the element's role and name."""
    role, name = acted_on(step)
    return f"{step.action} where the element is {role} '{name}'" if role else step.action
