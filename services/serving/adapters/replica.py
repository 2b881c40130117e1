"""One vLLM server, asked through its OpenAI-compatible API.

Invariant: a request is asked with tokens and answered with tokens; what the server cannot do becomes a typed error, and
ReplicaDown says that another replica may be asked instead.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx

from services.common.errors import FailedPrecondition, ResourceExhausted, Unavailable
from services.serving.adapters.fitting import AdapterMismatch
from services.serving.adapters.grammar import guided
from services.serving.adapters.rows import ended_text
from services.serving.adapters.tokenizer import HuggingFaceTokenizer
from services.serving.ports import Completion, RegexRefused, Sampling

_FULL = (429, 503)


class ReplicaDown(Unavailable):
    """A server does not answer, or answers with a fault of its own."""

    reason = "REPLICA_DOWN"


class ReplicaFull(ResourceExhausted):
    """A server takes no more requests now."""

    reason = "REPLICA_FULL"


class ReplicaRefused(FailedPrecondition):
    """A server understood a request and does not do it."""

    reason = "REPLICA_REFUSED"


class Replica:
    """The server at a URL, which serves `base` and adapters by digest."""

    def __init__(self, client: httpx.AsyncClient, url: str, tokenizer: HuggingFaceTokenizer) -> None:
        self.url = url.rstrip("/")
        self._client = client
        self._tokenizer = tokenizer
        self._base = ""

    async def start(self, context_tokens: int) -> None:
        """Find the base's name. Raises ReplicaDown, ReplicaRefused when it reads shorter prompts."""
        models = (await self._call("GET", "/v1/models"))["data"]
        base = next(each for each in models if not each.get("parent"))
        if base.get("max_model_len") and base["max_model_len"] < context_tokens:
            raise ReplicaRefused(
                f"{self.url} reads {base['max_model_len']} tokens and the base is served with {context_tokens}; "
                "set serving.max_context_tokens to that"
            )
        self._base = base["id"]

    async def generate(self, adapter: str, prompt: list[int], sampling: Sampling) -> Completion:
        """Complete a prompt; cancelling closes the connection, which aborts it in the server."""
        started = time.perf_counter()
        body: dict[str, Any] = {
            "model": adapter or self._base,
            "prompt": prompt,
            "max_tokens": sampling.max_new_tokens,
            "temperature": sampling.temperature,
            "seed": sampling.seed % 2**63,
            "stop": list(sampling.stop),
            "logprobs": 0,
            "return_token_ids": True,
            "skip_special_tokens": False,
        }
        if sampling.regex:
            body["structured_outputs"] = {"grammar": guided(sampling.regex)}
        try:
            (answer,) = (await self._call("POST", "/v1/completions", body))["choices"]
        except ReplicaRefused as error:
            if sampling.regex:
                raise RegexRefused(f"the regex is refused: {error.message}; write it as Rust's regex does") from error
            raise
        tokens, reason = list(answer["token_ids"]), answer["finish_reason"]
        if reason not in ("stop", "length"):
            raise ReplicaDown(f"{self.url} ended the request ({reason}); try again")
        return Completion(
            text=ended_text(tokens, reason, answer.get("stop_reason"), sampling.stop, self._tokenizer.decode),
            finish_reason=reason,
            token_ids=tokens,
            logprobs=[float(each) for each in answer["logprobs"]["token_logprobs"]],
            queue_s=0.0,
            compute_s=time.perf_counter() - started,
        )

    async def add_adapter(self, digest: str, directory: Path) -> None:
        """Hold an adapter. Idempotent. Raises AdapterMismatch, ReplicaDown."""
        held = {each["id"] for each in (await self._call("GET", "/v1/models"))["data"]}
        if digest in held:
            return
        try:
            await self._call("POST", "/v1/load_lora_adapter", {"lora_name": digest, "lora_path": str(directory)})
        except ReplicaRefused as error:
            raise AdapterMismatch(
                f"{error.message}; it must see {directory}, and run with VLLM_ALLOW_RUNTIME_LORA_UPDATING=1",
                adapter=digest,
            ) from error

    async def remove_adapter(self, digest: str) -> None:
        """Let an adapter go. Idempotent."""
        held = {each["id"] for each in (await self._call("GET", "/v1/models"))["data"]}
        if digest in held:
            await self._call("POST", "/v1/unload_lora_adapter", {"lora_name": digest})

    async def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        try:
            reply = await self._client.request(method, f"{self.url}{path}", json=body)
        except httpx.HTTPError as error:
            raise ReplicaDown(f"{self.url} does not answer ({type(error).__name__}); is it running?") from error
        if reply.status_code in _FULL:
            raise ReplicaFull(f"{self.url} is full; try again later", retry_after_s=1.0)
        if reply.is_server_error:
            raise ReplicaDown(f"{self.url} failed on {path} with {reply.status_code}: {reply.text[:300]}")
        if reply.is_error:
            raise ReplicaRefused(f"{self.url} refuses {path} with {reply.status_code}: {reply.text[:300]}")
        return reply.json() if reply.headers.get("content-type", "").startswith("application/json") else reply.text
