"""Commands where no host is, and hosts that come and go."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from services.cli import hosting

_READING = (
    ("iterations", "list"),
    ("iterations", "watch"),
    ("trajectories", "list"),
    ("trajectories", "export", "-o", "x.jsonl"),
    ("policies", "list"),
    ("suites", "list"),
    ("evaluations", "show"),
    ("report",),
)


@pytest.mark.parametrize("line", _READING, ids=" ".join)
def test_without_a_host_a_command_says_how_to_start_one(line: tuple[str, ...], ratchet: Callable, home: Path) -> None:
    said = ratchet(*line)
    assert said.code == 4
    assert said.out == ""
    assert said.err.startswith(f"error: no host answers on {home}: start one with `ratchet --home {home} up`")
    assert "Traceback" not in said.err


def test_with_json_the_error_is_a_document_with_its_reason(ratchet: Callable) -> None:
    error = json.loads(ratchet("iterations", "list", "--json").out)["error"]
    assert error["reason"] == "NO_HOST"
    assert error["metadata"]["room"] == "orchestrator"


def test_a_server_that_does_not_answer_is_named(ratchet: Callable) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
        said = ratchet("improve", "--server", address)
        assert (said.code, said.err) == (4, f"error: no host answers at {address}; check --server\n")
        assert ratchet("iterations", "list", "--server", address).code == 4


def test_an_unknown_room_is_a_usage_error(ratchet: Callable) -> None:
    assert ratchet("serve", "kitchen").code == 2
    said = ratchet("policies", "list", "--server", "kitchen=h:1")
    assert said.code == 2
    assert "trajectory, serving, browser" in said.err


def test_down_without_a_host_is_no_failure(ratchet: Callable, home: Path) -> None:
    said = ratchet("down")
    assert (said.code, said.out) == (0, f"no host runs on {home}\n")


def test_a_configuration_with_an_unknown_table_is_named(ratchet: Callable, tmp_path: Path) -> None:
    file = tmp_path / "ratchet.toml"
    file.write_text("[kitchen]\nx = 1\n")
    said = ratchet("up", "--config", str(file))
    assert said.code == 2
    assert "kitchen" in said.err


def test_a_home_that_cannot_be_written_is_a_precondition(ratchet: Callable, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file is in the way")
    said = ratchet("up")
    assert said.code == 3
    assert "--home" in said.err


def test_improve_says_why_the_host_that_it_started_did_not_come_up(ratchet: Callable, tmp_path: Path) -> None:
    file = tmp_path / "ratchet.toml"
    file.write_text("[trajectory]\nkolour = 1\n")
    said = ratchet("improve", "--config", str(file))
    assert said.code == 3
    assert "kolour" in said.err
    assert "host.log" in said.err


def test_an_interrupted_wait_stops_the_host_that_was_started_for_it(home: Path) -> None:
    command = [sys.executable, "-m", "services.cli", "--home", str(home), "improve"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith(f"no host runs on {home}: starting one")
        os.kill(process.pid, signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(60) == 130
    assert "interrupted" in rest
    assert "Traceback" not in rest
    assert hosting.owners(home) == {}
