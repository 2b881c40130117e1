"""What `doctor` looks at. Each check is one function that finds out for real, and names the next step.

Invariant: a check never raises; what it could not find out is a problem, too.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import platform
import shutil
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

from services.cli import hosting, words
from services.cli.invocation import Invocation
from services.common.addresses import ROOMS, socket_directory
from services.common.errors import RatchetError

OK, NOTE, PROBLEM = "ok", "note", "problem"
_SUPPORTED = ((3, 11), (3, 14))
_MIN_FREE_BYTES = 2_000_000_000
_MIN_MEMORY_BYTES = 3_000_000_000
_CHROMIUM_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
_CHROMIUM_TIMEOUT_S = 30.0
# Distribution, what it is for, and the extra that brings it.
_PACKAGES = (
    ("grpcio", "calls between rooms", ""),
    ("protobuf", "calls between rooms", ""),
    ("sqlalchemy", "the store", ""),
    ("dbos", "iterations", ""),
    ("playwright", "the browser room", "browser"),
    ("torch", "serving and training", "serving"),
    ("transformers", "serving and training", "serving"),
    ("peft", "serving and training", "training"),
)


class Finding(NamedTuple):
    """What a check found."""

    level: str
    subject: str
    text: str
    next_step: str = ""


def versions() -> dict[str, str]:
    """Versions of Ratchet, Python and what results depend on; '' for what is not installed."""
    found = {"ratchet": _version("ratchet-agent"), "python": platform.python_version()}
    return found | {name: _version(name) for name, _, _ in _PACKAGES}


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


async def run(at: Invocation) -> AsyncIterator[Finding]:
    """All findings, in order; those about this machine are left out for a remote host."""
    yield check_python()
    for finding in check_packages():
        yield finding
    if not at.is_remote:
        yield await check_chromium()
        yield check_memory()
        yield check_home(at.home)
        yield check_disk(at.home)
        yield check_sockets(at.home)
    async for finding in check_host(at):
        yield finding


def check_python() -> Finding:
    """The interpreter is one that the dependencies support."""
    text = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if _SUPPORTED[0] <= sys.version_info[:2] < _SUPPORTED[1]:
        return Finding(OK, "python", text)
    return Finding(PROBLEM, "python", text, "use Python 3.11 to 3.13: make setup PYTHON=python3.12")


def check_packages() -> list[Finding]:
    """What is needed to host every room is installed."""
    missing = [(name, use, extra) for name, use, extra in _PACKAGES if not _version(name)]
    if not missing:
        named = ", ".join(f"{name} {_version(name)}" for name in ("grpcio", "playwright", "torch", "transformers"))
        return [Finding(OK, "packages", f"ratchet {_version('ratchet-agent') or '(not installed)'}; {named}")]
    return [
        Finding(
            PROBLEM,
            "packages",
            f"{name} is missing; {use} needs it",
            f"pip install 'ratchet-agent{f'[{extra}]' if extra else ''}', or make setup",
        )
        for name, use, extra in missing
    ]


def chromium() -> str:
    """Path of the Chromium that the browser room would take; '' when there is none."""
    if asked := os.environ.get("RATCHET_BROWSER__EXECUTABLE", ""):
        return asked
    return _playwrights_own() or next(filter(None, map(shutil.which, _CHROMIUM_NAMES)), "")


def _playwrights_own() -> str:
    default = "Library/Caches/ms-playwright" if sys.platform == "darwin" else ".cache/ms-playwright"
    folder = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", "") or Path.home() / default)
    patterns = ("chromium_headless_shell-*/*/*headless*shell", "chromium-*/*/chrome", "chromium-*/*/*.app")
    found = sorted(path for pattern in patterns for path in folder.glob(pattern) if path.is_file())
    return str(found[0]) if found else ""


async def check_chromium() -> Finding:
    """A Chromium is there and renders a page."""
    path = chromium()
    advice = "playwright install --with-deps chromium, or set RATCHET_BROWSER__EXECUTABLE to one"
    if not path:
        return Finding(PROBLEM, "chromium", "none was found", advice)
    arguments = ("--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", "data:text/html,<p>ratchet</p>")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        try:
            process = await asyncio.create_subprocess_exec(
                path,
                f"--user-data-dir={profile}",
                *arguments,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            return Finding(PROBLEM, "chromium", f"{path} cannot be run: {error.strerror}", advice)
        try:
            async with asyncio.timeout(_CHROMIUM_TIMEOUT_S):
                out, err = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            return Finding(PROBLEM, "chromium", f"{path} did not answer in {_CHROMIUM_TIMEOUT_S:.0f} s", advice)
    if b"ratchet" in out:
        return Finding(OK, "chromium", path)
    said = err.decode(errors="replace").strip().splitlines() or ["it rendered nothing"]
    return Finding(PROBLEM, "chromium", f"{path} starts badly: {said[-1][:160]}", advice)


def check_memory() -> Finding:
    """There is memory for a model and a browser."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    text = f"{words.size(total)}, {words.count(os.cpu_count() or 1, 'core')}"
    if total >= _MIN_MEMORY_BYTES:
        return Finding(OK, "memory", text)
    return Finding(PROBLEM, "memory", text, f"use a machine with {words.size(_MIN_MEMORY_BYTES)} or more")


def check_home(home: Path) -> Finding:
    """The data directory can be written, or made."""
    place = _nearest(home)
    try:
        with tempfile.NamedTemporaryFile(dir=place, prefix=".ratchet-doctor-"):
            pass
    except OSError as error:
        return Finding(PROBLEM, "home", f"cannot write to {place}: {error.strerror}", "mend it, or use --home DIR")
    return Finding(OK, "home", str(home) if home.exists() else f"{home} (will be made)")


def _nearest(path: Path) -> Path:
    path = path.absolute()
    return next(place for place in (path, *path.parents) if place.exists())


def check_disk(home: Path) -> Finding:
    """There is room for a few iterations."""
    try:
        free = shutil.disk_usage(_nearest(home)).free
    except OSError as error:
        return Finding(PROBLEM, "disk", f"cannot be asked: {error.strerror}", "use another --home")
    if free >= _MIN_FREE_BYTES:
        return Finding(OK, "disk", f"{words.size(free)} free")
    advice = f"free {words.size(_MIN_FREE_BYTES)}, or use --home on another disk"
    return Finding(PROBLEM, "disk", f"only {words.size(free)} free", advice)


def check_sockets(home: Path) -> Finding:
    """A unix socket can be bound where the rooms will listen."""
    folder = socket_directory(home)
    place = folder if folder.exists() else _nearest(folder)
    path = place / f".d{os.getpid()}.sock"
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.bind(str(path))
    except OSError as error:
        advice = "use a --home on a local disk with a short path"
        return Finding(PROBLEM, "sockets", f"cannot bind one in {place}: {error.strerror or error}", advice)
    finally:
        path.unlink(missing_ok=True)
    return Finding(OK, "sockets", str(folder))


async def check_host(at: Invocation) -> AsyncIterator[Finding]:
    """Whether the host answers, and each of its rooms."""
    if not at.is_remote and not hosting.owners(at.home):
        yield Finding(NOTE, "host", f"none runs on {at.home}", f"{at.again('up')} starts one (improve does it, too)")
        return
    for room in ROOMS:
        if at.is_remote and room == "arena":
            continue
        try:
            address = at.addresses().address(room)
            is_well = await hosting.healthy(at, room)
        except RatchetError as error:
            yield Finding(PROBLEM, f"room {room}", error.message)
            continue
        if is_well:
            yield Finding(OK, f"room {room}", "answers")
        elif at.is_remote:
            yield Finding(PROBLEM, f"room {room}", f"does not answer at {address}", "check --server")
        else:
            yield Finding(PROBLEM, f"room {room}", f"does not answer at {address}", f"see {hosting.log_path(at)}")
