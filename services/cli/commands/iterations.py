"""`iterations`: turns of the loop, running and past."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from services.cli import failures, invocation, output, words

app = typer.Typer(no_args_is_help=True, help="Iterations: turns of the loop, running and past.")
Iteration = Annotated[str, typer.Argument(help="Id, start of an id, or `last`.")]


@app.command("list")
@failures.command
async def list_(
    ctx: typer.Context, limit: Annotated[int, typer.Option(min=0, help="At most so many; 0 for all.")] = 20
) -> None:
    """List iterations, newest first."""
    from ratchet.orchestrator.v1 import iteration_service_pb2 as pb
    from services.cli import client

    at = invocation.of(ctx)
    async with client.connect(at) as rooms:
        request = pb.ListIterationsRequest(page_size=client.PAGE)
        found, more = await client.some(rooms.iterations.ListIterations, request, "iterations", limit)
    if at.as_json:
        output.document({"iterations": [output.as_dict(item) for item in found], "more": more})
        return
    output.table(
        ("ITERATION", "STATE", "PHASE", "SUITE", "FROM", "MADE", "VERDICT", "DIFFERENCE", "EPISODES>", "STARTED"),
        (_listed(item) for item in found),
        empty="no iterations yet; `ratchet improve` starts one",
    )


def _listed(item: Any) -> tuple[str, ...]:
    from services.cli import iteration_text as text

    return (
        words.short(item.name),
        text.state(item),
        item.phase if text.state(item) == "running" else "",
        item.spec.suite,
        words.short(item.base_policy),
        words.short(item.candidate_policy),
        item.verdict,
        text.difference(item),
        str(item.num_episodes),
        words.when(item.create_time),
    )


@app.command()
@failures.command
async def show(ctx: typer.Context, iteration: Iteration = "last") -> None:
    """Show one iteration: verdict, scores, phases, filter, time."""
    from ratchet.orchestrator.v1 import iteration_service_pb2 as pb
    from services.cli import client, iteration_text, names

    at = invocation.of(ctx)
    async with client.connect(at) as rooms:
        name = await names.iteration(rooms, iteration)
        found = (await rooms.iterations.GetIteration(pb.GetIterationRequest(name=name))).iteration
    if at.as_json:
        output.document(output.as_dict(found))
    else:
        iteration_text.describe(found)


@app.command()
@failures.command
async def watch(ctx: typer.Context, iteration: Iteration = "last") -> None:
    """Watch an iteration until it ends. Ctrl-C stops watching, not the iteration."""
    from services.cli import client, names, runs

    at = invocation.of(ctx)
    watched = runs.Watched("iterations")
    with watched.resumable(at):
        async with client.connect(at) as rooms:
            name = await names.iteration(rooms, iteration)
            ended = await runs.watch_iterations(rooms, name, watched)
    runs.conclude(at, ended)


@app.command()
@failures.command
async def cancel(ctx: typer.Context, iteration: Iteration = "last") -> None:
    """Cancel an iteration; what it recorded stays."""
    from ratchet.orchestrator.v1 import iteration_service_pb2 as pb
    from services.cli import client, names

    at = invocation.of(ctx)
    async with client.connect(at) as rooms:
        name = await names.iteration(rooms, iteration)
        found = (await rooms.iterations.CancelIteration(pb.CancelIterationRequest(name=name))).iteration
    if at.as_json:
        output.document(output.as_dict(found))
    else:
        output.say(f"{found.name}: {words.state(pb.Iteration.State.Name(found.state))}")


@app.command()
@failures.command
async def resume(
    ctx: typer.Context,
    iteration: Iteration = "last",
    detach: Annotated[bool, typer.Option("--detach", help="Return once it goes on.")] = False,
) -> None:
    """Go on with an iteration that failed or was cancelled; what it had done is kept."""
    from ratchet.orchestrator.v1 import iteration_service_pb2 as pb
    from services.cli import client, names, runs

    at = invocation.of(ctx)
    watched = runs.Watched("iterations")
    with watched.resumable(at):
        async with client.connect(at) as rooms:
            name = await names.iteration(rooms, iteration)
            found = (await rooms.iterations.ResumeIteration(pb.ResumeIterationRequest(name=name))).iteration
            ended = [found] if detach else await runs.watch_iterations(rooms, name, watched)
    if not detach:
        runs.conclude(at, ended)
    elif at.as_json:
        output.document(output.as_dict(found))
    else:
        output.say(f"{found.name} goes on; watch it with:")
        output.say(f"  {at.again('iterations', 'watch', words.short(found.name))}")
