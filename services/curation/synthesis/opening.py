"""From a request and its kept attempts to synthetic rows: the key, the policy, its writer, and what the card tells.

Invariant: the key covers all that decides which examples come out; calls under one key wait for each other.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

from ratchet.curation.v1 import curation_service_pb2 as pb
from ratchet.serving.v1 import serving_service_pb2 as serving_pb
from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory_pb
from services.common.errors import FailedPrecondition
from services.curation import rows
from services.curation.ports import Ledger
from services.curation.rows import Row
from services.curation.settings import CurationSettings
from services.curation.synthesis.diversity import Embedder
from services.curation.synthesis.examples import Writer
from services.curation.synthesis.grammar.writer import GrammarWriter
from services.curation.synthesis.policy import Policy
from services.curation.synthesis.prompted import PromptedWriter, shots_of
from services.curation.synthesis.synthesizing import Synthesis, Synthesizer

# Changed with whatever changes what the same request gives.
_VERSION = 1
_KEY_LENGTH = 16


class Synthetic(NamedTuple):
    """Rows without a side of the split yet, and the facts for the card."""

    rows: list[Row]
    facts: dict[str, Any]


class Opener:
    """Synthesises on request."""

    def __init__(self, serving: Any, scoring: Any, ledger: Ledger, settings: CurationSettings) -> None:
        self._serving, self._scoring = serving, scoring
        self._ledger, self._settings = ledger, settings
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def policy(self, wanted: pb.CurateDatasetRequest) -> Policy:
        """The policy that made the attempts. Raises what serving raises."""
        model = (await self._serving.GetModel(serving_pb.GetModelRequest())).model
        if wanted.model:
            model.name = wanted.model
        return Policy(self._serving, model, wanted.adapter, self._settings.generate_timeout_s)

    async def write(
        self,
        wanted: pb.CurateDatasetRequest,
        kept: Sequence[trajectory_pb.Trajectory],
        in_domain: Sequence[Row],
    ) -> Synthetic:
        """As many rows as are in-domain, none equal to one. Raises TooFewSynthetic and what the other rooms raise."""
        policy = await self.policy(wanted)
        intents = sorted({trajectory.intent for trajectory in kept if trajectory.intent.strip()})
        key = self._key(wanted, policy, intents, in_domain)
        writer = self._writer(policy, key, kept)
        embedder = Embedder(self._scoring, self._settings.generate_timeout_s)
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            synthesizer = Synthesizer(key, writer, embedder, self._ledger, self._settings)
            taken = {(row.prompt, row.response) for row in in_domain}
            done = await synthesizer.run(len(in_domain), intents, taken)
        made = [
            Row(each.prompt, each.response, rows.TRAIN, f"synthetic/{key}/{number}", each.step, rows.SYNTHETIC)
            for number, each in done.examples.items()
        ]
        return Synthetic(made, self._facts(wanted, policy, writer, key, done))

    def _key(
        self, wanted: pb.CurateDatasetRequest, policy: Policy, intents: Sequence[str], in_domain: Sequence[Row]
    ) -> str:
        own = self._settings
        decisive = {
            "version": _VERSION,
            "model": [policy.model.name, policy.model.revision, policy.model.prompt_format],
            "adapter": wanted.adapter,
            "seeds": [wanted.seed, wanted.world_seed, wanted.suite],
            "intents": intents,
            "rows": [[row.prompt, row.response] for row in in_domain],
            "settings": [own.max_cosine, own.block, own.objective_retries, own.example_retries, own.temperature],
        }
        return hashlib.sha256(json.dumps(decisive).encode()).hexdigest()[:_KEY_LENGTH]

    def _writer(self, policy: Policy, key: str, kept: Sequence[trajectory_pb.Trajectory]) -> Writer:
        temperature, retries = self._settings.temperature, self._settings.example_retries
        if policy.format.name == "brief":
            return GrammarWriter(policy, key, temperature, retries)
        shots = shots_of(kept)
        if not shots:
            raise FailedPrecondition(
                "no kept attempt has a step with its page, so the model cannot be shown what to write; use mixture A"
            )
        return PromptedWriter(policy, shots, key, temperature, retries)

    def _facts(
        self, wanted: pb.CurateDatasetRequest, policy: Policy, writer: Writer, key: str, done: Synthesis
    ) -> dict[str, Any]:
        own, made = self._settings, list(done.examples.values())
        facts: dict[str, Any] = {
            "writer": writer.name,
            "about": writer.about,
            "key": key,
            "model": policy.model.name,
            "model_revision": policy.model.revision,
            "adapter": wanted.adapter,
            "prompt_format": policy.format.name,
            "suite": wanted.suite,
            "world_seed": wanted.world_seed,
            "temperature": own.temperature,
            "num_rows": len(made),
            "num_objectives": done.num_drawn,
            "objective_retries": own.objective_retries,
            "example_retries": own.example_retries,
            "refused": dict(done.refused),
            "max_cosine": own.max_cosine,
            "highest_cosine": round(done.highest_cosine, 4),
            "embedding_model": done.embedding_model,
            "positions": _counted(each.position for each in made),
            "actions": _counted(each.action.split(" ")[0] for each in made),
        }
        if planned := [each for each in made if each.planned]:
            # A diagnostic, like the filter's precision: nothing is chosen by it.
            facts["share_as_planned"] = sum(each.action == each.planned for each in planned) / len(planned)
        return facts


def _counted(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))
