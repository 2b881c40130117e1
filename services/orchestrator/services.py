"""What the phases work with: the other rooms' stubs and the orchestrator's own parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from grpc import aio

from ratchet.curation.v1.curation_service_pb2_grpc import CurationServiceAsyncStub, CurationServiceStub
from ratchet.rollout.v1.rollout_service_pb2_grpc import RolloutServiceAsyncStub, RolloutServiceStub
from ratchet.scoring.v1.scoring_service_pb2_grpc import ScoringServiceAsyncStub, ScoringServiceStub
from ratchet.serving.v1.serving_service_pb2_grpc import ServingServiceAsyncStub, ServingServiceStub
from ratchet.training.v1.training_service_pb2_grpc import TrainingServiceAsyncStub, TrainingServiceStub
from ratchet.trajectory.v1.trajectory_service_pb2_grpc import TrajectoryServiceAsyncStub, TrajectoryServiceStub
from services.orchestrator.policies import Policies
from services.orchestrator.registry import Registry
from services.orchestrator.settings import OrchestratorSettings
from services.orchestrator.suites import Suites


@dataclass(frozen=True)
class Stubs:
    """One stub a room."""

    rollout: RolloutServiceAsyncStub
    store: TrajectoryServiceAsyncStub
    curation: CurationServiceAsyncStub
    training: TrainingServiceAsyncStub
    scoring: ScoringServiceAsyncStub
    serving: ServingServiceAsyncStub

    @classmethod
    def over(cls, dial: Callable[[str], aio.Channel]) -> Stubs:
        """Stubs on the channels to each room."""
        return cls(
            rollout=RolloutServiceStub(dial("rollout")),
            store=TrajectoryServiceStub(dial("trajectory")),
            curation=CurationServiceStub(dial("curation")),
            training=TrainingServiceStub(dial("training")),
            scoring=ScoringServiceStub(dial("scoring")),
            serving=ServingServiceStub(dial("serving")),
        )


@dataclass(frozen=True)
class Services:
    """Everything a phase may use."""

    stubs: Stubs
    registry: Registry
    policies: Policies
    suites: Suites
    settings: OrchestratorSettings
