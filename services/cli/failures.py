"""From errors to exit codes, in one place.

Invariant: an expected failure prints `error: ...` on stderr (and, with --json, one error document on stdout).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import typer

from services.cli import invocation, output

USAGE, PRECONDITION, UNAVAILABLE, OTHER, INTERRUPTED = 2, 3, 4, 1, 130
_CODES = {
    "INVALID_ARGUMENT": USAGE,
    "NOT_FOUND": USAGE,
    "ALREADY_EXISTS": PRECONDITION,
    "FAILED_PRECONDITION": PRECONDITION,
    "UNAVAILABLE": UNAVAILABLE,
    "DEADLINE_EXCEEDED": UNAVAILABLE,
}


def command(body: Callable[..., Any]) -> Callable[..., None]:
    """A typer command from a function (async or not) whose first parameter is `ctx`."""

    @functools.wraps(body)
    def run(ctx: typer.Context, *args: Any, **kwargs: Any) -> None:
        from services.common.errors import RatchetError

        at = invocation.of(ctx)
        try:
            _run(body, ctx, *args, **kwargs)
        except RatchetError as error:
            reason, message = error.reason, error.message
            if error.code.name == "UNAVAILABLE" and reason == "UNAVAILABLE":
                message = f"{message}\n{_no_host_hint(at)}"
            _fail(at, reason, message, error.metadata)
            raise typer.Exit(_CODES.get(error.code.name, OTHER)) from None
        except BrokenPipeError:
            raise
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            _fail(at, "OS_ERROR", f"{where}{error.strerror or error}", {})
            raise typer.Exit(OTHER) from None
        except KeyboardInterrupt:
            output.note("interrupted")
            raise typer.Exit(INTERRUPTED) from None

    return run


def _run(body: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    if inspect.iscoroutinefunction(body):
        import asyncio

        asyncio.run(body(*args, **kwargs))
    else:
        body(*args, **kwargs)


def _no_host_hint(at: invocation.Invocation) -> str:
    if at.is_remote:
        return "check the address given with --server"
    return f"is the host running? `{at.again('up')}` starts one, `{at.again('doctor')}` looks into it"


def _fail(at: invocation.Invocation, reason: str, message: str, metadata: dict[str, str]) -> None:
    if at.as_json:
        output.document({"error": {"reason": reason, "message": message, "metadata": metadata}})
    output.problem(message)
