"""What is learnt, by name, and what can be served of it."""

from __future__ import annotations

import importlib.util

from ratchet.training.v1 import training_service_pb2 as pb
from services.common.errors import FailedPrecondition

_Method = pb.TrainingSpec.Method
NAMES = {
    _Method.METHOD_LORA: "lora",
    _Method.METHOD_QLORA: "qlora",
    _Method.METHOD_DORA: "dora",
    _Method.METHOD_FULL: "full",
}


class MethodUnavailable(FailedPrecondition):
    """This machine lacks what the method needs."""

    reason = "METHOD_UNAVAILABLE"


def check(method: str, num_processes: int) -> None:
    """Raise MethodUnavailable where workers of this machine cannot learn so."""
    if method != "qlora":
        return
    if num_processes > 1:
        raise MethodUnavailable(
            "qlora runs in one process; set training.processes (and training.job.nodes) to 1, or use the method lora"
        )
    if importlib.util.find_spec("bitsandbytes") is None:
        raise MethodUnavailable(
            "qlora holds the base in 4 bits with bitsandbytes, which is not installed: pip install "
            "'ratchet-agent[qlora]' (on a CPU it works, slowly), or use the method lora"
        )


def name(spec: pb.TrainingSpec) -> str:
    """The method of a completed specification; jobs of before there were methods learnt LoRA."""
    return NAMES.get(spec.method, "lora")


def archive(spec: pb.TrainingSpec) -> str:
    """The file of a job's directory that holds the result."""
    return "model.tar" if name(spec) == "full" else "adapter.tar"


def note(spec: pb.TrainingSpec) -> str:
    """What someone who wants to serve the result must know; empty for an adapter that is served everywhere."""
    if name(spec) == "full":
        return (
            "a whole model, not an adapter: no server that runs loads it beside its base, and no policy of that base "
            "can have it. Unpack model_blob (a tar archive) into a directory and set serving.model to it"
        )
    if name(spec) == "dora":
        return "a DoRA adapter: served by serving.engine transformers; vLLM loads none, merge it into its base for that"
    return ""
