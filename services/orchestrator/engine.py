"""Drives iterations and evaluations: creates them, runs their steps, cancels and resumes them.

Invariant: a resource is RUNNING exactly as long as its workflow has something left to do; what a step has done
is in the store or in the resource before the step ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from ratchet.orchestrator.v1.evaluation_service_pb2 import Evaluation
from ratchet.orchestrator.v1.iteration_service_pb2 import Iteration, IterationSpec
from ratchet.training.v1.training_service_pb2 import CancelTrainingJobRequest
from services.common import ids, telemetry
from services.common.database import DatabaseUnavailable, StorageFailed
from services.common.errors import FailedPrecondition, RatchetError
from services.orchestrator import evaluation, metrics, scores
from services.orchestrator.phases import PHASES
from services.orchestrator.registry import Superseded
from services.orchestrator.services import Services
from services.orchestrator.turn import Turn

ITERATIONS, EVALUATIONS = "iterations", "evaluations"
_DATABASE_RETRY_S = 2.0
Submit = Callable[[str, str, int], Awaitable[bool]]
Resource = TypeVar("Resource", Iteration, Evaluation)


class IterationRunning(FailedPrecondition):
    """Iterations change the current policy, so there is one at a time."""

    reason = "ITERATION_RUNNING"


class Engine:
    """The work behind the workflows. `submit` starts a workflow; it is given after construction by `attach`."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._tasks: dict[str, asyncio.Task[bool]] = {}
        self._submit: Submit | None = None

    def attach(self, submit: Submit) -> None:
        """Give it the workflows that it is the work of."""
        self._submit = submit

    async def recover(self) -> None:
        """Join the workflows of what was running when the last host stopped or died, and show its scores again."""
        await scores.restore(self._services.registry)
        for iteration in await self._services.registry.active(Iteration):
            await self._start_iteration(iteration)
        for running in await self._services.registry.active(Evaluation):
            await self._start(EVALUATIONS, running.name, 0)

    def steps(self, kind: str) -> list[str]:
        """See workflows.Work."""
        return list(PHASES) if kind == ITERATIONS else [evaluation.STEP]

    async def run_step(self, kind: str, name: str, turn: int, step: str) -> bool:
        """See workflows.Work. Failures end the resource with their message; they do not escape."""
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(room="orchestrator", run=name)
        task = asyncio.current_task()
        assert task is not None
        self._tasks[name] = task
        metrics.ACTIVE.labels(kind).inc()
        try:
            while True:
                try:
                    return await (
                        self._run_phase(name, turn, step) if kind == ITERATIONS else self._run_evaluation(name)
                    )
                except DatabaseUnavailable as error:  # the work is idempotent, and begins again when it is back
                    telemetry.log().warning("waiting for the database", step=step, cause=error.message)
                    await asyncio.sleep(_DATABASE_RETRY_S)
        except Superseded as error:
            telemetry.log().warning("work left to another", step=step, why=error.message)
            return False
        finally:
            metrics.ACTIVE.labels(kind).dec()
            self._tasks.pop(name, None)

    async def interrupt_all(self) -> None:
        """See workflows.Work."""
        for name in list(self._tasks):
            await self._interrupt(name)

    async def create_iteration(self, spec: IterationSpec, request_id: str) -> Iteration:
        """A new iteration, its workflow started. Raises IterationRunning; a known request id gives its iteration."""
        async with self._services.registry.alone():
            if request_id and (known := await self._services.registry.by_request(Iteration, request_id)):
                return known
            if running := await self._services.registry.active(Iteration):
                raise IterationRunning(
                    f"{running[0].name} is running; watch it with `ratchet iterations watch {running[0].name}` "
                    "or stop it with `ratchet iterations cancel`",
                    iteration=running[0].name,
                )
            iteration = self._new_iteration(spec, (await self._services.policies.get(spec.policy)).name)
            if spec.follows:
                before = await self._services.registry.get(Iteration, spec.follows)
                iteration.previous, iteration.round = before.name, before.round + 1
            await self._services.registry.create(iteration, request_id, active=True)
            await self._start_iteration(iteration)
            return iteration

    async def create_evaluation(self, made: Evaluation, request_id: str) -> Evaluation:
        """A new evaluation, its workflow started."""
        stored, is_new = await self._services.registry.create(made, request_id, active=True)
        if is_new:
            await self._start(EVALUATIONS, stored.name, 0)
        return stored

    async def cancel(self, resource: Resource) -> Resource:
        """Stop it; what it has done stays. Cancelling what has ended changes nothing."""
        await self._interrupt(resource.name)
        resource, _holder = await self._services.registry.claim(type(resource), resource.name)
        if resource.state == type(resource).STATE_RUNNING:
            resource.state = type(resource).STATE_CANCELLED
            resource.end_time.GetCurrentTime()
            await self._services.registry.put(resource, active=False)
            _count_end(resource)
            if isinstance(resource, Iteration) and resource.training_job and not resource.candidate_policy:
                request = CancelTrainingJobRequest(name=resource.training_job)
                await self._services.stubs.training.CancelTrainingJob(request)
        return resource

    async def resume(self, name: str) -> Iteration:
        """Go on with a failed or cancelled iteration; a running or finished one is returned as it is."""
        async with self._services.registry.alone():
            iteration = await self._services.registry.get(Iteration, name)
            if iteration.state not in (Iteration.STATE_FAILED, Iteration.STATE_CANCELLED):
                return iteration
            if running := await self._services.registry.active(Iteration):
                raise IterationRunning(f"{running[0].name} is running; wait for it or cancel it first")
            iteration.state, iteration.error = Iteration.STATE_RUNNING, ""
            iteration.num_resumes += 1
            iteration.ClearField("end_time")
            await self._services.registry.put(iteration, active=True)
            await self._start_iteration(iteration)
            return iteration

    async def _run_phase(self, name: str, number: int, step: str) -> bool:
        # A workflow that was left behind takes nothing from the one that goes on.
        if (await self._services.registry.get(Iteration, name)).num_resumes != number:
            return False
        iteration, holder = await self._services.registry.claim(Iteration, name)
        if iteration.state != Iteration.STATE_RUNNING:
            return False
        turn, last = Turn(self._services, iteration, holder), step == list(PHASES)[-1]

        async def work() -> None:
            await turn.begin(step)
            await PHASES[step](turn)
            if last:
                await self._continue(iteration)
            await turn.end(step, last=last)

        if error := await _failure(work(), step):
            await self._fail(iteration, error, holder)
            return False
        telemetry.log().info("phase done", step=step, verdict=iteration.verdict)
        return True

    async def _run_evaluation(self, name: str) -> bool:
        running, holder = await self._services.registry.claim(Evaluation, name)
        if running.state != Evaluation.STATE_RUNNING:
            return False
        running.error = await _failure(evaluation.run(self._services, running, holder), evaluation.STEP)
        running.state = Evaluation.STATE_FAILED if running.error else Evaluation.STATE_SUCCEEDED
        running.end_time.GetCurrentTime()
        await self._keep(running, holder)
        return True

    async def _continue(self, iteration: Iteration) -> None:
        """Begin the next round, before this one ends, so that nothing slips in between."""
        if iteration.round >= iteration.spec.rounds:
            return
        current = await self._services.policies.get("")
        following = self._new_iteration(iteration.spec, current.name)
        following.round, following.previous = iteration.round + 1, iteration.name
        stored, _new = await self._services.registry.create(following, f"{iteration.name}/next", active=True)
        iteration.next = stored.name
        if stored.state == Iteration.STATE_RUNNING:
            await self._start_iteration(stored)

    async def _fail(self, iteration: Iteration, message: str, holder: str) -> None:
        iteration.state = Iteration.STATE_FAILED
        iteration.error = f"{message} (then: ratchet iterations resume {iteration.name})"
        iteration.end_time.GetCurrentTime()
        telemetry.log().error("iteration failed", cause=message)
        await self._keep(iteration, holder)

    async def _keep(self, ended: Resource, holder: str) -> None:
        """Store how it ended, as soon as the disk lets us: a workflow that forgot its end could not be resumed."""
        while True:
            try:
                await self._services.registry.put(ended, active=False, holder=holder)
                return _count_end(ended)
            except (StorageFailed, DatabaseUnavailable) as error:
                telemetry.log().error("cannot keep the end", cause=error.message)
                await asyncio.sleep(_DATABASE_RETRY_S)

    async def _start_iteration(self, iteration: Iteration) -> None:
        while not await self._start(ITERATIONS, iteration.name, iteration.num_resumes):
            # The library has closed that workflow. Where the iteration has work left, it goes on in a new one.
            seen = iteration.num_resumes
            iteration = await self._services.registry.get(Iteration, iteration.name)
            if iteration.state != Iteration.STATE_RUNNING:
                return
            if iteration.num_resumes == seen:
                iteration.num_resumes += 1
                await self._services.registry.put(iteration, active=True)

    async def _start(self, kind: str, name: str, turn: int) -> bool:
        assert self._submit is not None, "attach() comes before the first submission"
        return await self._submit(kind, name, turn)

    async def _interrupt(self, name: str) -> None:
        if task := self._tasks.get(name):
            task.cancel()
            await asyncio.wait([task])

    @staticmethod
    def _new_iteration(spec: IterationSpec, policy: str) -> Iteration:
        made = Iteration(
            name=f"iterations/{ids.new_id()}",
            state=Iteration.STATE_RUNNING,
            spec=spec,
            base_policy=policy,
            round=1,
        )
        made.create_time.GetCurrentTime()
        return made


def _count_end(resource: Iteration | Evaluation) -> None:
    if isinstance(resource, Iteration):
        kind, state = ITERATIONS, Iteration.State.Name(resource.state)
    else:
        kind, state = EVALUATIONS, Evaluation.State.Name(resource.state)
    metrics.ENDED.labels(kind, state.removeprefix("STATE_").lower()).inc()


async def _failure(work: Awaitable[None], step: str) -> str:
    """Why the work failed, for people; "" when it did not. A bug ends the resource, with an id, and not the host."""
    try:
        await work
    except (Superseded, DatabaseUnavailable):
        raise
    except RatchetError as error:
        return error.message
    except Exception as error:  # noqa: BLE001
        error_id = ids.new_id()
        telemetry.log().error("step failed", step=step, error_id=error_id, exc_info=error)
        return f"internal error {error_id} in {step}; the host's log has the details"
    return ""
