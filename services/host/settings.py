"""Settings of the host itself."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.common.settings import RoomSettings


class HostSettings(RoomSettings):
    """What one process hosts and where it shows its metrics."""

    model_config = SettingsConfigDict(env_prefix="RATCHET_HOST__")

    metrics_host: str = Field("127.0.0.1", description="Address of the Prometheus endpoint.")
    metrics_port: int = Field(0, ge=0, le=65535, description="Its port; 0 takes a free one, see run/metrics.url.")
    log_level: str = Field("info", description="debug, info, warning or error.")
    addresses: dict[str, str] = Field(
        default_factory=dict,
        description="Address of each room that is not on this home's sockets (room -> host:port).",
    )
    listen: str = Field("", description="host:port for the hosted room instead of its socket; one room only.")
    health_listen: str = Field(
        "", description="host:port that serves grpc.health.v1 alone, without TLS, for the kubelet; one room only."
    )
    drain_s: float = Field(5.0, ge=0, description="Time that running calls have to end when the process is to stop.")
