"""RolloutService: wire to loop and back."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import structlog
from grpc import aio

from ratchet.browser.v1.browser_service_pb2_grpc import BrowserServiceStub
from ratchet.rollout.v1 import rollout_service_pb2 as pb
from ratchet.rollout.v1 import rollout_service_pb2_grpc
from ratchet.scoring.v1.scoring_service_pb2_grpc import ScoringServiceStub
from ratchet.serving.v1 import serving_service_pb2 as serving_pb
from ratchet.serving.v1.serving_service_pb2_grpc import ServingServiceStub
from ratchet.trajectory.v1.trajectory_service_pb2_grpc import TrajectoryServiceStub
from services.common import prompts, telemetry
from services.common.errors import InvalidArgument, RatchetError, ResourceExhausted
from services.rollout import metrics
from services.rollout.agents import Agent, ExpertAgent, ModelAgent, TrivialAgent
from services.rollout.episode import Episode
from services.rollout.ports import BadTask, Environment
from services.rollout.recording import Recorder
from services.rollout.settings import RolloutSettings
from services.rollout.voting import VotingAgent

if TYPE_CHECKING:
    from ratchet.browser.v1.browser_service_pb2_grpc import BrowserServiceAsyncStub
    from ratchet.scoring.v1.scoring_service_pb2_grpc import ScoringServiceAsyncStub
    from ratchet.serving.v1.serving_service_pb2_grpc import ServingServiceAsyncStub
    from ratchet.trajectory.v1.trajectory_service_pb2_grpc import TrajectoryServiceAsyncStub

_DEFAULT_FORMAT = "brief"


class RolloutServicer(rollout_service_pb2_grpc.RolloutServiceServicer):
    """Runs episodes, at most `max_episodes` at a time."""

    def __init__(
        self,
        settings: RolloutSettings,
        environments: dict[str, Environment],
        browser_at: Callable[[str], aio.Channel],
        serving: aio.Channel,
        scoring: aio.Channel,
        trajectory: aio.Channel,
    ) -> None:
        self._settings, self._environments = settings, environments
        self._browser_at = browser_at
        self._serving: ServingServiceAsyncStub = ServingServiceStub(serving)
        self._scoring: ScoringServiceAsyncStub = ScoringServiceStub(scoring)
        self._store: TrajectoryServiceAsyncStub = TrajectoryServiceStub(trajectory)
        self._num_running = 0
        self._model: serving_pb.Model | None = None

    async def RunEpisode(
        self, request: pb.RunEpisodeRequest, context: aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[pb.RunEpisodeResponse]:
        """See the proto. ResourceExhausted when the worker is full; InvalidArgument for a task it cannot read."""
        del context
        task, environment = _task(request.task_json), self._environment(request.environment)
        if request.agent.kind not in metrics.AGENTS:
            raise InvalidArgument(f"there is no agent {request.agent.kind!r}; known: {', '.join(metrics.AGENTS)}")
        if "/episodes/" not in request.episode:
            raise InvalidArgument(f"{request.episode!r} is not an episode: <run>/episodes/<id>")
        if self._num_running >= self._settings.max_episodes:
            raise ResourceExhausted(f"this worker already runs {self._num_running} episodes; try another or later")
        structlog.contextvars.bind_contextvars(
            run=request.episode.partition("/episodes/")[0], episode=request.episode.rpartition("/")[2]
        )
        self._num_running += 1
        metrics.RUNNING.inc()
        started, outcome = time.perf_counter(), "failed"
        for possible in metrics.OUTCOMES:
            metrics.EPISODES.labels(request.suite, request.split, possible)
        try:
            agent = await self._agent(request, environment, task)
            formats = (
                request.agent.prompt_format,
                request.agent.observation_format or agent.format.observation_format,
            )
            recorder = Recorder(self._store, request, task, formats, self._settings.max_inline_observation_bytes)
            episode = Episode(
                request,
                task,
                agent,
                environment,
                self._browser,
                self._scoring,
                recorder,
                self._settings,
            )
            async with aclosing(episode.run()) as steps:
                async for step in steps:
                    yield pb.RunEpisodeResponse(step=step)
            outcome = "solved" if recorder.trajectory.reward >= 1 else "unsolved"
            yield pb.RunEpisodeResponse(finished=_finished(recorder, time.perf_counter() - started))
        except RatchetError as error:
            telemetry.log().warning("attempt failed", attempt=request.attempt, reason=error.reason, cause=str(error))
            raise
        finally:
            self._num_running -= 1
            metrics.RUNNING.dec()
            metrics.EPISODES.labels(request.suite, request.split, outcome).inc()
            metrics.EPISODE_SECONDS.labels(request.agent.kind).observe(time.perf_counter() - started)

    def _browser(self, address: str) -> BrowserServiceAsyncStub:
        return BrowserServiceStub(self._browser_at(address))

    def _environment(self, name: str) -> Environment:
        if name not in self._environments:
            raise InvalidArgument(f"there is no environment {name!r}; known: {', '.join(self._environments)}")
        return self._environments[name]

    async def _agent(self, request: pb.RunEpisodeRequest, environment: Environment, task: dict[str, Any]) -> Agent:
        if request.agent.kind == "model":
            if self._model is None or (request.agent.model and self._model.name != request.agent.model):
                self._model = (await self._serving.GetModel(serving_pb.GetModelRequest())).model
            single = ModelAgent(self._serving, request, self._model, self._settings.model_timeout_s)
            return VotingAgent(single, request.agent.votes) if request.agent.votes > 1 else single
        prompt_format = prompts.named(request.agent.prompt_format or _DEFAULT_FORMAT)
        if request.agent.kind == "trivial":
            return TrivialAgent(prompt_format)
        return ExpertAgent(await environment.expert(request.world, task, request.split), prompt_format)


def _task(text: str) -> dict[str, Any]:
    try:
        task = json.loads(text)
    except ValueError as error:
        raise BadTask(f"the task is not JSON: {error}") from error
    missing = [key for key in ("task_id", "intent", "start_url", "eval") if key not in task]
    if missing:
        raise BadTask(f"the task lacks {', '.join(missing)}")
    found: dict[str, Any] = task
    return found


def _finished(recorder: Recorder, elapsed_s: float) -> pb.EpisodeFinished:
    trajectory = recorder.trajectory
    return pb.EpisodeFinished(
        trajectory=trajectory.name,
        reward=trajectory.reward,
        stop_reason=trajectory.stop_reason,
        num_steps=trajectory.num_steps,
        elapsed_s=elapsed_s,
    )
