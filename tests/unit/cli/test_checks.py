"""What `doctor` says of a machine with something wrong."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from services.cli import checks


async def test_a_chromium_that_is_not_there_is_a_problem_with_a_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATCHET_BROWSER__EXECUTABLE", "/nowhere/chromium")
    found = await checks.check_chromium()
    assert (found.level, found.subject) == (checks.PROBLEM, "chromium")
    assert "/nowhere/chromium cannot be run" in found.text
    assert "playwright install" in found.next_step


async def test_a_program_that_is_no_chromium_is_a_problem(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "chromium"
    program.write_text("#!/bin/sh\necho 'error while loading shared libraries: libnss3.so' >&2\nexit 127\n")
    program.chmod(0o755)
    monkeypatch.setenv("RATCHET_BROWSER__EXECUTABLE", str(program))
    found = await checks.check_chromium()
    assert found.level == checks.PROBLEM
    assert "libnss3.so" in found.text


def test_a_home_below_a_file_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    found = checks.check_home(file / "home")
    assert found.level == checks.PROBLEM
    assert "--home" in found.next_step


def test_a_home_that_can_be_made_is_fine_and_not_made_by_looking(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    assert checks.check_home(home).level == checks.OK
    assert checks.check_disk(home).level in (checks.OK, checks.PROBLEM)
    assert checks.check_sockets(home).level == checks.OK
    assert not home.parent.exists()


def test_a_deep_home_gets_its_sockets_somewhere_short(tmp_path: Path) -> None:
    found = checks.check_sockets(tmp_path / ("d" * 60) / ("e" * 60))
    assert found.level == checks.OK
    assert len(found.text) < 100


def test_the_versions_name_this_python() -> None:
    found = checks.versions()
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert found["grpcio"]
