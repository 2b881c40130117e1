"""The tree of commands and the options that all of them share.

Invariant: importing this imports neither gRPC nor any other heavy library, so that `--help` answers at once.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from services.cli.commands import (
    datasets,
    doctor,
    evaluations,
    experiment,
    host,
    improve,
    iterations,
    kserve,
    policies,
    report,
    suites,
    trajectories,
    versions,
)
from services.cli.invocation import Invocation

_SHARED = {"--json": False, "--home": True, "--server": True, "--config": True}


class _Group(TyperGroup):
    """Lets the shared options stand anywhere: `ratchet iterations list --json --home DIR`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, hoist(args))


def hoist(arguments: list[str]) -> list[str]:
    """The same arguments with the shared options (and their values) first; what follows `--` stays."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    shared: list[str] = []
    own: list[str] = []
    rest = iter(arguments[:end])
    for argument in rest:
        name, equals, _ = argument.partition("=")
        if name not in _SHARED:
            own.append(argument)
            continue
        shared.append(argument)
        if _SHARED[name] and not equals and (value := next(rest, None)) is not None:
            shared.append(value)
    return shared + own + arguments[end:]


app = typer.Typer(
    name="ratchet",
    cls=_Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="A web agent that improves itself from its own attempts, and is promoted only when measurably better.",
    epilog="--home, --server, --json and --config may stand anywhere on the line.",
)


@app.callback()
def shared(
    ctx: typer.Context,
    home: Annotated[
        Path, typer.Option(envvar="RATCHET_HOME", help="Data directory of the host.", show_default="~/.ratchet")
    ] = Path("~/.ratchet"),
    server: Annotated[
        list[str] | None,
        typer.Option(help="ADDRESS of every room, or room=ADDRESS of one (repeatable). Default: the host on --home."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout, nothing else.")] = False,
    config: Annotated[Path | None, typer.Option(help="TOML file for the host, one table per room.")] = None,
) -> None:
    ctx.obj = Invocation(home=home.expanduser(), server=tuple(server or ()), as_json=json, config=config)


def _add(command: Callable[..., Any], name: str, panel: str) -> None:
    app.command(name, rich_help_panel=panel)(command)


_add(improve.improve, "improve", "Improve and measure")
_add(evaluations.evaluate, "eval", "Improve and measure")
_add(experiment.experiment, "experiment", "Improve and measure")
_add(report.report, "report", "Improve and measure")
app.add_typer(iterations.app, name="iterations", rich_help_panel="What was done")
app.add_typer(evaluations.app, name="evaluations", rich_help_panel="What was done")
app.add_typer(trajectories.app, name="trajectories", rich_help_panel="What was done")
app.add_typer(datasets.app, name="datasets", rich_help_panel="What was done")
app.add_typer(policies.app, name="policies", rich_help_panel="What was done")
app.add_typer(suites.app, name="suites", rich_help_panel="What was done")
app.add_typer(kserve.app, name="kserve", rich_help_panel="Deploy")
_add(host.up, "up", "The host")
_add(host.serve, "serve", "The host")
_add(host.down, "down", "The host")
_add(doctor.doctor, "doctor", "The host")
_add(versions.version, "version", "The host")
