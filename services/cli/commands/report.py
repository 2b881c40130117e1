"""`report`: one iteration as one self-contained HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from services.cli import failures, invocation, output


@failures.command
async def report(
    ctx: typer.Context,
    iteration: Annotated[str, typer.Argument(help="Id, start of an id, or `last`.")] = "last",
    file: Annotated[Path | None, typer.Option("--output", "-o", help="File; default: reports/ in --home.")] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    max_mb: Annotated[int, typer.Option(min=0, help="Most megabytes of screenshots.")] = 25,
    collected: Annotated[int, typer.Option(min=0, help="Most collected trajectories to show.")] = 60,
) -> None:
    """Write the report of an iteration: scores, filter, training, lost and gained tasks, every step."""
    from services.cli import client, names
    from services.cli.report.page import default_path, write

    at = invocation.of(ctx)
    async with client.connect(at) as rooms:
        name = await names.iteration(rooms, iteration)
        path = await write(
            rooms,
            name,
            file or default_path(at, name),
            max_image_bytes=max_mb * 1_000_000,
            num_collected=collected,
        )
    if at.as_json:
        output.document({"iteration": name, "report": str(path)})
    else:
        output.say(f"report: {path}")
    if open_it:
        typer.launch(path.resolve().as_uri())
