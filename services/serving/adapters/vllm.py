"""vLLM as an engine: its scheduler and model in a process of their own, driven from this one's event loop.

Invariant: a request is answered, failed or aborted in the engine; when the engine's process dies, requests wait until
another one has taken its place, and those that it took along are computed again.
"""

from __future__ import annotations

import asyncio
import itertools
from contextlib import aclosing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.common.errors import Unavailable
from services.common.telemetry import log
from services.serving.adapters import loading, mixing, vllm_launch
from services.serving.adapters.fitting import AdapterMismatch, check_fit
from services.serving.adapters.rows import ended_text
from services.serving.ports import Completion, RegexRefused, Sampling
from services.serving.settings import ServingSettings

if TYPE_CHECKING:
    from vllm.lora.request import LoRARequest
    from vllm.outputs import RequestOutput
    from vllm.v1.engine.async_llm import AsyncLLM


class VllmEngine(loading.Loaded):
    """ports.Engine over vLLM's AsyncLLM. `known` names directories of base models."""

    def __init__(self, settings: ServingSettings, known: dict[str, Path]) -> None:
        super().__init__(settings, known)
        # The base without weights, which adapters are compared with.
        self._shapes: Any = None
        self._launch: vllm_launch.Launch | None = None
        self._adapters: dict[str, LoRARequest] = {}
        self._numbers = itertools.count(1)
        self._requests = itertools.count()
        self._running: set[asyncio.Task[Any]] = set()
        self._stopping = False
        self._restarting: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Load the base and see that adapters do not mix. Raises ModelNotFound, ModelUnusable, AdaptersMixed."""
        vllm_launch.require()
        settings = self._settings
        checkpoint, self._shapes = await asyncio.to_thread(self._load, loading.shapes)
        self._launch = vllm_launch.Launch(settings, checkpoint, self.model)
        try:
            await asyncio.to_thread(self._launch.start)
            dtype = (await self._ready()).model_config.dtype
            await mixing.prove(self, self._shapes, dtype, settings.vllm.max_loras)
        except BaseException:
            await self.stop()
            raise
        log().info("model loaded", model=self.model.name, num_parameters=self.model.num_parameters, engine="vllm")

    async def stop(self) -> None:
        """Fail what is running with Unavailable, and end the engine's process. Idempotent."""
        self._stopping = True
        if self._restarting is not None:
            await asyncio.wait([self._restarting])
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(list(self._running))
        if self._launch is not None:
            await asyncio.to_thread(self._launch.close)
        if self._tokenizer is not None:
            self._tokenizer.close()

    async def generate(self, adapter: str, prompt: list[int], sampling: Sampling, affinity: str = "") -> Completion:
        """Complete a prompt; cancelling aborts it in the engine."""
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            return await self._until_answered(adapter, prompt, sampling)
        except asyncio.CancelledError:
            if not self._stopping:
                raise
            # Cancelled by stop(), not by who asked.
            task.uncancel()
            raise Unavailable("the engine stopped before the answer was complete; try again") from None
        finally:
            self._running.discard(task)

    async def _until_answered(self, adapter: str, prompt: list[int], sampling: Sampling) -> Completion:
        from vllm.v1.engine.exceptions import EngineDeadError

        for _ in range(2):
            engine = await self._ready()
            try:
                return await self._generate(engine, adapter, prompt, sampling)
            except EngineDeadError:
                await self._replace(engine)
        raise Unavailable("the engine's process died twice on this request; try again, or read the room's log")

    async def _generate(self, engine: AsyncLLM, adapter: str, prompt: list[int], sampling: Sampling) -> Completion:
        from vllm.exceptions import VLLMClientError
        from vllm.inputs import tokens_input

        params = vllm_launch.sampling_params(sampling, self.model.context_tokens - len(prompt))
        outputs = engine.generate(
            tokens_input(prompt),
            params,
            f"{next(self._requests)}",
            lora_request=self._adapters[adapter] if adapter else None,
        )
        last: RequestOutput | None = None
        try:
            async with aclosing(outputs):
                async for output in outputs:
                    last = output
        except (VLLMClientError, ValueError) as error:
            if not sampling.regex:
                raise
            raise RegexRefused(f"the regex cannot be read: {error}; write it as Rust's regex does") from error
        assert last is not None
        return self._completion(last, sampling)

    def _completion(self, output: RequestOutput, sampling: Sampling) -> Completion:
        (answer,) = output.outputs
        tokens = list(answer.token_ids)
        assert answer.logprobs is not None
        assert output.metrics is not None
        times = output.metrics
        if answer.finish_reason not in ("stop", "length"):
            # Its process was told to end: an interrupt from the terminal reaches it, too.
            raise Unavailable(f"the engine ended the request ({answer.finish_reason}); try again")
        return Completion(
            text=ended_text(tokens, answer.finish_reason, answer.stop_reason, sampling.stop, self.tokenizer.decode),
            finish_reason="stop" if answer.finish_reason == "stop" else "length",
            token_ids=tokens,
            logprobs=[place[token].logprob for place, token in zip(answer.logprobs, tokens, strict=True)],
            queue_s=max(0.0, times.scheduled_ts - times.queued_ts),
            compute_s=max(0.0, times.last_token_ts - times.scheduled_ts),
        )

    async def add_adapter(self, digest: str, directory: Path) -> None:
        """Hold the PEFT adapter of a directory. Idempotent. Raises AdapterMismatch."""
        from vllm.lora.request import LoRARequest
        from vllm.v1.engine.exceptions import EngineDeadError

        if digest in self._adapters:
            return
        await asyncio.to_thread(check_fit, directory, self._shapes, self.model.revision)
        request = LoRARequest(lora_name=digest, lora_int_id=next(self._numbers), lora_path=str(directory))
        engine = await self._ready()
        try:
            await engine.add_lora(request)
        except EngineDeadError as error:
            await self._replace(engine)
            raise Unavailable("the engine's process died; another one took its place, try again") from error
        except Exception as error:  # vLLM hands on its process's errors as bare Exceptions
            if type(error) is not Exception:
                raise
            raise AdapterMismatch(f"vLLM refuses adapter {digest}: {error}", adapter=digest) from error
        self._adapters[digest] = request

    async def remove_adapter(self, digest: str) -> None:
        """Let an adapter go that no request uses. Idempotent."""
        from vllm.v1.engine.exceptions import EngineDeadError

        request = self._adapters.pop(digest, None)
        if request is None or self._launch is None or self._launch.engine is None:
            return
        with suppress(EngineDeadError):
            await self._launch.engine.remove_lora(request.lora_int_id)

    async def _ready(self) -> AsyncLLM:
        """The engine, waited for while it is being replaced. Raises Unavailable."""
        if self._launch is not None and not self._stopping and (self._restarting or self._launch.engine is None):
            await self._replace(None)
        if self._launch is None or self._stopping:
            raise Unavailable("the engine has stopped; start the serving room again")
        if self._launch.engine is None:
            raise Unavailable("the engine died and did not start again; the room's log says why")
        return self._launch.engine

    async def _replace(self, dead: AsyncLLM | None) -> None:
        """Returns when another engine has taken the dead one's place, or none could."""
        if self._restarting is None and not self._stopping and self._launch is not None and self._launch.engine is dead:
            self._restarting = asyncio.create_task(self._restart(), name="vllm restart")
        if self._restarting is not None:
            await asyncio.shield(self._restarting)

    async def _restart(self) -> None:
        # Adapters need no loading: vLLM reads one again when a request names it.
        assert self._launch is not None
        log().error("engine died; another one is started", model=self.model.name)
        try:
            await asyncio.to_thread(self._launch.shut_down)
            await asyncio.to_thread(self._launch.start)
            log().info("engine started again", model=self.model.name)
        except loading.ModelUnusable as error:
            log().error("engine did not start again; the next request tries once more", why=error.message)
        finally:
            self._restarting = None
