"""The adapters in memory: loaded once however often asked, counted while used, forgotten when too many.

Invariant: the engine holds an adapter from its load until it is forgotten and no request uses it any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from services.common.errors import InvalidArgument, NotFound, RatchetError
from services.common.telemetry import log
from services.serving import metrics
from services.serving.archives import Archives
from services.serving.ports import Engine


class AdapterNotLoaded(NotFound):
    """A request named an adapter that is not in memory."""

    reason = "ADAPTER_NOT_LOADED"


@dataclass
class _Resident:
    num_uses: int = 0
    # Forgotten while requests still used it: goes with the last of them.
    retired: bool = False


class Loras:
    """What adapters can be selected now. At most `max_adapters`, not counting those that requests still use."""

    def __init__(self, engine: Engine, archives: Archives, max_adapters: int) -> None:
        self._engine = engine
        self._archives = archives
        self._max_adapters = max_adapters
        # Least recently used first.
        self._residents: dict[str, _Resident] = {}
        self._retired: dict[str, _Resident] = {}
        # A request for one of these does not bring it back.
        self._unloaded: set[str] = set()
        self._loading = asyncio.Lock()

    def digests(self) -> list[str]:
        """Those that a request may name, least recently used first."""
        return list(self._residents)

    async def restore(self) -> None:
        """Load what an earlier life of the room held, so that a run goes on; drop what fits no more."""
        for digest, directory in self._archives.here():
            try:
                await self._engine.add_adapter(digest, directory)
            except RatchetError as error:
                log().warning("adapter dropped", digest=digest, why=error.message)
                self._archives.forget(digest)
                continue
            self._residents[digest] = _Resident()
        while len(self._residents) > self._max_adapters:
            await self._retire(next(iter(self._residents)))
        metrics.ADAPTERS.set(len(self._residents))

    async def load(self, digest: str, blob: str) -> None:
        """Make an adapter selectable. Idempotent. Raises InvalidArgument (or a kind of it), NotFound."""
        self._unloaded.discard(digest)
        async with self._loading:
            if digest in self._residents:
                self._touch(digest)
                return
            directory = await self._archives.fetch(digest, blob)
            if (resident := self._retired.pop(digest, None)) is None:
                await self._engine.add_adapter(digest, directory)
                resident = _Resident()
            resident.retired = False
            self._residents[digest] = resident
            log().info("adapter loaded", digest=digest)
            while len(self._residents) > self._max_adapters:
                await self._retire(next(iter(self._residents)))
            metrics.ADAPTERS.set(len(self._residents))

    async def unload(self, digest: str) -> None:
        """Forget an adapter; requests that use it end as they would have. Unknown digests are no error."""
        async with self._loading:
            self._unloaded.add(digest)
            if digest in self._residents:
                await self._retire(digest)
                metrics.ADAPTERS.set(len(self._residents))

    @asynccontextmanager
    async def use(self, digest: str) -> AsyncIterator[None]:
        """Keep an adapter in memory for one request ("" is the base). Raises AdapterNotLoaded.

        One that another replica was asked to load, or that was evicted here, is loaded first.
        """
        if not digest:
            yield
            return
        if digest not in self._residents and digest not in self._unloaded:
            with suppress(InvalidArgument, NotFound):
                await self.load(digest, f"blobs/{digest}")
        resident = self._residents.get(digest)
        if resident is None:
            raise AdapterNotLoaded(
                f"adapter {digest} is not loaded here, and no stored blob is it; call LoadAdapter with its blob first",
                adapter=digest,
            )
        self._touch(digest)
        resident.num_uses += 1
        try:
            yield
        finally:
            resident.num_uses -= 1
            if resident.retired and not resident.num_uses:
                await asyncio.shield(self._drop(digest, resident))

    def _touch(self, digest: str) -> None:
        self._residents[digest] = self._residents.pop(digest)

    async def _retire(self, digest: str) -> None:
        resident = self._residents.pop(digest)
        resident.retired = True
        self._retired[digest] = resident
        log().info("adapter forgotten", digest=digest)
        if not resident.num_uses:
            await self._discard(digest)

    async def _drop(self, digest: str, resident: _Resident) -> None:
        async with self._loading:
            if self._retired.get(digest) is resident and not resident.num_uses:
                await self._discard(digest)

    async def _discard(self, digest: str) -> None:
        del self._retired[digest]
        await self._engine.remove_adapter(digest)
        self._archives.forget(digest)
