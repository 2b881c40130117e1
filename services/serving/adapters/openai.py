"""vLLM servers elsewhere as one engine: a KServe InferenceService, or pods behind a headless service, by their URLs.

Invariant: an adapter is there when every replica has it; a request is answered by the replica that has its prompt's
start, or by another one when that is busy or down.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import torch

from services.common.errors import FailedPrecondition, Unavailable
from services.common.telemetry import log
from services.serving.adapters import loading, mixing
from services.serving.adapters.fitting import check_fit
from services.serving.adapters.replica import Replica, ReplicaDown, ReplicaRefused
from services.serving.ports import Completion, Sampling
from services.serving.routing import Router
from services.serving.settings import ServingSettings

# Callers have deadlines of their own; this is for a server that is gone without a word.
_TIMEOUT_S = 600.0
_CONNECT_S = 5.0
# How long a replica that failed is left alone.
_DOWN_S = 2.0
_DTYPES = {"auto": torch.bfloat16, "float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class OpenAIEngine(loading.Loaded):
    """ports.Engine over several servers. `shared` is a directory that they see under the same path."""

    def __init__(self, settings: ServingSettings, known: dict[str, Path], shared: Path) -> None:
        super().__init__(settings, known)
        self._shared = shared
        # The base without weights, which adapters are compared with.
        self._shapes: Any = None
        self._client: httpx.AsyncClient | None = None
        self._replicas: dict[str, Replica] = {}
        self._router = Router(settings.urls)
        # Replicas that failed, and until when they are left alone.
        self._down: dict[str, float] = {}
        self._adapters: dict[str, Path] = {}

    async def start(self) -> None:
        """Find every server, and see that each keeps adapters apart. Raises ModelNotFound, FailedPrecondition."""
        settings = self._settings
        if not settings.urls:
            raise FailedPrecondition("serving.engine is openai, and serving.urls is empty; list the servers' URLs")
        _, self._shapes = await asyncio.to_thread(self._load, loading.shapes)
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=settings.max_requests)
        self._client = httpx.AsyncClient(timeout=httpx.Timeout(_TIMEOUT_S, connect=_CONNECT_S), limits=limits)
        self._replicas = {url: Replica(self._client, url, self.tokenizer) for url in settings.urls}
        self._shared.mkdir(parents=True, exist_ok=True)
        try:
            for replica in self._replicas.values():
                await replica.start(self.model.context_tokens)
                dtype = _DTYPES[settings.dtype]
                await mixing.prove(replica, self._shapes, dtype, settings.vllm.max_loras, self._shared)
        except BaseException:
            await self.stop()
            raise
        log().info("servers found", model=self.model.name, urls=list(settings.urls))

    async def stop(self) -> None:
        """Close the connections, which aborts what runs. Idempotent."""
        if self._client is not None:
            await self._client.aclose()
        if self._tokenizer is not None:
            self._tokenizer.close()

    async def generate(self, adapter: str, prompt: list[int], sampling: Sampling, affinity: str = "") -> Completion:
        """Complete a prompt; cancelling aborts it in its server. Raises Unavailable when no server answers."""
        failed: set[str] = set()
        while len(failed) < len(self._replicas):
            resting = {url for url, until in self._down.items() if until > time.monotonic()} | failed
            # With none left that is known to be up, the resting ones are worth a try.
            resting = resting if len(resting) < len(self._replicas) else failed
            with self._router.place(affinity, resting) as url:
                try:
                    return await self._ask(self._replicas[url], adapter, prompt, sampling)
                except ReplicaDown as error:
                    log().warning("replica down", url=url, why=error.message)
                    self._down[url] = time.monotonic() + _DOWN_S
                    failed.add(url)
        raise Unavailable(f"none of the {len(self._replicas)} servers answers; see that those of serving.urls run")

    async def _ask(self, replica: Replica, adapter: str, prompt: list[int], sampling: Sampling) -> Completion:
        try:
            return await replica.generate(adapter, prompt, sampling)
        except ReplicaRefused:
            if adapter not in self._adapters:
                raise
        # A server that was started again has lost its adapters.
        await replica.add_adapter(adapter, self._adapters[adapter])
        return await replica.generate(adapter, prompt, sampling)

    async def add_adapter(self, digest: str, directory: Path) -> None:
        """Have every server hold an adapter; none does when one of them cannot. Raises AdapterMismatch, ReplicaDown."""
        await asyncio.to_thread(check_fit, directory, self._shapes, self.model.revision)
        try:
            for replica in self._replicas.values():
                await replica.add_adapter(digest, directory)
        except BaseException:
            await self.remove_adapter(digest)
            raise
        self._adapters[digest] = directory

    async def remove_adapter(self, digest: str) -> None:
        """Let an adapter go everywhere; a server that is down has lost it anyway. Idempotent."""
        self._adapters.pop(digest, None)
        for replica in self._replicas.values():
            with suppress(ReplicaDown):
                await replica.remove_adapter(digest)
