"""As many examples as are wanted: block by block, objectives in order, examples side by side, each kept when finished.

Invariant: which examples come out depends on the key's inputs alone, not on the number wanted, on what ran beside what,
or on where an earlier call was killed. A block's objectives are decided together, before any of its examples.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from services.curation.errors import TooFewSynthetic
from services.curation.ports import Ledger, Record
from services.curation.settings import CurationSettings
from services.curation.synthesis import progress
from services.curation.synthesis.diversity import Diversity, Embedder
from services.curation.synthesis.examples import Example, Objective, Refused, Writer, draws
from services.curation.synthesis.progress import Progress
from services.curation.together import together

_SHOTS, _SYNTHETIC_SHOTS = 4, 2


@dataclass(frozen=True)
class Synthesis:
    """The examples that were wanted, by number, and how they came about."""

    examples: Mapping[int, Example]
    num_drawn: int
    refused: Mapping[str, int]
    highest_cosine: float
    embedding_model: str


class Synthesizer:
    """Synthesises under one key; two at once under one key would do the work twice."""

    def __init__(
        self, key: str, writer: Writer, embedder: Embedder, ledger: Ledger, settings: CurationSettings
    ) -> None:
        self._key, self._writer, self._embedder, self._ledger = key, writer, embedder, ledger
        self._settings = settings
        self._diversity = Diversity(settings.max_cosine)

    async def run(self, wanted: int, in_domain: Sequence[str], taken: Collection[tuple[str, str]]) -> Synthesis:
        """So many examples on objectives unlike the in-domain ones, none of them taken.

        Raises TooFewSynthetic, and what serving, scoring and the ledger raise; what was finished before is kept.
        """
        state = Progress(await asyncio.to_thread(self._ledger.load, self._key))
        for vector in await self._embedder.of(in_domain):
            self._diversity.add(vector)
        for vector in await self._embedder.of([objective.text for objective in state.accepted()]):
            self._diversity.admit(vector, decided=True)
        most = wanted * self._settings.max_drawn_per_row
        while len(state.finished(taken)) < wanted:
            if not state.pending():
                if state.num_drawn >= most:
                    raise self._too_few(state, wanted, len(state.finished(taken)))
                await self._decide_block(state, in_domain)
            await self._write_pending(state)
        found = state.finished(taken)
        return Synthesis(
            {number: found[number] for number in list(found)[:wanted]},
            state.num_drawn,
            dict(sorted(state.refused.items())),
            self._diversity.highest,
            self._embedder.model,
        )

    async def _decide_block(self, state: Progress, in_domain: Sequence[str]) -> None:
        """Accept or give up the objectives of the next numbers: those of one attempt are written side by side."""
        start, earlier = state.num_drawn, [objective.text for objective in state.accepted()]
        numbers = range(start, start + self._settings.block)
        accepted: dict[int, Objective] = {}
        refused: dict[int, Counter[str]] = {number: Counter() for number in numbers}
        for attempt in range(self._settings.objective_retries):
            still = [number for number in numbers if number not in accepted]
            if not still:
                break
            asked = partial(self._objective, attempt=attempt, in_domain=in_domain, earlier=earlier, refused=refused)
            written = await together(asked, still, parallel=len(still))
            candidates = [(n, objective) for n, objective in zip(still, written, strict=True) if objective]
            vectors = await self._embedder.of([objective.text for _, objective in candidates])
            for (number, objective), vector in zip(candidates, vectors, strict=True):
                try:
                    self._diversity.admit(vector)
                except Refused as error:
                    refused[number][error.check] += 1
                else:
                    accepted[number] = objective
        records = [
            progress.record(progress.OBJECTIVE, number, accepted.get(number), refused[number]) for number in numbers
        ]
        await self._keep(state, records)

    async def _objective(
        self,
        number: int,
        attempt: int,
        in_domain: Sequence[str],
        earlier: Sequence[str],
        refused: Mapping[int, Counter[str]],
    ) -> Objective | None:
        rng = draws(self._key, number, "shots", attempt)
        shots = rng.sample(earlier, min(_SYNTHETIC_SHOTS, len(earlier)))
        shots += rng.sample(in_domain, min(_SHOTS - len(shots), len(in_domain)))
        rng.shuffle(shots)
        try:
            return await self._writer.objective(number, attempt, shots)
        except Refused as error:
            refused[number][error.check] += 1
            return None

    async def _write_pending(self, state: Progress) -> None:
        async def write(pending: tuple[int, Objective]) -> None:
            number, objective = pending
            refused: Counter[str] = Counter()
            try:
                made = await self._writer.example(number, objective, refused)
            except Refused:
                made = None
            keeping = asyncio.ensure_future(
                self._keep(state, [progress.record(progress.EXAMPLE, number, made, refused)])
            )
            try:
                await asyncio.shield(keeping)
            finally:
                # Cancelled or not, what was finished is kept before this returns.
                await keeping

        await together(write, state.pending().items(), self._settings.parallel_examples)

    async def _keep(self, state: Progress, records: Sequence[Record]) -> None:
        await asyncio.to_thread(self._ledger.add, self._key, records)
        for record in records:
            state.take(record)

    def _too_few(self, state: Progress, wanted: int, finished: int) -> TooFewSynthetic:
        refused = ", ".join(f"{check} {count}" for check, count in state.refused.most_common()) or "nothing"
        return TooFewSynthetic(
            f"{finished} of {wanted} synthetic rows after {state.num_drawn} objectives "
            f"({len(state.accepted())} accepted; refused: {refused}). Use mixture A, or raise curation's "
            "max_drawn_per_row, objective_retries or example_retries; finished rows are kept, so asking again goes on",
            num_rows=finished,
            num_wanted=wanted,
            num_drawn=state.num_drawn,
            refused=refused,
        )
