"""The line to Chromium, before there is one."""

import asyncio
import contextlib
import json
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve

from services.browser.adapters import devtools
from services.browser.adapters.chromium import ChromiumBrowser
from services.browser.adapters.devtools import DevTools, Disconnected
from services.browser.errors import BrowserMissing
from services.browser.ports import ContextOptions
from services.browser.settings import BrowserSettings


async def test_a_chromium_that_says_late_where_it_listens_is_waited_for(tmp_path: Path) -> None:
    async def answer(socket: ServerConnection) -> None:
        async for message in socket:
            await socket.send(json.dumps({"id": json.loads(message)["id"], "result": {"product": "Chrome"}}))

    async with serve(answer, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        file, loop = tmp_path / "DevToolsActivePort", asyncio.get_running_loop()
        loop.call_later(0.1, file.write_text, f"{port}\n")
        loop.call_later(0.2, file.write_text, f"{port}\n/devtools/browser/1")
        line = await DevTools.connect(tmp_path)
        assert await line.send("Browser.getVersion", {}) == {"product": "Chrome"}
        await line.close()


async def test_a_chromium_that_listens_and_never_answers_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devtools, "_PATIENCE_S", 0.2)

    async def keep_silent(socket: ServerConnection) -> None:
        async for _ in socket:
            pass

    async with serve(keep_silent, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        (tmp_path / "DevToolsActivePort").write_text(f"{port}\n/devtools/browser/1")
        with pytest.raises(Disconnected, match="no answer in 0"):
            await DevTools.connect(tmp_path)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="this system does not tell what runs in /proc")
async def test_a_chromium_that_cannot_be_spoken_to_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    profiles: list[Path] = []

    async def refuse(profile: Path) -> DevTools:
        profiles.append(profile)
        assert _processes_of(profile)
        raise Disconnected("Chromium's DevTools cannot be used: no answer")

    monkeypatch.setattr(DevTools, "connect", refuse)
    browser = ChromiumBrowser(BrowserSettings())
    with pytest.raises(
        BrowserMissing, match=r"does not start: Chromium's DevTools cannot be used: no answer; run make"
    ):
        await browser.open(ContextOptions(origins=("http://127.0.0.1:9",)))
    assert not profiles[0].exists()
    assert not _processes_of(profiles[0])
    await browser.stop()


def _processes_of(profile: Path) -> list[str]:
    """The command lines that name the profile."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended
            found.append(file.read_bytes().decode(errors="replace"))
    return [line for line in found if str(profile) in line]
