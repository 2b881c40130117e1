"""`improve`: start an iteration and watch it; the project's main job, from one command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli import failures, invocation, output, words

if TYPE_CHECKING:
    from ratchet.orchestrator.v1.iteration_service_pb2 import Iteration
    from services.cli import client

# What --quick asks for where the line does not say otherwise: a whole iteration in about two minutes on two cores.
QUICK: dict[str, Any] = {
    "num_train_tasks": 40,
    "num_eval_tasks": 30,
    "num_template_tasks": 10,
    "attempts_per_task": 1,
    "max_epochs": 2,
}
_COLLECT, _TRAIN, _MEASURE = "Collecting", "Training", "Measuring"


@failures.command
async def improve(
    ctx: typer.Context,
    suite: Annotated[str, typer.Option(help="Suite to improve on; see `ratchet suites list`.")] = "arena",
    policy: Annotated[str, typer.Option(help="Policy to start from; default: the current one.")] = "",
    rounds: Annotated[int, typer.Option(min=1, help="Iterations one after another.")] = 1,
    quick: Annotated[bool, typer.Option("--quick", help="A small iteration, to see that all works.")] = False,
    train_tasks: Annotated[
        int | None, typer.Option(min=1, rich_help_panel=_COLLECT, help="Training tasks; default: all.")
    ] = None,
    attempts: Annotated[
        int | None, typer.Option(min=1, rich_help_panel=_COLLECT, help="Attempts at each training task.")
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(min=0, max=2, rich_help_panel=_COLLECT, help="Of the attempts; 0 is greedy.")
    ] = None,
    train_world_seed: Annotated[
        int | None, typer.Option(min=0, rich_help_panel=_COLLECT, help="World of the training tasks.")
    ] = None,
    max_steps: Annotated[int | None, typer.Option(min=1, rich_help_panel=_COLLECT, help="Steps per episode.")] = None,
    parallel: Annotated[
        int | None, typer.Option(min=1, max=256, rich_help_panel=_COLLECT, help="Episodes at a time.")
    ] = None,
    screenshots: Annotated[
        bool, typer.Option(rich_help_panel=_COLLECT, help="Take a picture at each step, for the report.")
    ] = True,
    strategy: Annotated[
        str, typer.Option(rich_help_panel=_TRAIN, help="What is tried and kept: paper, agreement, ...; see the docs.")
    ] = "",
    mixture: Annotated[
        str, typer.Option(rich_help_panel=_TRAIN, help="A (own attempts), B (A and synthetic rows) or C (synthetic).")
    ] = "",
    collected_by: Annotated[
        str, typer.Option(rich_help_panel=_COLLECT, help="Iteration whose attempts to train on in place of new ones.")
    ] = "",
    follows: Annotated[
        str, typer.Option(rich_help_panel=_COLLECT, help="Iteration to go on from, whatever its gate said.")
    ] = "",
    rows: Annotated[
        str, typer.Option(rich_help_panel=_TRAIN, help="Rows of a trajectory: paper (first, middle, last) or all.")
    ] = "",
    preset: Annotated[
        str,
        typer.Option(
            rich_help_panel=_TRAIN,
            help="Where numbers not given come from: paper (QLoRA), standard (LoRA), tiny; default: the model's own.",
        ),
    ] = "",
    method: Annotated[
        str, typer.Option(rich_help_panel=_TRAIN, help="What is learnt: lora, qlora or dora; default: the preset's.")
    ] = "",
    lora_rank: Annotated[int | None, typer.Option(min=1, rich_help_panel=_TRAIN, help="Rank of the adapter.")] = None,
    lora_alpha: Annotated[int | None, typer.Option(min=1, rich_help_panel=_TRAIN, help="Its alpha.")] = None,
    learning_rate: Annotated[float | None, typer.Option(min=0, rich_help_panel=_TRAIN, help="Peak rate.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, rich_help_panel=_TRAIN, help="Rows per update.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, rich_help_panel=_TRAIN, help="At most so many.")] = None,
    patience: Annotated[
        int | None, typer.Option(min=1, rich_help_panel=_TRAIN, help="Epochs without a gain before it stops.")
    ] = None,
    eval_tasks: Annotated[
        int | None, typer.Option(min=1, rich_help_panel=_MEASURE, help="Held-out tasks of seen templates.")
    ] = None,
    template_tasks: Annotated[
        int | None, typer.Option(min=1, rich_help_panel=_MEASURE, help="Held-out tasks of unseen templates.")
    ] = None,
    eval_world_seed: Annotated[
        int | None, typer.Option(min=0, rich_help_panel=_MEASURE, help="World of the held-out tasks.")
    ] = None,
    constrained: Annotated[
        bool, typer.Option("--constrained", help="Let the model write nothing but well-formed actions.")
    ] = False,
    seed: Annotated[int | None, typer.Option(min=0, help="Of everything that is drawn.")] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return once it has started.")] = False,
    report: Annotated[bool, typer.Option(help="Write the HTML report at the end.")] = True,
) -> None:
    """Run a whole iteration: collect, filter, train, measure against the base, promote only if better."""
    asked: dict[str, Any] = {
        "num_train_tasks": train_tasks,
        "num_eval_tasks": eval_tasks,
        "num_template_tasks": template_tasks,
        "attempts_per_task": attempts,
        "temperature": temperature,
        "train_world_seed": train_world_seed,
        "eval_world_seed": eval_world_seed,
        "max_steps": max_steps,
        "parallel_episodes": parallel,
        "strategy": strategy or None,
        "mixture": mixture or None,
        "collected_by": collected_by or None,
        "follows": follows or None,
        "rows": rows or None,
        "training_preset": preset or None,
        "training_method": method or None,
        "lora_rank": lora_rank,
        "lora_alpha": lora_alpha,
        "learning_rate": learning_rate,
        "batch_size": batch_size,
        "max_epochs": epochs,
        "patience": patience,
        "constrained": constrained or None,
        "seed": seed,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    spec = {"suite": suite, "rounds": rounds, "screenshots": screenshots, **(QUICK if quick else {}), **given}
    await _improve(invocation.of(ctx), spec, policy, detach=detach, report=report)


async def _improve(at: invocation.Invocation, spec: dict[str, Any], policy: str, *, detach: bool, report: bool) -> None:
    from services.cli import client, hosting, runs

    watched = runs.Watched("iterations")
    with watched.resumable(at):
        async with hosting.host(at) as started, client.connect(at) as rooms:
            watched.host_started = started
            created = await _create(rooms, spec, policy)
            watched.name = created.name
            if not detach:
                ended = await runs.watch_iterations(rooms, created.name, watched)
                pages = [await _report(at, rooms, item) for item in ended] if report else []
    if not detach:
        runs.conclude(at, ended, pages)
    elif at.as_json:
        output.document({"iterations": [output.as_dict(created)]})
    else:
        output.say(f"{created.name} has started; watch it with:")
        output.say(f"  {at.again('iterations', 'watch', words.short(created.name))}")


async def _create(rooms: client.Rooms, spec: dict[str, Any], policy: str) -> Iteration:
    from ratchet.orchestrator.v1 import iteration_service_pb2 as pb
    from services.cli import names
    from services.common import ids

    if policy:
        spec = {**spec, "policy": await names.policy(rooms, policy)}
    for field in ("collected_by", "follows"):
        if field in spec:
            spec = {**spec, field: await names.iteration(rooms, spec[field])}
    request = pb.CreateIterationRequest(request_id=ids.new_id(), spec=pb.IterationSpec(**spec))
    return (await rooms.iterations.CreateIteration(request)).iteration


async def _report(at: invocation.Invocation, rooms: client.Rooms, ended: Iteration) -> Path:
    from services.cli.report.page import default_path, write

    return await write(rooms, ended.name, default_path(at, ended.name))
