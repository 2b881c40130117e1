"""The orchestrator on its databases, with the suites of the arena and of MiniWoB++ built in.

It also answers for the other rooms that people ask, so that they need one address (docs/decisions/0010).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from grpc import aio

from ratchet.orchestrator.v1.evaluation_service_pb2_grpc import add_EvaluationServiceServicer_to_server
from ratchet.orchestrator.v1.iteration_service_pb2_grpc import add_IterationServiceServicer_to_server
from ratchet.orchestrator.v1.policy_service_pb2_grpc import add_PolicyServiceServicer_to_server
from ratchet.orchestrator.v1.suite_service_pb2_grpc import add_SuiteServiceServicer_to_server
from ratchet.scoring.v1 import scoring_service_pb2
from ratchet.training.v1 import training_service_pb2
from ratchet.trajectory.v1 import trajectory_service_pb2
from services.common import addresses, settings
from services.common.rpc import Mount, forward

_PACKAGE = "ratchet.orchestrator.v1"
FORWARDED = {
    "trajectory": trajectory_service_pb2.DESCRIPTOR.services_by_name["TrajectoryService"],
    "training": training_service_pb2.DESCRIPTOR.services_by_name["TrainingService"],
    "scoring": scoring_service_pb2.DESCRIPTOR.services_by_name["ScoringService"],
}


@asynccontextmanager
async def open_room(
    table: dict[str, Any], dial: Callable[[str], aio.Channel], home: Path
) -> AsyncIterator[list[Mount]]:
    """Registry first, then the workflows, which take up again what the last host left."""
    from services.orchestrator.adapters.arena import ArenaSuite
    from services.orchestrator.adapters.control import control as arena_control
    from services.orchestrator.adapters.miniwob import MiniwobSuite
    from services.orchestrator.database import open_database
    from services.orchestrator.engine import Engine
    from services.orchestrator.executors import Executors
    from services.orchestrator.policies import Policies
    from services.orchestrator.registry import Registry
    from services.orchestrator.servicers.evaluations import EvaluationServicer
    from services.orchestrator.servicers.iterations import IterationServicer
    from services.orchestrator.servicers.policies import PolicyServicer
    from services.orchestrator.servicers.suites import SuiteServicer
    from services.orchestrator.services import Services, Stubs
    from services.orchestrator.settings import OrchestratorSettings
    from services.orchestrator.suites import Suites
    from services.orchestrator.workflows import Workflows

    own = settings.load(OrchestratorSettings, table)
    directory = home / "orchestrator"
    async with AsyncExitStack() as stack:
        database = open_database(own.database(directory))
        await database.start()
        stack.push_async_callback(database.close)
        control = arena_control(lambda: own.arena_url or addresses.arena_url(home))
        stack.push_async_callback(control.stop)
        stubs, registry = Stubs.over(dial), Registry(database)
        suites = Suites(database, {"arena": ArenaSuite(control), "miniwob": MiniwobSuite(control)})
        services = Services(stubs, registry, Policies(registry, stubs.serving), suites, own)
        engine = Engine(services)
        workflows = Workflows(own.workflows(directory), own.executor_id, engine)
        engine.attach(workflows.submit)
        executors = Executors(database, own.executor_id, own.executor_stale_s)
        await stack.enter_async_context(executors.running(workflows))
        await engine.recover()
        iterations, evaluations = IterationServicer(services, engine), EvaluationServicer(services, engine)
        policies, listing = PolicyServicer(services.policies), SuiteServicer(suites)
        yield [
            Mount(add_IterationServiceServicer_to_server, iterations, f"{_PACKAGE}.IterationService"),
            Mount(add_EvaluationServiceServicer_to_server, evaluations, f"{_PACKAGE}.EvaluationService"),
            Mount(add_PolicyServiceServicer_to_server, policies, f"{_PACKAGE}.PolicyService"),
            Mount(add_SuiteServiceServicer_to_server, listing, f"{_PACKAGE}.SuiteService"),
            *(forward(service, dial(room)) for room, service in FORWARDED.items()),
        ]
