"""`eval` and `evaluations`: scores of any policy on any split, in any world."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from services.cli import failures, invocation, output, words

app = typer.Typer(no_args_is_help=True, help="Evaluations: scores of policies outside of iterations.")
Evaluation = Annotated[str, typer.Argument(help="Id, start of an id, or `last`.")]


@failures.command
async def evaluate(
    ctx: typer.Context,
    policy: Annotated[
        str, typer.Option(help="Policy; `current`, `trivial`, `expert`, or one of the list.")
    ] = "current",
    suite: Annotated[str, typer.Option(help="Suite; see `ratchet suites list`.")] = "arena",
    split: Annotated[str, typer.Option(help="Split of the suite.")] = "heldout-instances",
    world_seed: Annotated[int, typer.Option(min=0, help="World, where the suite has worlds; 0: its own.")] = 0,
    tasks: Annotated[int, typer.Option(min=0, help="At most so many tasks; 0 for all.")] = 0,
    task_id: Annotated[list[str] | None, typer.Option(help="Only this task (repeatable).")] = None,
    max_steps: Annotated[int, typer.Option(min=0, help="Steps per episode; 0: the host's default.")] = 0,
    parallel: Annotated[int, typer.Option(min=0, max=256, help="Episodes at a time; 0: the host's default.")] = 0,
    votes: Annotated[int, typer.Option(min=0, max=64, help="Responses that each step is voted on by; 0: one.")] = 0,
    temperature: Annotated[float, typer.Option(min=0, max=2, help="Of sampling; 0: greedy.")] = 0.0,
    constrained: Annotated[
        bool, typer.Option("--constrained", help="Let the model write nothing but well-formed actions.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of everything that is drawn.")] = 0,
    screenshots: Annotated[bool, typer.Option(help="Take a picture at each step.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Return once it has started.")] = False,
) -> None:
    """Score a policy on a split, in a world of your choice."""
    spec: dict[str, Any] = {
        "suite": suite,
        "split": split,
        "world_seed": world_seed,
        "num_tasks": tasks,
        "task_ids": task_id or [],
        "max_steps": max_steps,
        "parallel_episodes": parallel,
        "votes": votes,
        "temperature": temperature,
        "constrained": constrained,
        "seed": seed,
        "screenshots": screenshots,
    }
    await _evaluate(invocation.of(ctx), spec, policy, detach=detach)


async def _evaluate(at: invocation.Invocation, spec: dict[str, Any], policy: str, *, detach: bool) -> None:
    from ratchet.orchestrator.v1 import evaluation_service_pb2 as pb
    from services.cli import client, hosting, names, runs
    from services.common import ids

    watched = runs.Watched("evaluations")
    with watched.resumable(at):
        async with hosting.host(at) as started, client.connect(at) as rooms:
            watched.host_started = started
            request = pb.CreateEvaluationRequest(
                request_id=ids.new_id(),
                spec=pb.EvaluationSpec(policy=await names.policy(rooms, policy), **spec),
            )
            found = (await rooms.evaluations.CreateEvaluation(request)).evaluation
            watched.name = found.name
            if not detach:
                found = await runs.watch_evaluation(rooms, found.name)
    if not detach:
        runs.conclude_evaluation(at, found)
    elif at.as_json:
        output.document(output.as_dict(found))
    else:
        output.say(f"{found.name} has started; watch it with:")
        output.say(f"  {at.again('evaluations', 'watch', words.short(found.name))}")


@app.command("list")
@failures.command
async def list_(
    ctx: typer.Context, limit: Annotated[int, typer.Option(min=0, help="At most so many; 0 for all.")] = 20
) -> None:
    """List evaluations, newest first."""
    from ratchet.orchestrator.v1 import evaluation_service_pb2 as pb
    from services.cli import client

    at = invocation.of(ctx)
    async with client.connect(at) as rooms:
        request = pb.ListEvaluationsRequest(page_size=client.PAGE)
        found, more = await client.some(rooms.evaluations.ListEvaluations, request, "evaluations", limit)
    if at.as_json:
        output.document({"evaluations": [output.as_dict(item) for item in found], "more": more})
        return
    output.table(
        ("EVALUATION", "STATE", "POLICY", "SUITE", "SPLIT", "WORLD>", "DONE>", "SCORE", "STARTED"),
        (
            (
                words.short(item.name),
                words.state(pb.Evaluation.State.Name(item.state)),
                words.short(item.spec.policy),
                item.spec.suite,
                item.spec.split,
                str(item.spec.world_seed),
                f"{item.num_done}/{item.num_total}",
                " ".join(
                    f"{words.percent(score.mean)} {words.interval(score.low, score.high)}"
                    for score in item.report.scores
                    if score.policy == item.spec.policy
                ),
                words.when(item.create_time),
            )
            for item in found
        ),
        empty="no evaluations yet; `ratchet eval` starts one",
    )


@app.command()
@failures.command
async def show(ctx: typer.Context, evaluation: Evaluation = "last") -> None:
    """Show one evaluation."""
    from ratchet.orchestrator.v1 import evaluation_service_pb2 as pb
    from services.cli import client, names, runs, watching

    at = invocation.of(ctx)
    async with client.connect(at) as rooms:
        name = await names.evaluation(rooms, evaluation)
        found = (await rooms.evaluations.GetEvaluation(pb.GetEvaluationRequest(name=name))).evaluation
    if found.state == watching.RUNNING and not at.as_json:
        output.say(f"{found.name} runs: {found.num_done} of {words.count(found.num_total, 'task')} done")
    else:
        runs.conclude_evaluation(at, found)


@app.command()
@failures.command
async def watch(ctx: typer.Context, evaluation: Evaluation = "last") -> None:
    """Watch an evaluation until it ends. Ctrl-C stops watching, not the evaluation."""
    from services.cli import client, names, runs

    at = invocation.of(ctx)
    watched = runs.Watched("evaluations")
    with watched.resumable(at):
        async with client.connect(at) as rooms:
            watched.name = await names.evaluation(rooms, evaluation)
            ended = await runs.watch_evaluation(rooms, watched.name)
    runs.conclude_evaluation(at, ended)


@app.command()
@failures.command
async def cancel(ctx: typer.Context, evaluation: Evaluation = "last") -> None:
    """Cancel an evaluation; what it recorded stays."""
    from ratchet.orchestrator.v1 import evaluation_service_pb2 as pb
    from services.cli import client, names

    at = invocation.of(ctx)
    async with client.connect(at) as rooms:
        name = await names.evaluation(rooms, evaluation)
        found = (await rooms.evaluations.CancelEvaluation(pb.CancelEvaluationRequest(name=name))).evaluation
    if at.as_json:
        output.document(output.as_dict(found))
    else:
        output.say(f"{found.name}: {words.state(pb.Evaluation.State.Name(found.state))}")
