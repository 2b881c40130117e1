"""ServingService on the wire: checks a request, admits it, and answers in the contract's words."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

from grpc import aio

from ratchet.serving.v1 import serving_service_pb2 as pb
from ratchet.serving.v1 import serving_service_pb2_grpc as pb_grpc
from services.common.checkpoints import ModelNotFound
from services.common.errors import InvalidArgument, ResourceExhausted
from services.serving import metrics, prompts
from services.serving.deployed import DEPLOYED, Deployed
from services.serving.loras import Loras
from services.serving.ports import Engine, Sampling

Context: TypeAlias = "aio.ServicerContext[Any, Any]"
MAX_STOPS = 16
MAX_TEMPERATURE = 2
MAX_REGEX_CHARS = 8192
_FIRST_GUESS_S = 1.0
# Of the latest request in what is usual.
_WEIGHT = 0.05
_REASONS = {"stop": pb.FINISH_REASON_STOP, "length": pb.FINISH_REASON_LENGTH}


class Overloaded(ResourceExhausted):
    """More requests are in flight than this server takes."""

    reason = "SERVING_OVERLOADED"


class ServingServicer(pb_grpc.ServingServiceServicer):
    """One engine behind the contract."""

    def __init__(self, engine: Engine, loras: Loras, max_requests: int, deployed: Deployed) -> None:
        self._engine = engine
        self._loras = loras
        self._max_requests = max_requests
        self._deployed = deployed
        self._num_requests = 0
        # What requests took of late, waiting included.
        self._usual_s = _FIRST_GUESS_S

    async def GetModel(self, request: pb.GetModelRequest, context: Context) -> pb.GetModelResponse:
        model = self._engine.model
        return pb.GetModelResponse(
            model=pb.Model(
                name=model.name,
                revision=model.revision,
                num_parameters=model.num_parameters,
                context_tokens=model.context_tokens,
                prompt_format=model.prompt_format,
                observation_format=model.observation_format,
                uri=model.uri,
            )
        )

    async def Generate(self, request: pb.GenerateRequest, context: Context) -> pb.GenerateResponse:
        return await self.answer(request)

    async def answer(self, request: pb.GenerateRequest) -> pb.GenerateResponse:
        """One completion, whoever asks. Raises Overloaded, and what is wrong with the request."""
        if self._num_requests >= self._max_requests:
            raise Overloaded(
                f"{self._num_requests} requests are in flight, which is all that are taken; "
                f"try again in {self._usual_s:.1f} s or raise serving.max_requests",
                max_requests=self._max_requests,
                retry_after_s=round(self._usual_s, 3),
            )
        self._num_requests += 1
        metrics.REQUESTS.inc()
        try:
            if request.adapter == DEPLOYED:
                return await self._generate_deployed(request)
            return await self._generate(request, request.adapter)
        finally:
            self._num_requests -= 1
            metrics.REQUESTS.dec()

    async def _generate_deployed(self, request: pb.GenerateRequest) -> pb.GenerateResponse:
        role = self._deployed.role(request.affinity or "".join(part.text for part in request.parts))
        with metrics.DEPLOYED_SECONDS.labels(role).time(), metrics.DEPLOYED_FAILED.labels(role).count_exceptions():
            return await self._generate(request, self._deployed.roles()[role])

    async def _generate(self, request: pb.GenerateRequest, adapter: str) -> pb.GenerateResponse:
        model = self._engine.model
        if request.model not in ("", model.name):
            raise ModelNotFound(
                f"model {request.model!r} is not served here, {model.name!r} is; name that one or none",
                model=request.model,
            )
        sampling = _sampling(request)
        async with self._loras.use(adapter):
            prompt = await prompts.render(request.parts, self._engine.tokenizer, model.context_tokens)
            done = await self._engine.generate(adapter, prompt.token_ids, sampling, request.affinity)
        metrics.TOKENS.labels("prompt").inc(len(prompt.token_ids))
        metrics.TOKENS.labels("response").inc(len(done.token_ids))
        metrics.QUEUE_SECONDS.observe(done.queue_s)
        metrics.COMPUTE_SECONDS.observe(done.compute_s)
        self._usual_s += _WEIGHT * (done.queue_s + done.compute_s - self._usual_s)
        return pb.GenerateResponse(
            text=done.text,
            finish_reason=_REASONS[done.finish_reason],
            prompt=prompt.text,
            num_prompt_tokens=len(prompt.token_ids),
            num_response_tokens=len(done.token_ids),
            queue_s=done.queue_s,
            compute_s=done.compute_s,
            response_token_ids=done.token_ids,
            response_logprobs=done.logprobs,
            adapter=adapter,
        )

    async def LoadAdapter(self, request: pb.LoadAdapterRequest, context: Context) -> pb.LoadAdapterResponse:
        await self._loras.load(request.digest, request.blob)
        return pb.LoadAdapterResponse()

    async def UnloadAdapter(self, request: pb.UnloadAdapterRequest, context: Context) -> pb.UnloadAdapterResponse:
        await self._loras.unload(request.digest)
        return pb.UnloadAdapterResponse()

    async def ListAdapters(self, request: pb.ListAdaptersRequest, context: Context) -> pb.ListAdaptersResponse:
        return pb.ListAdaptersResponse(digests=self._loras.digests())


def _sampling(request: pb.GenerateRequest) -> Sampling:
    if request.max_new_tokens < 1:
        raise InvalidArgument(f"max_new_tokens is {request.max_new_tokens}; ask for at least 1")
    if not math.isfinite(request.temperature) or not 0 <= request.temperature <= MAX_TEMPERATURE:
        raise InvalidArgument(f"temperature is {request.temperature}; use 0 (greedy) to {MAX_TEMPERATURE}")
    if len(request.stop) > MAX_STOPS or "" in request.stop:
        raise InvalidArgument(f"stop takes up to {MAX_STOPS} strings, none of them empty")
    if len(request.regex) > MAX_REGEX_CHARS:
        raise InvalidArgument(f"regex has {len(request.regex)} characters; use at most {MAX_REGEX_CHARS}")
    return Sampling(request.max_new_tokens, request.temperature, request.seed, tuple(request.stop), request.regex)
