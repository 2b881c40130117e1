"""`up`, `serve`, `down`: the process that hosts the rooms."""

from __future__ import annotations

from typing import Annotated

import typer

from services.cli import failures, invocation, output, words

_Rooms = Annotated[list[str] | None, typer.Argument(help="Rooms to host; all of them when none is named.")]


@failures.command
def up(ctx: typer.Context, rooms: _Rooms = None) -> None:
    """Host the rooms in the foreground until Ctrl-C; unfinished iterations go on."""
    _host(invocation.of(ctx), rooms or [])


@failures.command
def serve(ctx: typer.Context, rooms: Annotated[list[str], typer.Argument(help="Rooms to host.")]) -> None:
    """Host some rooms alone, as a pod does; the others are found by the configuration's addresses."""
    _host(invocation.of(ctx), rooms)


def _host(at: invocation.Invocation, rooms: list[str]) -> None:
    from services.common.errors import InvalidArgument
    from services.host.main import run

    if at.is_remote:
        raise InvalidArgument("--server names a host that runs already; leave it out to start one here")
    run(at.home, at.config, rooms)
    if at.as_json:
        output.document({"home": str(at.home), "rooms": rooms, "state": "stopped"})


@failures.command
async def down(ctx: typer.Context) -> None:
    """Stop the host on --home. Iterations that run stay resumable."""
    from services.cli import hosting
    from services.common.errors import InvalidArgument

    at = invocation.of(ctx)
    if at.is_remote:
        raise InvalidArgument("`down` stops the host on --home; one at --server is stopped where it runs")
    rooms = await hosting.stop(at)
    pids = set(rooms.values())
    if at.as_json:
        output.document({"home": str(at.home), "rooms": sorted(rooms), "pids": sorted(pids)})
    elif rooms:
        output.say(f"stopped {words.count(len(rooms), 'room')} (process {', '.join(map(str, sorted(pids)))})")
    else:
        output.say(f"no host runs on {at.home}")
