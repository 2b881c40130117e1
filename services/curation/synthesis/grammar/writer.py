"""Examples for a small model: the grammar draws objective, site and page; the policy writes thought and action.

Invariant: an answer is kept only if the agent loop would have taken it as one action on an element of that page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from services.common.prompts import View
from services.curation.synthesis import checks
from services.curation.synthesis.examples import Example, Objective, draw_step, draws, retried, seed_of
from services.curation.synthesis.grammar import pages, scenarios
from services.curation.synthesis.policy import Policy


class GrammarWriter:
    """Writes in the `brief` prompt with `compact` pages."""

    name = "grammar"
    about = (
        "The model is too small to invent web pages in free text: objectives, addresses, previous actions and pages "
        "are drawn from a seeded grammar of invented web sites; the model wrote the thought and the action."
    )

    def __init__(self, policy: Policy, seed: str, temperature: float, retries: int) -> None:
        self._policy, self._seed, self._temperature, self._retries = policy, seed, temperature, retries

    async def objective(self, number: int, attempt: int, shots: Sequence[str]) -> Objective:
        scenario = self._scenario(number, attempt)
        return Objective(scenario.objective, scenario.site.name, attempt)

    async def example(self, number: int, objective: Objective, refused: Counter[str]) -> Example:
        scenario = self._scenario(number, objective.attempt)
        rng = draws(self._seed, number, "step")
        step, position = draw_step(rng, len(scenario.moves))
        move = scenario.moves[step]
        page = pages.Page(rng.choice((1, rng.randrange(2, 60), rng.randrange(60, 700))))
        move.draw(page, scenario.site, rng)
        view = self._view(scenario, step, str(page), rng.randrange(1, pages.MAX_ID))
        elements = checks.elements(str(page))

        async def write(attempt: int) -> Example:
            seed = seed_of(self._seed, number, "answer", attempt)
            said = await self._policy.act(view, seed, self._temperature)
            action = checks.action_of(said.text, self._policy.format)
            checks.check_on_page(action, elements, said.prompt)
            return Example(said.prompt, said.text, step, position, action, planned=move.action(page.ids))

        return await retried(self._retries, refused, write)

    def _scenario(self, number: int, attempt: int) -> scenarios.Scenario:
        return scenarios.draw(draws(self._seed, number, "scenario", attempt))

    def _view(self, scenario: scenarios.Scenario, step: int, page: str, old_id: int) -> View:
        url = f"http://{scenario.site.host}{scenario.moves[step].path}"
        if not step:
            return View(page, url, scenario.objective, "")
        before = scenario.moves[step - 1]
        # The id belonged to another page: the prompt shows role and name in its place.
        previous = before.action({before.target: old_id})
        return View(page, url, scenario.objective, previous, (before.role, before.target))
