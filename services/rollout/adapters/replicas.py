"""Copies of a hosted site: each is leased to one episode at a time and reset before the next.

Invariant: a replica that was handed out is handed out again only after its reset hook said yes; one whose reset
fails stays aside and is reset again when somebody needs it.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable

import httpx

from services.common.telemetry import log
from services.rollout.ports import EnvironmentFailed
from services.rollout.settings import Replica

# A failed reset is tried again after so long.
_AGAIN_S = 1.0


class Leases:
    """The replicas of one worker; several workers need replicas of their own."""

    def __init__(self, replicas: Iterable[Replica], wait_s: float, reset_s: float) -> None:
        self._free: dict[str, list[Replica]] = defaultdict(list)
        self._dirty: dict[str, list[Replica]] = defaultdict(list)
        for replica in replicas:
            self._free[replica.site.rstrip("/")].append(replica)
        self._sites = frozenset(self._free)
        self._wait_s = wait_s
        self._changed = asyncio.Condition()
        self._http = httpx.AsyncClient(timeout=reset_s, trust_env=False)

    def has(self, site: str) -> bool:
        """Whether the site has replicas."""
        return site in self._sites

    async def acquire(self, sites: Iterable[str]) -> dict[str, Replica]:
        """A replica of each of these sites, in one order for everybody, so that nobody waits in a circle.

        Raises EnvironmentFailed when none comes free in time, or none can be reset.
        """
        held: dict[str, Replica] = {}
        try:
            for site in sorted(set(sites) & self._sites):
                held[site] = await self._one(site)
        except BaseException:
            await asyncio.shield(self._give_back(held.values()))
            raise
        return held

    async def release(self, replicas: Iterable[Replica]) -> None:
        """Reset them and hand them on; never fails, a reset that does leaves its replica aside."""
        await asyncio.gather(*(self._reset(replica) for replica in replicas))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _one(self, site: str) -> Replica:
        try:
            async with asyncio.timeout(self._wait_s):
                while True:
                    async with self._changed:
                        await self._changed.wait_for(lambda: self._free[site] or self._dirty[site])
                        if self._free[site]:
                            return self._free[site].pop()
                        dirty = self._dirty[site].pop()
                    if not await asyncio.shield(self._reset(dirty)):
                        await asyncio.sleep(_AGAIN_S)
        except TimeoutError as error:
            aside = f"; {len(self._dirty[site])} could not be reset" if self._dirty[site] else ""
            raise EnvironmentFailed(
                f"no replica of {site} came free in {self._wait_s:g} s{aside}; run fewer episodes at a time, or "
                "add replicas to the [rollout] table of --config",
                site=site,
            ) from error

    async def _give_back(self, replicas: Iterable[Replica]) -> None:
        """Those that nobody has used."""
        async with self._changed:
            for replica in replicas:
                self._free[replica.site.rstrip("/")].append(replica)
            self._changed.notify_all()

    async def _reset(self, replica: Replica) -> bool:
        """Whether it is as new, and free again."""
        if replica.reset:
            try:
                (await self._http.post(replica.reset)).raise_for_status()
            except httpx.HTTPError as error:
                log().warning("replica not reset", site=replica.site, url=replica.url, why=str(error))
                async with self._changed:
                    self._dirty[replica.site.rstrip("/")].append(replica)
                    self._changed.notify_all()
                return False
        await self._give_back([replica])
        return True
