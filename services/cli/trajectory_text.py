"""A trajectory in words for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.cli import output, words

if TYPE_CHECKING:
    from ratchet.trajectory.v1.trajectory_service_pb2 import Step, Trajectory


def describe(found: Trajectory, *, with_steps: bool) -> None:
    """Print it; with its steps only when asked for."""
    failed = found.state == found.STATE_FAILED
    outcome = "failed (machinery; never counted)" if failed else "solved" if found.reward >= 1 else "not solved"
    output.fields(
        (
            ("trajectory", found.name),
            ("task", f"{found.task_id} in {found.suite} {found.split} {found.world}".rstrip()),
            ("intent", found.intent),
            ("policy", found.policy),
            ("phase", found.phase),
            ("attempt", str(found.attempt)),
            ("outcome", outcome),
            ("ended by", found.stop_reason),
            ("answer", found.answer),
            ("ended at", found.final_url),
            ("error", found.error),
            ("tokens", f"{found.num_prompt_tokens} read, {found.num_response_tokens} written"),
            ("time", _time(found)),
        )
    )
    for check in found.checks:
        output.say(f"check       {check}")
    output.say()
    for step in found.steps:
        _step(step, in_full=with_steps)
    if found.steps and not with_steps:
        output.note("--steps shows what was seen and answered at each step")


def _time(found: Trajectory) -> str:
    spent = found.timings
    model, page = words.duration(spent.model_call_s), words.duration(spent.observe_s + spent.act_s)
    return f"{words.duration(spent.total_s)}: model {model}, page {page}"


def _step(step: Step, *, in_full: bool) -> None:
    if not in_full:
        error = f"   ! {step.error}" if step.error else ""
        output.say(f"{step.index + 1:>3}  {step.action or '(unparsable)'}   {step.url}{error}")
        return
    output.say(f"--- step {step.index + 1}  {step.url}")
    output.say(step.observation)
    output.say(f">>> {step.response}")
    output.say(f"    action: {step.action or '(unparsable)'}")
    for text in filter(None, (step.error, *step.events)):
        output.say(f"    ! {text}")
    output.say()
