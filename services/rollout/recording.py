"""What an attempt leaves behind: its trajectory, written once, when it ends."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from ratchet.browser.v1.browser_service_pb2 import Observation
from ratchet.rollout.v1 import rollout_service_pb2 as pb
from ratchet.trajectory.v1 import trajectory_service_pb2 as store_pb
from services.rollout.agents import Decision

if TYPE_CHECKING:
    from ratchet.trajectory.v1.trajectory_service_pb2_grpc import TrajectoryServiceAsyncStub

_CHUNK_BYTES = 1 << 20


class Recorder:
    """Gathers the steps of one attempt and stores them."""

    def __init__(
        self,
        store: TrajectoryServiceAsyncStub,
        request: pb.RunEpisodeRequest,
        task: dict[str, Any],
        formats: tuple[str, str],
        max_inline_bytes: int,
    ) -> None:
        run, _, episode = request.episode.rpartition("/episodes/")
        self.trajectory = store_pb.Trajectory(
            name=f"{run}/trajectories/{episode}-{request.attempt}",
            episode=request.episode,
            attempt=request.attempt,
            policy=request.policy,
            suite=request.suite,
            split=request.split,
            phase=request.phase,
            world=request.world,
            task_id=str(task.get("task_id", "")),
            task_json=json.dumps(task, sort_keys=True),
            intent=str(task.get("intent", "")),
            seed=request.seed,
            prompt_format=formats[0],
            observation_format=formats[1],
        )
        self.timings = self.trajectory.timings
        self._store, self._max_inline_bytes = store, max_inline_bytes
        self._started = time.perf_counter()

    def asked(self, intent: str) -> None:
        """Keep what the agent is really asked to do, where that differs from the task as it was written."""
        if intent != self.trajectory.intent:
            self.trajectory.intent = intent
            task = json.loads(self.trajectory.task_json) | {"intent": intent}
            self.trajectory.task_json = json.dumps(task, sort_keys=True)

    async def put_blob(self, content: bytes) -> str:
        """Store bytes; their name, blobs/{sha256}."""

        async def chunks() -> Any:
            for start in range(0, max(1, len(content)), _CHUNK_BYTES):
                yield store_pb.PutBlobRequest(chunk=content[start : start + _CHUNK_BYTES])

        started = time.perf_counter()
        reply = await self._store.PutBlob(chunks())
        self.timings.store_s += time.perf_counter() - started
        return reply.name

    async def add_step(self, index: int, observation: Observation, decision: Decision, model_s: float) -> store_pb.Step:
        """Begin the record of a step; its action and outcome are filled in by the loop."""
        text, blob = observation.text, ""
        if len(text.encode()) > self._max_inline_bytes:
            blob, text = await self.put_blob(text.encode()), text[: self._max_inline_bytes // 4]
        step = self.trajectory.steps.add(
            index=index,
            url=observation.url,
            observation=text,
            observation_blob=blob,
            prompt=decision.prompt[: 4 * self._max_inline_bytes],
            response=decision.response,
            num_prompt_tokens=decision.num_prompt_tokens,
            num_response_tokens=decision.num_response_tokens,
            observe_s=observation.elapsed_s,
            model_s=model_s,
            response_token_ids=decision.token_ids,
            response_logprobs=decision.logprobs,
        )
        self.timings.model_call_s += model_s
        self.timings.model_queue_s += decision.queue_s
        self.timings.model_compute_s += decision.compute_s
        self.trajectory.num_prompt_tokens += decision.num_prompt_tokens
        self.trajectory.num_response_tokens += decision.num_response_tokens
        return step

    async def succeed(self, stop_reason: str, answer: str, reward: float, checks: list[str]) -> store_pb.Trajectory:
        """Store the finished attempt; the earlier one where the episode was finished before."""
        self.trajectory.state = store_pb.Trajectory.STATE_SUCCEEDED
        self.trajectory.stop_reason, self.trajectory.answer, self.trajectory.reward = stop_reason, answer, reward
        self.trajectory.checks.extend(checks)
        return await self._write()

    async def fail(self, error: str) -> store_pb.Trajectory:
        """Store what there is of an attempt that the machinery broke; it is never counted."""
        self.trajectory.state = store_pb.Trajectory.STATE_FAILED
        self.trajectory.error = error
        return await self._write()

    async def _write(self) -> store_pb.Trajectory:
        self.trajectory.num_steps = len(self.trajectory.steps)
        self.timings.total_s = time.perf_counter() - self._started
        request = store_pb.CreateTrajectoryRequest(request_id=self.trajectory.name, trajectory=self.trajectory)
        return (await self._store.CreateTrajectory(request)).trajectory
