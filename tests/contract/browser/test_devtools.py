"""The line to Chromium, before there is one."""

import asyncio
from pathlib import Path

from websockets.asyncio.server import ServerConnection, serve

from services.browser.adapters.devtools import DevTools


async def test_a_chromium_that_says_late_where_it_listens_is_waited_for(tmp_path: Path) -> None:
    asked = asyncio.Event()

    async def answer(socket: ServerConnection) -> None:
        async for _ in socket:
            asked.set()
            await socket.send('{"id": 1, "result": {"product": "Chrome"}}')

    async with serve(answer, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        file, loop = tmp_path / "DevToolsActivePort", asyncio.get_running_loop()
        loop.call_later(0.1, file.write_text, f"{port}\n")
        loop.call_later(0.2, file.write_text, f"{port}\n/devtools/browser/1")
        line = await DevTools.connect(tmp_path)
        assert await line.send("Browser.getVersion", {}) == {"product": "Chrome"}
        assert asked.is_set()
        await line.close()
