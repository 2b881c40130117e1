"""ScoringService on the wire: requests to the domain and back, nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from ratchet.scoring.v1 import scoring_service_pb2 as pb
from ratchet.scoring.v1 import scoring_service_pb2_grpc as pb_grpc
from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory_pb
from services.common.errors import InvalidArgument
from services.scoring import comparison, evaluation, matching, metrics, plausibility
from services.scoring.settings import ScoringSettings


class ScoringService(pb_grpc.ScoringServiceServicer):
    """Judges what the trajectory store keeps and what a browser session shows, through their stubs."""

    def __init__(self, trajectories: Any, browser: Any, settings: ScoringSettings) -> None:
        self._trajectories = trajectories
        self._browser = browser
        self._settings = settings

    async def EvaluateEpisode(self, request: pb.EvaluateEpisodeRequest, context: Any) -> pb.EvaluateEpisodeResponse:
        how = matching.named(request.matching or self._settings.matching)
        with metrics.EVALUATE_SECONDS.time():
            response = await evaluation.evaluate(request, self._browser, self._settings.probe_timeout_s, how)
        metrics.EPISODES_SCORED.labels("solved" if response.reward else "unsolved").inc()
        return response

    async def FilterTrajectories(
        self, request: pb.FilterTrajectoriesRequest, context: Any
    ) -> pb.FilterTrajectoriesResponse:
        if not request.parents:
            raise InvalidArgument("parents is empty; name the runs whose trajectories are to be judged")
        judged: list[tuple[pb.Verdict, bool]] = []
        for parent in dict.fromkeys(request.parents):
            of_run = [
                (plausibility.judge(trajectory), trajectory.reward >= 1)
                async for trajectory in self._succeeded(parent, request.phase)
            ]
            # By name: the order of arrival differs from run to run.
            judged += sorted(of_run, key=lambda pair: pair[0].trajectory)
        for verdict, _ in judged:
            metrics.TRAJECTORIES_JUDGED.labels("plausible" if verdict.plausible else "implausible").inc()
        return pb.FilterTrajectoriesResponse(
            verdicts=[verdict for verdict, _ in judged], diagnostics=plausibility.diagnose(judged)
        )

    async def ComparePolicies(self, request: pb.ComparePoliciesRequest, context: Any) -> pb.ComparePoliciesResponse:
        return await asyncio.to_thread(comparison.compare, request, self._settings.num_resamples)

    async def _succeeded(self, parent: str, phase: str) -> AsyncIterator[trajectory_pb.Trajectory]:
        token = ""
        while True:
            page = await self._trajectories.ListTrajectories(
                trajectory_pb.ListTrajectoriesRequest(
                    parent=parent,
                    phase=phase,
                    state=trajectory_pb.Trajectory.STATE_SUCCEEDED,
                    with_steps=True,
                    page_token=token,
                )
            )
            for trajectory in page.trajectories:
                yield trajectory
            if not (token := page.next_page_token):
                return
