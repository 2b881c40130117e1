"""What the phases work with: the other rooms' stubs and the orchestrator's own parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grpc import aio

from ratchet.curation.v1.curation_service_pb2_grpc import CurationServiceStub
from ratchet.rollout.v1.rollout_service_pb2_grpc import RolloutServiceStub
from ratchet.scoring.v1.scoring_service_pb2_grpc import ScoringServiceStub
from ratchet.serving.v1.serving_service_pb2_grpc import ServingServiceStub
from ratchet.training.v1.training_service_pb2_grpc import TrainingServiceStub
from ratchet.trajectory.v1.trajectory_service_pb2_grpc import TrajectoryServiceStub
from services.orchestrator.policies import Policies
from services.orchestrator.registry import Registry
from services.orchestrator.settings import OrchestratorSettings
from services.orchestrator.suites import Suites

if TYPE_CHECKING:
    from ratchet.curation.v1.curation_service_pb2_grpc import CurationServiceAsyncStub
    from ratchet.rollout.v1.rollout_service_pb2_grpc import RolloutServiceAsyncStub
    from ratchet.scoring.v1.scoring_service_pb2_grpc import ScoringServiceAsyncStub
    from ratchet.serving.v1.serving_service_pb2_grpc import ServingServiceAsyncStub
    from ratchet.training.v1.training_service_pb2_grpc import TrainingServiceAsyncStub
    from ratchet.trajectory.v1.trajectory_service_pb2_grpc import TrajectoryServiceAsyncStub


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
