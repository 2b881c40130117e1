"""`suites`: named lists of tasks, built in or imported."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from services.cli import failures, invocation, output, words

app = typer.Typer(no_args_is_help=True, help="Suites: named lists of tasks in WebArena's format.")


@app.command("list")
@failures.command
async def list_(ctx: typer.Context) -> None:
    """List suites and their splits."""
    from ratchet.orchestrator.v1 import suite_service_pb2 as pb
    from services.cli import client

    at = invocation.of(ctx)
    async with client.connect(at) as rooms:
        found = (await rooms.suites.ListSuites(pb.ListSuitesRequest())).suites
    if at.as_json:
        output.document({"suites": [output.as_dict(item) for item in found]})
        return
    output.table(
        ("SUITE", "ENVIRONMENT", "SPLITS", "DESCRIPTION*"),
        ((words.short(item.name), item.environment, ", ".join(item.splits), item.description) for item in found),
    )


@app.command()
@failures.command
async def tasks(
    ctx: typer.Context,
    suite: Annotated[str, typer.Argument(help="Name of the suite, e.g. arena.")],
    split: Annotated[str, typer.Option(help="Split; see `ratchet suites list`.")] = "",
    world_seed: Annotated[int, typer.Option(min=0, help="World, where the suite has worlds; 0 for its own.")] = 0,
    limit: Annotated[int, typer.Option(min=0, help="At most so many; 0 for all.")] = 50,
) -> None:
    """List the tasks of a suite."""
    import json

    from ratchet.orchestrator.v1 import suite_service_pb2 as pb
    from services.cli import client

    at = invocation.of(ctx)
    request = pb.ListTasksRequest(
        parent=f"suites/{suite.removeprefix('suites/')}", split=split, world_seed=world_seed, page_size=client.PAGE
    )
    async with client.connect(at) as rooms:
        found, more = await client.some(rooms.suites.ListTasks, request, "tasks", limit)
    if at.as_json:
        listed = [output.as_dict(item) | {"task": json.loads(item.task_json)} for item in found]
        for item in listed:
            del item["task_json"]
        output.document({"tasks": listed, "more": more})
        return
    output.table(("TASK", "WORLD", "INTENT*"), ((words.short(item.name), item.world, item.intent) for item in found))
    if more:
        output.note(f"only the first {limit}; --limit 0 lists all")


@app.command("import")
@failures.command
async def import_(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="JSON file: an array of WebArena tasks.")],
    name: Annotated[str, typer.Option(help="Name of the new suite, e.g. my-site.")],
    site: Annotated[
        list[str],
        typer.Option(help="Placeholder and URL of each site: __SHOPPING__=http://shop.example (repeatable)."),
    ],
) -> None:
    """Import tasks in WebArena's format for sites of your own."""
    from ratchet.orchestrator.v1 import suite_service_pb2 as pb
    from services.cli import client
    from services.common import ids

    at = invocation.of(ctx)
    request = pb.ImportSuiteRequest(request_id=ids.new_id(), suite_id=name, tasks_json=_read(file), sites=_sites(site))
    async with client.connect(at) as rooms:
        reply = await rooms.suites.ImportSuite(request)
    if at.as_json:
        output.document(output.as_dict(reply))
    else:
        output.say(f"imported {words.count(reply.num_tasks, 'task')} as {reply.suite.name}")


_MAX_BYTES = 3_900_000


def _read(file: Path) -> str:
    from services.common.errors import InvalidArgument

    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidArgument(f"cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidArgument(f"{file} is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    if len(text.encode()) > _MAX_BYTES:
        raise InvalidArgument(f"{file} is larger than {words.size(_MAX_BYTES)}; import it in parts, as several suites")
    return text


def _sites(pairs: list[str]) -> dict[str, str]:
    from services.common.errors import InvalidArgument

    sites: dict[str, str] = {}
    for pair in pairs:
        placeholder, _, url = pair.partition("=")
        is_placeholder = len(placeholder) > 4 and placeholder.startswith("__") and placeholder.endswith("__")
        if not is_placeholder or not url.startswith(("http://", "https://")):
            raise InvalidArgument(f"--site {pair}: write it as __SHOPPING__=http://shop.example")
        sites[placeholder] = url.rstrip("/")
    return sites
