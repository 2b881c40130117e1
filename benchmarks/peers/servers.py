"""Servers of one model side by side, in processes of their own: the serving room by both engines, vLLM, `generate()`.

Invariant: each is asked the same tokens for a greedy response, and tells of its prefix cache by its metrics.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import httpx

from ratchet.serving.v1 import serving_service_pb2 as pb
from ratchet.serving.v1.serving_service_pb2_grpc import ServingServiceStub
from services.common.addresses import Addresses, socket_directory
from services.common.rpc import dial

if TYPE_CHECKING:
    from ratchet.serving.v1.serving_service_pb2_grpc import ServingServiceAsyncStub

MAX_NEW_TOKENS = 96
MAX_BATCH = 32
KV_CACHE_MB = 512
_START_S = 600


class Server(Protocol):
    """A running server."""

    async def ask(self, prompt: str, tokens: list[int]) -> list[int]:
        """The tokens of a greedy response to a prompt, which is given as text and as tokens."""
        ...

    async def cached(self) -> tuple[float, float]:
        """Prompt tokens so far: those taken from the prefix cache, and all."""
        ...


def vllm_python() -> Path | None:
    """The interpreter that has vLLM (make setup-vllm)."""
    found = Path(os.environ.get("VLLM_PYTHON", ".venv-vllm/bin/python"))
    return found if found.exists() else None


class Room:
    """`ratchet serve serving`, by gRPC."""

    def __init__(self, stub: ServingServiceAsyncStub, metrics_url: str) -> None:
        self._stub, self._metrics_url = stub, metrics_url

    async def ask(self, prompt: str, tokens: list[int]) -> list[int]:
        """By the text, which the room turns into the same tokens."""
        part = pb.PromptPart(role="user", text=prompt)
        reply = await self._stub.Generate(pb.GenerateRequest(parts=[part], max_new_tokens=MAX_NEW_TOKENS), timeout=600)
        assert reply.num_prompt_tokens == len(tokens), "the room reads the prompt as other tokens than its peers"
        return list(reply.response_token_ids)

    async def cached(self) -> tuple[float, float]:
        """Counted by the room, whichever engine it has."""
        names = ("ratchet_serving_prefix_reused_tokens_total", r'ratchet_serving_tokens_total\{kind="prompt"\}')
        async with httpx.AsyncClient(trust_env=False) as client:
            reused, asked = [await _count(client, self._metrics_url, name) for name in names]
        return reused, asked


class Bare:
    """vLLM's own OpenAI server, by HTTP."""

    def __init__(self, client: httpx.AsyncClient, url: str, pid: int) -> None:
        self._client, self.url, self.pid = client, url, pid

    async def ask(self, prompt: str, tokens: list[int]) -> list[int]:
        """By the tokens, because its tokenizer would split the text otherwise."""
        body = {"model": "model", "prompt": tokens, "max_tokens": MAX_NEW_TOKENS, "temperature": 0, "logprobs": 0}
        reply = await self._client.post(f"{self.url}/v1/completions", json={**body, "return_token_ids": True})
        reply.raise_for_status()
        found: list[int] = reply.json()["choices"][0]["token_ids"]
        return found

    async def cached(self) -> tuple[float, float]:
        """Counted by its scheduler."""
        return await self._count("prefix_cache_hits_total"), await self._count("prefix_cache_queries_total")

    async def num_answered(self) -> float:
        """Requests so far."""
        return await self._count("request_success_total")

    async def adapters(self) -> set[str]:
        """The adapters that it holds."""
        reply = await self._client.get(f"{self.url}/v1/models")
        return {each["id"] for each in reply.json()["data"]} - {"model"}

    async def _count(self, name: str) -> float:
        return await _count(self._client, f"{self.url}/metrics", rf"vllm:{name}\{{[^}}]*\}}")


@asynccontextmanager
async def room(python: str | Path, engine: str, home: Path) -> AsyncIterator[Server]:
    """The serving room with an engine and otherwise default settings."""
    environment = {"RATCHET_SERVING__ENGINE": engine, "RATCHET_SERVING__VLLM__KV_CACHE_MB": str(KV_CACHE_MB)}
    command = (str(python), "-m", "services.cli", "--home", str(home), "serve", "trajectory", "serving")
    async with _process(command, environment, home / "log", "host ready"):
        channel = dial(Addresses.discover(home, []).address("serving"))
        try:
            yield Room(ServingServiceStub(channel), (socket_directory(home) / "metrics.url").read_text().strip())
        finally:
            await channel.close()


@asynccontextmanager
async def bare(python: Path, model: Path, home: Path) -> AsyncIterator[Bare]:
    """vLLM's OpenAI server with the same numbers: type, context, rows, memory, adapters, threads."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = (
        *(str(python), "-m", "vllm.entrypoints.openai.api_server", "--model", str(model), "--port", str(port)),
        *("--host", "127.0.0.1", "--served-model-name", "model", "--dtype", "float32", "--max-model-len", "1024"),
        *("--max-num-seqs", str(MAX_BATCH), "--kv-cache-memory-bytes", str(KV_CACHE_MB * 1_000_000)),
        *("--block-size", "32", "--enable-prefix-caching", "--enable-lora", "--max-loras", "4"),
        *("--max-lora-rank", "32", "--max-cpu-loras", "9", "--disable-uvicorn-access-log"),
    )
    environment = {
        "HF_HUB_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "OMP_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "passive",
    }
    url = f"http://127.0.0.1:{port}"
    async with _process(command, environment, home / "log", "Application startup complete") as pid:
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
        async with httpx.AsyncClient(trust_env=False, timeout=600, limits=limits) as client:
            yield Bare(client, url, pid)


@asynccontextmanager
async def _process(command: tuple[str, ...], environment: dict[str, str], log: Path, ready: str) -> AsyncIterator[int]:
    """Run it until the block ends, which begins when it says that it is ready; yields its process id."""
    log.parent.mkdir(parents=True, exist_ok=True)
    process = await asyncio.create_subprocess_exec(
        *command, env={**os.environ, **environment}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    is_ready = asyncio.Event()

    async def follow() -> None:
        assert process.stdout is not None
        with log.open("wb") as file:
            async for line in process.stdout:
                file.write(line)
                if ready.encode() in line:
                    is_ready.set()
        is_ready.set()

    following = asyncio.create_task(follow())
    try:
        async with asyncio.timeout(_START_S):
            await is_ready.wait()
        if process.returncode is not None or following.done():
            sys.exit(f"{' '.join(command[1:5])} did not start:\n{log.read_text()[-3000:]}")
        yield process.pid
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        await following


class Generate:
    """transformers' own `generate()`, which takes one request at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process, self._turn = process, asyncio.Lock()

    async def ask(self, prompt: str, tokens: list[int]) -> list[int]:
        """By the tokens, when it is this request's turn."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        async with self._turn:
            line = json.dumps({"tokens": tokens, "max_new_tokens": MAX_NEW_TOKENS})
            self._process.stdin.write(f"{line}\n".encode())
            found: list[int] = json.loads(await self._process.stdout.readline())
            return found

    async def cached(self) -> tuple[float, float]:
        """It keeps nothing."""
        return 0.0, 0.0


@asynccontextmanager
async def generate(python: str | Path, model: Path) -> AsyncIterator[Server]:
    """One process of the peer of that name."""
    process = await asyncio.create_subprocess_exec(
        *(str(python), Path(__file__).with_name("generate.py"), str(model)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_WAIT_POLICY": "passive"},
    )
    assert process.stdout is not None
    try:
        assert await process.stdout.readline() == b"ready\n", "generate.py did not start"
        yield Generate(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _count(client: httpx.AsyncClient, url: str, name: str) -> float:
    """What a page of metrics says of those whose name and labels match."""
    text = (await client.get(url)).text
    return sum(map(float, re.findall(rf"^{name} (\S+)$", text, re.MULTILINE)))
