"""ScoringService on the wire: requests to the domain and back, nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

from ratchet.scoring.v1 import scoring_service_pb2 as pb
from ratchet.scoring.v1 import scoring_service_pb2_grpc as pb_grpc
from services.common.errors import InvalidArgument
from services.scoring import (
    behaviour,
    comparison,
    evaluation,
    filters,
    judging,
    likeness,
    matching,
    measuring,
    metrics,
    plausibility,
)
from services.scoring import stored as attempts
from services.scoring import texts as sentences
from services.scoring.embeddings import Embeddings
from services.scoring.settings import ScoringSettings
from services.scoring.stored import Stored


class Models(NamedTuple):
    """What embeds what."""

    vertex: Embeddings
    capability: Embeddings


class ScoringService(pb_grpc.ScoringServiceServicer):
    """Judges what the trajectory store keeps and what a browser session shows, through their stubs."""

    def __init__(
        self,
        trajectories: Any,
        browser_at: Callable[[str], Any],
        serving: Any,
        models: Models,
        settings: ScoringSettings,
    ) -> None:
        self._stored = Stored(trajectories, settings.max_trajectories)
        self._browser_at = browser_at
        self._judge = judging.judge_of(serving)
        self._models = models
        self._settings = settings

    async def EvaluateEpisode(self, request: pb.EvaluateEpisodeRequest, context: Any) -> pb.EvaluateEpisodeResponse:
        how = matching.named(request.matching or self._settings.matching)
        with metrics.EVALUATE_SECONDS.time():
            browser = self._browser_at(request.session_address)
            response = await evaluation.evaluate(request, browser, self._settings.probe_timeout_s, how)
        metrics.EPISODES_SCORED.labels("solved" if response.reward else "unsolved").inc()
        return response

    async def FilterTrajectories(
        self, request: pb.FilterTrajectoriesRequest, context: Any
    ) -> pb.FilterTrajectoriesResponse:
        if not request.parents:
            raise InvalidArgument("parents is empty; name the runs whose trajectories are to be judged")
        how = filters.named(request.filter)
        judged: list[filters.Judged] = []
        for parent in dict.fromkeys(request.parents):
            selection = pb.Selection(label=parent, parents=[parent], phase=request.phase)
            of_run = [
                await how.look(trajectory, self._judge)
                async for page in self._stored.pages(selection, with_steps=True, may_be_empty=True)
                for trajectory in page
            ]
            # By name: the order of arrival differs from run to run.
            judged += how.settle(sorted(of_run, key=lambda each: each.verdict.trajectory))
        for each in judged:
            metrics.TRAJECTORIES_JUDGED.labels("plausible" if each.verdict.plausible else "implausible").inc()
        return pb.FilterTrajectoriesResponse(
            verdicts=[each.verdict for each in judged],
            diagnostics=plausibility.diagnose((each.verdict, each.rewarded) for each in judged),
        )

    async def ComparePolicies(self, request: pb.ComparePoliciesRequest, context: Any) -> pb.ComparePoliciesResponse:
        return await asyncio.to_thread(comparison.compare, request, self._settings.num_resamples)

    async def MeasureCapabilities(
        self, request: pb.MeasureCapabilitiesRequest, context: Any
    ) -> pb.MeasureCapabilitiesResponse:
        settings = self._settings
        response = await measuring.measure(
            request, self._stored, self._models.capability, settings.capability_threshold, settings.num_resamples
        )
        for score in response.scores:
            metrics.CAPABILITIES.set(score.label, score.mean, score.interval.low, score.interval.high)
        return response

    async def CompareTrajectories(
        self, request: pb.CompareTrajectoriesRequest, context: Any
    ) -> pb.CompareTrajectoriesResponse:
        settings = self._settings
        response = await likeness.compare(
            request, self._stored, self._models.vertex, settings.vertex_text, settings.num_resamples
        )
        for score in response.scores:
            metrics.VERTEX_DTW.set(score.label, score.mean, score.interval.low, score.interval.high)
        return response

    async def SummariseBehaviour(
        self, request: pb.SummariseBehaviourRequest, context: Any
    ) -> pb.SummariseBehaviourResponse:
        attempts.check(request.agents)
        response = pb.SummariseBehaviourResponse()
        for selection in request.agents:
            found = [
                behaviour.facts_of(trajectory)
                async for page in self._stored.pages(selection, with_steps=True)
                for trajectory in page
            ]
            response.behaviours.append(behaviour.summarise(selection.label, found))
        return response

    async def EmbedTexts(self, request: pb.EmbedTextsRequest, context: Any) -> pb.EmbedTextsResponse:
        return await sentences.embed(request.texts, self._models.capability)
