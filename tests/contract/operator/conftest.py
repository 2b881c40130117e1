"""A real orchestrator in this process, with the rooms that it asks before the first episode; none is ever run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest_asyncio
import yaml

from ratchet.orchestrator.v1.iteration_service_pb2_grpc import IterationServiceStub
from services.common import rpc
from services.host.main import host
from services.operator.reconciling import Outcome, Reconciler, Resource
from services.operator.runs import Runs
from services.operator.settings import OperatorSettings
from services.orchestrator.database import open_database
from services.orchestrator.registry import Registry

CRD = Path(__file__).parents[3] / "charts" / "ratchet" / "crds" / "selfimprovements.yaml"
_SCHEMA = yaml.safe_load(CRD.read_text())["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]
# No rollout worker: an iteration that has begun waits for one, and so runs until it is cancelled.
ROOMS = ["arena", "trajectory", "serving", "training", "orchestrator"]


class Orchestrator(NamedTuple):
    """The operator's view of it, and its records."""

    reconciler: Reconciler
    iterations: Any
    registry: Registry


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def orchestrator(tmp_path_factory) -> AsyncIterator[Orchestrator]:
    home = tmp_path_factory.mktemp("operator")
    database = open_database(f"sqlite+aiosqlite:///{home / 'orchestrator' / 'orchestrator.db'}")
    async with host(home, {"host": {"log_level": "error"}}, ROOMS) as addresses:
        await database.start()
        registry = Registry(database)
        channel = rpc.dial(addresses.address("orchestrator"))
        iterations = IterationServiceStub(channel)
        try:
            yield Orchestrator(Reconciler(Runs(iterations), OperatorSettings()), iterations, registry)
        finally:
            await channel.close()
            await database.close()


def after(seen: Resource, outcome: Outcome) -> Resource:
    """The resource once the API server has merged and checked what was written."""
    merged = {key: value for key, value in {**seen.status, **outcome.status}.items() if value is not None}
    assert set(merged) <= set(_SCHEMA["properties"])
    jsonschema.validate(merged, _SCHEMA)
    return Resource(seen.uid, seen.name, seen.spec, merged, seen.generation)


def conditions(seen: Resource) -> dict[str, tuple[str, str]]:
    """Status and reason by type."""
    return {each["type"]: (each["status"], each["reason"]) for each in seen.status["conditions"]}
