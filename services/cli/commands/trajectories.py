"""`trajectories`: what episodes recorded."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli import failures, invocation, output, words

if TYPE_CHECKING:
    from ratchet.trajectory.v1 import trajectory_service_pb2 as pb
    from services.cli import client

app = typer.Typer(no_args_is_help=True, help="Trajectories: what episodes recorded, step by step.")


class Outcome(StrEnum):
    """How an attempt ended."""

    SOLVED = "solved"
    UNSOLVED = "unsolved"
    FAILED = "failed"


class Format(StrEnum):
    """File formats of an export."""

    JSONL = "jsonl"
    PARQUET = "parquet"


Run = Annotated[str, typer.Option(help="Iteration or evaluation; `last`: the newest iteration. Default: all.")]
Phase = Annotated[str, typer.Option(help="Phase, e.g. collect.")]
Split = Annotated[str, typer.Option(help="Split, e.g. heldout-instances.")]
Policy = Annotated[str, typer.Option(help="Policy that acted.")]
TaskId = Annotated[str, typer.Option(help="WebArena's task_id.")]
OutcomeOption = Annotated[
    Outcome | None, typer.Option(help="Only those; `failed` are attempts lost to the machinery, never counted.")
]


async def _request(
    rooms: client.Rooms, run: str, phase: str, split: str, policy: str, task_id: str, outcome: Outcome | None
) -> pb.ListTrajectoriesRequest:
    from ratchet.trajectory.v1 import trajectory_service_pb2 as pb
    from services.cli import client, names

    states = {None: "STATE_UNSPECIFIED", Outcome.FAILED: "STATE_FAILED"}
    return pb.ListTrajectoriesRequest(
        parent=await names.run(rooms, run) if run else "",
        phase=phase,
        split=split,
        policy=await names.policy(rooms, policy) if policy else "",
        task_id=task_id,
        state=pb.Trajectory.State.Value(states.get(outcome, "STATE_SUCCEEDED")),
        page_size=client.PAGE,
    )


def outcome_of(item: Any) -> Outcome:
    """How a trajectory ended."""
    if item.state == item.STATE_FAILED:
        return Outcome.FAILED
    return Outcome.SOLVED if item.reward >= 1 else Outcome.UNSOLVED


@app.command("list")
@failures.command
async def list_(
    ctx: typer.Context,
    run: Run = "",
    phase: Phase = "",
    split: Split = "",
    policy: Policy = "",
    task_id: TaskId = "",
    outcome: OutcomeOption = None,
    limit: Annotated[int, typer.Option(min=0, help="At most so many; 0 for all.")] = 50,
) -> None:
    """List trajectories, newest first."""
    from services.cli import client

    at = invocation.of(ctx)
    found: list[Any] = []
    more = False
    async with client.connect(at) as rooms:
        request = await _request(rooms, run, phase, split, policy, task_id, outcome)
        async for item in client.paged(rooms.trajectories.ListTrajectories, request, "trajectories"):
            if outcome is not None and outcome_of(item) is not outcome:
                continue
            if limit and len(found) == limit:
                more = True
                break
            found.append(item)
    if at.as_json:
        output.document({"trajectories": [output.as_dict(item) for item in found], "more": more})
        return
    output.table(
        ("TRAJECTORY", "RUN", "PHASE", "POLICY", "TASK", "OUTCOME", "ENDED BY", "STEPS>", "TIME>", "INTENT*"),
        (
            (
                words.short(item.name),
                item.name.rsplit("/trajectories/", 1)[0],
                item.phase,
                words.short(item.policy),
                item.task_id,
                outcome_of(item).value,
                item.stop_reason or item.error,
                str(item.num_steps),
                words.duration(item.timings.total_s),
                item.intent,
            )
            for item in found
        ),
        empty="no trajectories match",
    )
    if more:
        output.note(f"only the first {limit}; --limit 0 lists all")


@app.command()
@failures.command
async def show(
    ctx: typer.Context,
    trajectory: Annotated[str, typer.Argument(help="Name, start of an id, or `last`.")] = "last",
    run: Run = "",
    steps: Annotated[bool, typer.Option("--steps", help="Show what was seen and answered at each step.")] = False,
) -> None:
    """Show one trajectory."""
    from ratchet.trajectory.v1 import trajectory_service_pb2 as pb
    from services.cli import client, names, trajectory_text

    at = invocation.of(ctx)
    async with client.connect(at) as rooms:
        within = await names.run(rooms, run) if run else ""
        name = await names.trajectory(rooms, trajectory, within)
        found = (await rooms.trajectories.GetTrajectory(pb.GetTrajectoryRequest(name=name))).trajectory
    if at.as_json:
        if not steps:
            found.ClearField("steps")
        output.document(output.as_dict(found))
    else:
        trajectory_text.describe(found, with_steps=steps)


@app.command()
@failures.command
async def export(
    ctx: typer.Context,
    file: Annotated[Path, typer.Option("--output", "-o", help="File to write.")],
    format: Annotated[Format | None, typer.Option(help="Default: by the file's name, else jsonl.")] = None,  # noqa: A002
    run: Run = "",
    phase: Phase = "",
    split: Split = "",
    policy: Policy = "",
    task_id: TaskId = "",
    outcome: OutcomeOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
) -> None:
    """Export trajectories with their steps, one row each; Hugging Face `datasets` loads either format."""
    from services.cli import client, exports

    at = invocation.of(ctx)
    kind = format or (Format.PARQUET if file.suffix == ".parquet" else Format.JSONL)
    async with client.connect(at) as rooms:
        request = await _request(rooms, run, phase, split, policy, task_id, outcome)
        request.with_steps = True
        found = (
            item
            async for item in client.paged(rooms.trajectories.ListTrajectories, request, "trajectories")
            if outcome is None or outcome_of(item) is outcome
        )
        written = await exports.write(found, file, kind.value, force=force)
    if at.as_json:
        output.document({"file": str(file), "format": kind.value, **written._asdict()})
    else:
        output.say(
            f"wrote {words.count(written.num_trajectories, 'trajectory')} "
            f"({words.count(written.num_steps, 'step')}, {words.size(written.num_bytes)}) to {file}"
        )
