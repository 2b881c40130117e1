"""The rollout worker with its environments."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from ratchet.rollout.v1.rollout_service_pb2_grpc import add_RolloutServiceServicer_to_server
from services.common import addresses, settings
from services.common.rpc import Dial, Mount


@asynccontextmanager
async def open_room(table: dict[str, Any], dial: Dial, home: Path) -> AsyncIterator[list[Mount]]:
    """A worker that reaches the arena of this home, and the sites that are configured."""
    from services.rollout.adapters.arena import ArenaEnvironment
    from services.rollout.adapters.control import control as arena_control
    from services.rollout.adapters.miniwob import MiniwobEnvironment
    from services.rollout.adapters.replicas import Leases
    from services.rollout.adapters.sites import SitesEnvironment
    from services.rollout.ports import Environment
    from services.rollout.service import RolloutServicer
    from services.rollout.settings import RolloutSettings

    own = settings.load(RolloutSettings, table)
    control = arena_control(lambda: own.arena_url or addresses.arena_url(home))
    leases = Leases(own.replicas, own.replica_wait_s, own.replica_reset_s)
    environments: dict[str, Environment] = {
        "arena": ArenaEnvironment(control),
        "miniwob": MiniwobEnvironment(control),
        "sites": SitesEnvironment(own.sites, own.storage_state_dir, leases, own.logins),
    }
    servicer = RolloutServicer(
        own,
        environments,
        browser_at=lambda address: dial("browser", address),
        serving=dial("serving"),
        scoring=dial("scoring"),
        trajectory=dial("trajectory"),
    )
    try:
        yield [Mount(add_RolloutServiceServicer_to_server, servicer, "ratchet.rollout.v1.RolloutService")]
    finally:
        await control.stop()
        await leases.close()
