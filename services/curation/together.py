"""Calls side by side, of which the first failure stops the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")
T = TypeVar("T")


async def together(one: Callable[[Item], Awaitable[T]], items: Iterable[Item], parallel: int) -> list[T]:
    """What `one` gives for each item, in their order, so many in parallel; none runs on when this has ended."""
    at_once = asyncio.Semaphore(parallel)

    async def admitted(item: Item) -> T:
        async with at_once:
            return await one(item)

    tasks = [asyncio.ensure_future(admitted(item)) for item in items]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
