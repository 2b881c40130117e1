"""Entry of `ratchet`. Invariant: what is expected to fail ends with one line and an exit code, not a traceback."""

from __future__ import annotations

import sys

import typer
from typer.main import get_command


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns its exit code: 2 usage, 3 precondition, 4 no host, 130 interrupted, 1 other."""
    from services.cli import app, output

    arguments = sys.argv[1:] if argv is None else argv
    try:
        code = get_command(app.app).main(args=arguments, prog_name="ratchet", standalone_mode=False)
    except typer.TyperException as error:
        if "--json" in arguments:
            output.document({"error": {"reason": "USAGE", "message": error.format_message(), "metadata": {}}})
        output.problem(error.format_message())
        output.note("`ratchet COMMAND --help` lists what is accepted")
        return 2
    except typer.Abort:
        return 130
    except BrokenPipeError:  # the reader of our output left: nobody is there to tell
        sys.stdout = None  # type: ignore[assignment]
        return 1
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    sys.exit(main())
