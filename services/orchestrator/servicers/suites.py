"""SuiteService."""

from __future__ import annotations

from typing import Any

from grpc import aio

from ratchet.orchestrator.v1 import suite_service_pb2 as pb
from ratchet.orchestrator.v1 import suite_service_pb2_grpc
from services.common import ids
from services.orchestrator.ports import SuiteSource
from services.orchestrator.suites import Suites

Context = aio.ServicerContext[Any, Any]
_DEFAULT_PAGE_SIZE, _MAX_PAGE_SIZE = 100, 500


class SuiteServicer(suite_service_pb2_grpc.SuiteServiceServicer):
    """See the proto."""

    def __init__(self, suites: Suites) -> None:
        self._suites = suites

    async def ListSuites(self, request: pb.ListSuitesRequest, context: Context) -> pb.ListSuitesResponse:
        found = await self._suites.all()
        return pb.ListSuitesResponse(suites=[_suite(name, source) for name, source in found.items()])

    async def ListTasks(self, request: pb.ListTasksRequest, context: Context) -> pb.ListTasksResponse:
        (name,) = ids.parse(request.parent, "suites")
        source = await self._suites.named(name)
        tasks = await source.tasks(request.split or source.splits[0], request.world_seed or 1, 0)
        size = min(request.page_size or _DEFAULT_PAGE_SIZE, _MAX_PAGE_SIZE)
        start = int(request.page_token) if request.page_token.isdigit() else 0
        page = tasks[start : start + size]
        return pb.ListTasksResponse(
            tasks=[
                pb.Task(
                    name=f"suites/{name}/tasks/{task.id}",
                    task_json=task.json,
                    world=task.world,
                    intent=str(task.task["intent"]),
                )
                for task in page
            ],
            next_page_token=str(start + size) if start + size < len(tasks) else "",
            total_size=len(tasks),
        )

    async def ImportSuite(self, request: pb.ImportSuiteRequest, context: Context) -> pb.ImportSuiteResponse:
        count = await self._suites.add(request.suite_id, request.tasks_json, dict(request.sites))
        source = await self._suites.named(request.suite_id)
        return pb.ImportSuiteResponse(suite=_suite(request.suite_id, source), num_tasks=count)


def _suite(name: str, source: SuiteSource) -> pb.Suite:
    return pb.Suite(
        name=f"suites/{name}",
        environment=source.environment,
        splits=source.splits,
        description=source.description,
    )
