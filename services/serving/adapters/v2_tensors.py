"""Requests and responses of the Open Inference Protocol in the words of our contract.

One BYTES tensor "prompt" of n texts becomes n completions. Invariant: every output has n elements but `token_ids` and
`logprobs`, which hold those of the first completion, then the second's, ...; `num_tokens` says where each ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from kserve import InferOutput, InferRequest, InferResponse
from kserve.protocol.infer_type import to_http_parameters

from ratchet.serving.v1 import serving_service_pb2 as pb
from services.common.errors import InvalidArgument

MAX_PROMPTS = 64
_PROMPT = "prompt"
_MAX_NEW_TOKENS = 256
# Of a request, by name. A float is a string over gRPC, where the protocol has none.
_PARAMETERS: dict[str, Callable[[Any], Any]] = {
    "max_new_tokens": int,
    "temperature": float,
    "seed": int,
    "stop": lambda text: [str(text)],
    "regex": str,
    "affinity": str,
}
# KServe's own, which it heeds itself.
_OF_KSERVE = ("binary_data_output",)
INPUTS = [{"name": _PROMPT, "datatype": "BYTES", "shape": [-1]}]
_DATATYPES = {
    "text": "BYTES",
    "finish_reason": "BYTES",
    "adapter": "BYTES",
    "num_tokens": "INT32",
    "token_ids": "INT32",
    "logprobs": "FP32",
}
OUTPUTS = [{"name": name, "datatype": datatype, "shape": [-1]} for name, datatype in _DATATYPES.items()]


def requests(asked: InferRequest, adapter: str) -> list[pb.GenerateRequest]:
    """One for each prompt. Raises InvalidArgument naming the tensor or parameter that is wrong."""
    given = {"max_new_tokens": _MAX_NEW_TOKENS, **to_http_parameters(asked.parameters or {})}
    fields: dict[str, Any] = {}
    for name, value in given.items():
        if name in _OF_KSERVE:
            continue
        if name not in _PARAMETERS:
            raise InvalidArgument(f"there is no parameter {name!r}; use {', '.join(_PARAMETERS)}")
        try:
            fields[name] = _PARAMETERS[name](value)
        except (TypeError, ValueError) as error:
            raise InvalidArgument(f"the parameter {name} is {value!r}, which is no number") from error
    try:
        return [
            pb.GenerateRequest(adapter=adapter, parts=[pb.PromptPart(role="user", text=text)], **fields)
            for text in _prompts(asked)
        ]
    except (ValueError, OverflowError) as error:
        raise InvalidArgument(f"a parameter is out of its range: {error}") from error


def _prompts(asked: InferRequest) -> list[str]:
    names = [each.name for each in asked.inputs]
    if names != [_PROMPT]:
        raise InvalidArgument(f"the inputs are {names}; give one, {_PROMPT!r}")
    (tensor,) = asked.inputs
    if tensor.datatype != "BYTES":
        raise InvalidArgument(f"the input {_PROMPT!r} is {tensor.datatype}; send texts, as BYTES")
    try:
        found = [each.decode() if isinstance(each, bytes) else each for each in tensor.as_numpy().ravel().tolist()]
    except ValueError as error:
        raise InvalidArgument(f"the input {_PROMPT!r} is no tensor of shape {list(tensor.shape)}: {error}") from error
    if not 1 <= len(found) <= MAX_PROMPTS or not all(isinstance(each, str) for each in found):
        raise InvalidArgument(f"the input {_PROMPT!r} holds {len(found)} elements; send 1 to {MAX_PROMPTS} texts")
    return found


def response(asked: InferRequest, name: str, answers: Sequence[pb.GenerateResponse]) -> InferResponse:
    """What the completions were, in the order of the prompts."""
    columns: dict[str, list[Any]] = {
        "text": [each.text for each in answers],
        "finish_reason": [
            pb.FinishReason.Name(each.finish_reason).removeprefix("FINISH_REASON_").lower() for each in answers
        ],
        "adapter": [each.adapter for each in answers],
        "num_tokens": [each.num_response_tokens for each in answers],
        "token_ids": [token for each in answers for token in each.response_token_ids],
        "logprobs": [one for each in answers for one in each.response_logprobs],
    }
    return InferResponse(
        response_id=asked.id or "",
        model_name=name,
        infer_outputs=[_tensor(column, values) for column, values in columns.items()],
        use_binary_outputs=asked.use_binary_outputs,
        requested_outputs=asked.request_outputs,
    )


def _tensor(name: str, values: list[Any]) -> InferOutput:
    found = InferOutput(name=name, shape=[len(values)], datatype=_DATATYPES[name])
    if found.datatype == "BYTES":
        found.data = values
    else:
        kind = np.int32 if found.datatype == "INT32" else np.float32
        found.set_data_from_numpy(np.array(values, dtype=kind), binary_data=False)
    return found
