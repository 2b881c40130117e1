"""`experiment`: many iterations in order, and the report of what they show together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli import failures, invocation, output

if TYPE_CHECKING:
    from services.cli.experiments.definition import Experiment


@failures.command
async def experiment(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="`paper`, or a TOML file of your own.")] = "paper",
    quick: Annotated[
        bool, typer.Option("--quick", help="As the file's [quick] table says: to see that all works.")
    ] = False,
    folder: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder of the report; default: reports/ in --home.")
    ] = None,
) -> None:
    """Run an experiment: the paper's table, its rounds and seeds, and their report. Asked for again, it goes on."""
    from services.cli.experiments import definition

    at = invocation.of(ctx)
    chosen = definition.load(name, quick=quick)
    given = [name, *(["--quick"] if quick else []), *(["--output", str(folder)] if folder else [])]
    where = folder or at.home / "reports" / f"{chosen.name}{'-quick' if quick else ''}"
    await _run(at, chosen, where, at.again("experiment", *given))


async def _run(at: invocation.Invocation, chosen: Experiment, folder: Path, command: str) -> None:
    from services.cli import client, hosting
    from services.cli.experiments import driver, report, results, tables

    for line in driver.announce(chosen):
        output.note(line)
    watched = driver.Watched(command)
    with watched.resumable(at):
        async with hosting.host(at) as started, client.connect(at) as rooms:
            watched.host_started = started
            record = await driver.run(rooms, chosen, watched)
            found = await results.gather(rooms, chosen, record, output.note)
            written = await report.write(rooms, found, folder, command)
    if at.as_json:
        output.document({**report.as_dict(found, command), "report": str(written)})
        return
    for table in tables.every(found):
        output.say()
        output.say(table.title)
        output.table(table.columns, table.rows)
    output.say()
    output.say(f"report: {written}")
