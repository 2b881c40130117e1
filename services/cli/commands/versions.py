"""`version`: what is installed."""

from __future__ import annotations

import typer

from services.cli import failures, invocation, output


@failures.command
def version(ctx: typer.Context) -> None:
    """Show the versions of Ratchet, Python and what results depend on."""
    from services.cli.checks import versions

    found = versions()
    if invocation.of(ctx).as_json:
        output.document(found)
    else:
        output.fields(found.items())
