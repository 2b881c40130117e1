"""A host starts whole or not at all, and says why not."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import httpx
import pytest

from services.browser.errors import BrowserMissing
from services.common.addresses import arena_url, socket_directory
from services.common.errors import InvalidArgument, Unavailable
from services.common.rpc import AddressInUse
from services.host.main import HomeNotWritable, RoomRunning, host


async def fetch(url: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(url)


async def test_a_second_host_on_a_home_is_refused_and_leaves_the_first_alone(tmp_path: Path) -> None:
    async with host(tmp_path, {}, ["arena"]):
        url = arena_url(tmp_path)
        with pytest.raises(RoomRunning, match=f"process {os.getpid()}"):
            async with host(tmp_path, {}, ["arena"]):
                pass
        assert arena_url(tmp_path) == url
        assert (await fetch(url + "/healthz")).json()["status"] == "ok"
    with pytest.raises(Unavailable, match="ratchet up"):
        arena_url(tmp_path)


async def test_metrics_are_served_from_the_start(tmp_path: Path) -> None:
    async with host(tmp_path, {}, ["trajectory"]):
        url = (socket_directory(tmp_path) / "metrics.url").read_text().strip()
        assert "ratchet_rpc_handled_total" in (await fetch(url)).text


@pytest.mark.parametrize(
    ("tables", "rooms", "message"),
    [
        ({"kitchen": {}}, [], "unknown tables"),
        ({}, ["kitchen"], "no room 'kitchen'"),
        ({"trajectory": {"colour": "red"}}, ["trajectory"], "colour"),
    ],
)
async def test_a_wrong_configuration_is_named(tmp_path: Path, tables: dict, rooms: list[str], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        async with host(tmp_path, tables, rooms):
            pass


async def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeNotWritable, match="--home"):
        async with host(tmp_path / "file" / "home", {}, []):
            pass


async def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(AddressInUse, match=str(port)):
            async with host(tmp_path, {"host": {"metrics_port": port}}, ["trajectory"]):
                pass


async def test_a_very_long_home_still_gets_sockets(tmp_path: Path) -> None:
    home = tmp_path / ("long" * 30)
    async with host(home, {}, ["trajectory"]) as addresses:
        path = addresses.address("trajectory").removeprefix("unix:")
        assert len(path) < 107
        assert Path(path).is_socket()


async def test_a_host_without_a_browser_says_so_before_any_task_is_tried(tmp_path: Path) -> None:
    with pytest.raises(BrowserMissing, match="RATCHET_BROWSER__EXECUTABLE"):
        async with host(tmp_path, {"browser": {"executable": "/nowhere/chromium"}}, ["browser"]):
            pass
