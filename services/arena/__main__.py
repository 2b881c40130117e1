"""`python -m services.arena`: the arena alone, until Ctrl-C. Prints where everything is."""

from __future__ import annotations

import asyncio
import json
import sys

from services.arena.errors import ArenaError
from services.arena.server import ArenaServer


async def _serve() -> None:
    async with ArenaServer() as server:
        sys.stdout.write(json.dumps({"control": server.control_url, "sites": server.urls}) + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> int:
    """Exit code 0 after Ctrl-C, 2 when it cannot start."""
    try:
        asyncio.run(_serve())
    except KeyboardInterrupt:
        return 0
    except ArenaError as error:
        sys.stderr.write(f"arena: {error.cause}\n  next: {error.next_step}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
