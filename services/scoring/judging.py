"""Asks the served model whether an attempt did what it was asked to.

Invariant: only a clear "success" counts; a reply that cannot be read is a no.
"""

from __future__ import annotations

import re
from typing import Any

from ratchet.serving.v1 import serving_service_pb2 as serving_pb
from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory_pb
from services.common.rpc import admitted
from services.scoring.filters import Judge

_STATUS = re.compile(r"^\W*status\W+(success|failure)\b", re.IGNORECASE | re.MULTILINE)
_MAX_PAGE_TOKENS = 1_920
_MAX_NEW_TOKENS = 256
_TIMEOUT_S = 120.0
SYSTEM = """You check the work of an agent that carries out tasks in a web browser. You are given the task, the \
agent's thoughts and actions, its answer and the last page that it saw. Decide whether the task was done, all of it \
and nothing else. An answer must be what the task asks for and must be on a page that the agent saw. A change counts \
only if the last page shows that it was made.
First think in one or two sentences. Then end with a line of its own: "Status: success" or "Status: failure"."""


def judge_of(serving: Any) -> Judge:
    """A judge that asks the base model of the serving room; raises what serving raises."""

    async def judge(attempt: trajectory_pb.Trajectory) -> bool:
        request = serving_pb.GenerateRequest(parts=prompt(attempt), max_new_tokens=_MAX_NEW_TOKENS)
        reply = await admitted(lambda left_s: serving.Generate(request, timeout=left_s), _TIMEOUT_S)
        return verdict(reply.text)

    return judge


def prompt(attempt: trajectory_pb.Trajectory) -> list[serving_pb.PromptPart]:
    """The attempt as the judge reads it; only the page is cut."""
    taken = "\n".join(f"{index}. {step.response.strip()}" for index, step in enumerate(attempt.steps, 1))
    last = attempt.steps[-1].observation if attempt.steps else ""
    ending = f"\nURL: {attempt.final_url}\nANSWER: {attempt.answer or 'none'}\n"
    return [
        serving_pb.PromptPart(role="system", text=SYSTEM),
        serving_pb.PromptPart(role="user", text=f"TASK: {attempt.intent}\n\nSTEPS:\n{taken}\n\nLAST PAGE:\n"),
        serving_pb.PromptPart(role="user", text=last, max_tokens=_MAX_PAGE_TOKENS),
        serving_pb.PromptPart(role="user", text=ending),
    ]


def verdict(reply: str) -> bool:
    """Whether the last status line of a reply says success."""
    found = _STATUS.findall(reply)
    return bool(found) and found[-1].lower() == "success"
