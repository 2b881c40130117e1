"""A real host with the rooms that need neither a model nor a browser, as `ratchet serve` runs it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from services.cli import hosting
from services.cli.__main__ import main
from services.cli.invocation import Invocation

ROOMS = ("arena", "trajectory", "orchestrator")


class Said(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str


@pytest.fixture
def ratchet(home: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Runs a command on that home, in this process."""

    def run(*line: str) -> Said:
        code = main(["--home", str(home), *line])
        return Said(code, *capsys.readouterr())

    return run


def start(home: Path, *rooms: str) -> subprocess.Popen[bytes]:
    """`ratchet serve ROOMS`, ready."""
    home.mkdir(parents=True, exist_ok=True)
    log = (home / "test.log").open("wb")
    command = [sys.executable, "-m", "services.cli", "--home", str(home), "serve", *rooms]
    process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "RATCHET_HOST__LOG_LEVEL": "info"})
    log.close()
    asyncio.run(_ready(Invocation(home), process, rooms))
    return process


async def _ready(at: Invocation, process: subprocess.Popen[bytes], rooms: tuple[str, ...]) -> None:
    async with asyncio.timeout(90):
        while not all([await hosting.healthy(at, room) for room in rooms]):
            if process.poll() is not None:
                raise AssertionError((at.home / "test.log").read_text())
            await asyncio.sleep(0.05)


def end(process: subprocess.Popen[bytes]) -> None:
    """Stop it, whatever it does."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home that a host serves."""
    home = tmp_path_factory.mktemp("served")
    process = start(home, *ROOMS)
    yield home
    end(process)


@pytest.fixture
def serve() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts hosts: serve(home, *rooms)."""
    started: list[subprocess.Popen[bytes]] = []

    def run(home: Path, *rooms: str) -> subprocess.Popen[bytes]:
        started.append(start(home, *rooms))
        return started[-1]

    yield run
    for process in started:
        end(process)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home that nobody serves; a module that wants a host has its own."""
    return tmp_path / "home"
