"""Commands against a real host: suites, trajectories and their export, errors with their exit codes."""

from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pyarrow import parquet

from ratchet.training.v1.training_service_pb2 import GetTrainingJobRequest
from ratchet.trajectory.v1 import trajectory_service_pb2 as pb
from services.cli import client, hosting
from services.cli.invocation import Invocation
from services.common.addresses import socket_directory
from services.common.errors import Unavailable
from services.curation.adapters.parquet import Parquet
from services.curation.rows import Row

_RUN = "iterations/feed"
_NUM_STORED = 6


@pytest.fixture
def home(served: Path) -> Path:
    return served


@pytest.fixture(scope="module")
def stored(served: Path) -> list[str]:
    """Attempts of an iteration in the store: solved, unsolved and one lost to the machinery."""

    async def store() -> list[str]:
        names = []
        async with client.connect(Invocation(served)) as rooms:
            for number in range(_NUM_STORED):
                reply = await rooms.trajectories.CreateTrajectory(
                    pb.CreateTrajectoryRequest(request_id=f"r{number}", trajectory=_trajectory(number))
                )
                names.append(reply.trajectory.name)
        return names

    return asyncio.run(store())


def _trajectory(number: int) -> pb.Trajectory:
    lost = number == _NUM_STORED - 1
    return pb.Trajectory(
        name=f"{_RUN}/trajectories/collect.train.{number}.0-1",
        episode=f"{_RUN}/episodes/collect.train.{number}.0",
        attempt=1,
        state=pb.Trajectory.STATE_FAILED if lost else pb.Trajectory.STATE_SUCCEEDED,
        error="the renderer crashed" if lost else "",
        policy="policies/base",
        suite="arena",
        split="train",
        phase="collect",
        world="train/1",
        task_id=str(number),
        task_json="{}",
        intent=f"Find the [bold]price[/bold] \x1b[31m of kettle {number}",
        stop_reason="" if lost else "answered",
        answer="$12.99",
        reward=float(number % 2 and not lost),
        steps=[
            pb.Step(
                index=0,
                url="http://shop.test",
                observation="text 'x'",
                response="ACTION: stop [$12.99]",
                action="stop [$12.99]",
            )
        ],
        num_steps=1,
    )


def test_suites_and_their_tasks_are_listed(ratchet: Callable) -> None:
    suites = json.loads(ratchet("suites", "list", "--json").out)["suites"]
    assert "heldout-templates" in next(suite for suite in suites if suite["name"] == "suites/arena")["splits"]
    listed = json.loads(ratchet("suites", "tasks", "arena", "--split", "train", "--limit", "3", "--json").out)
    assert len(listed["tasks"]) == 3
    assert listed["more"]
    assert listed["tasks"][0]["task"]["intent"] == listed["tasks"][0]["intent"]


def test_the_same_world_is_the_same_tasks_and_another_is_not(ratchet: Callable) -> None:
    def intents(seed: int) -> list[str]:
        line = ("suites", "tasks", "arena", "--split", "heldout-instances", "--world-seed", str(seed), "--json")
        return [task["intent"] for task in json.loads(ratchet(*line).out)["tasks"]]

    assert intents(7) == intents(7) != intents(8)


def test_a_suite_of_ones_own_is_imported_and_a_fault_in_it_is_named(ratchet: Callable, tmp_path: Path) -> None:
    task = json.loads(ratchet("suites", "tasks", "arena", "--split", "train", "--limit", "1", "--json").out)
    own = task["tasks"][0]["task"]
    sites = [
        f"--site=__{name.upper()}__=http://127.0.0.1:1"
        for name in ("shopping", "shopping_admin", "reddit", "gitlab", "wikipedia", "map")
    ]
    file = tmp_path / "tasks.json"
    file.write_text(json.dumps([own], indent=1))
    said = ratchet("suites", "import", str(file), "--name", "mine", *sites)
    assert (said.code, said.out) == (0, "imported 1 task as suites/mine\n")
    del own["intent"]
    file.write_text(json.dumps([own], indent=1))
    said = ratchet("suites", "import", str(file), "--name", "mine-too", *sites)
    assert said.code == 2
    assert "intent" in said.err


@pytest.mark.parametrize(
    ("line", "code", "named"),
    [
        (("suites", "tasks", "arena", "--split", "nope"), 2, "heldout-instances"),
        (("suites", "tasks", "nope"), 2, "nope"),
        (("iterations", "show", "zz"), 2, "ratchet iterations list"),
        (("iterations", "cancel"), 2, "no iterations yet"),
        (("evaluations", "show", "evaluations/x"), 2, "ratchet evaluations list"),
        (("trajectories", "show", "zz"), 2, "ratchet trajectories list"),
        (("trajectories", "list", "--run", "iterations/none"), 2, "none"),
        (("report", "zz"), 2, "zz"),
    ],
)
def test_what_does_not_exist_is_named_with_the_next_step(
    ratchet: Callable, line: tuple[str, ...], code: int, named: str
) -> None:
    said = ratchet(*line)
    assert said.code == code
    assert said.err.startswith("error: ")
    assert named in said.err
    assert "Traceback" not in said.err


def test_trajectories_are_listed_by_outcome(ratchet: Callable, stored: list[str]) -> None:
    def listed(*line: str) -> set[str]:
        return {
            item["name"] for item in json.loads(ratchet("trajectories", "list", "--json", *line).out)["trajectories"]
        }

    assert listed() == set(stored)
    assert listed("--outcome", "solved") == {stored[1], stored[3]}
    assert listed("--outcome", "unsolved") == {stored[0], stored[2], stored[4]}
    assert listed("--outcome", "failed") == {stored[5]}
    assert listed("--task-id", "3") == {stored[3]}
    assert len(listed("--limit", "2")) == 2
    table = ratchet("trajectories", "list").out
    assert "[bold]price[/bold]" in table
    assert "\x1b" not in table


def test_the_orchestrators_address_is_enough_for_every_room(stored, dataset: str, home: Path, tmp_path: Path) -> None:
    elsewhere = ["--home", str(tmp_path), "--server", f"unix:{socket_directory(home) / 'orchestrator.sock'}"]

    def run(*line: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "services.cli", *elsewhere, *line]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    exported = json.loads(run("trajectories", "export", "-o", str(tmp_path / "all.jsonl"), "--json").stdout)
    assert exported["num_trajectories"] == len(stored)
    written = run("datasets", "export", dataset, str(tmp_path / "out"))
    assert (written.returncode, written.stderr) == (0, ""), "a blob comes through as well"
    unknown = run("datasets", "show", "datasets/none", "--json")
    assert (unknown.returncode, json.loads(unknown.stdout)["error"]["reason"]) == (2, "NOT_FOUND")

    async def upload() -> str:
        async with client.connect(Invocation(tmp_path, server=(elsewhere[-1],))) as rooms:
            pieces = [pb.PutBlobRequest(chunk=bytes([number]) * 1_000_000) for number in range(3)]
            name = (await rooms.trajectories.PutBlob(iter(pieces))).name
            assert await client.blob(rooms, name) == b"".join(piece.chunk for piece in pieces)
            with pytest.raises(Unavailable):
                await rooms.training.GetTrainingJob(GetTrainingJobRequest(name="trainingJobs/none"))
            return name

    assert asyncio.run(upload()).startswith("blobs/")


def test_a_trajectory_is_shown_by_the_start_of_its_id(ratchet: Callable, stored: list[str]) -> None:
    said = ratchet("trajectories", "show", "collect.train.3")
    assert said.code == 0
    assert "outcome     solved" in said.out
    assert "  1  stop [$12.99]   http://shop.test" in said.out
    assert "text 'x'" in ratchet("trajectories", "show", "collect.train.3", "--steps").out
    assert ratchet("trajectories", "show", "collect.train").code == 2


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_an_export_holds_every_step(ratchet: Callable, stored: list[str], tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"all.{kind}"
    written = json.loads(ratchet("trajectories", "export", "-o", str(file), "--json").out)
    assert (written["format"], written["num_trajectories"], written["num_steps"]) == (kind, len(stored), len(stored))
    rows = (
        parquet.read_table(file).to_pylist()
        if kind == "parquet"
        else [json.loads(line) for line in file.read_text().splitlines()]
    )
    assert {row["name"] for row in rows} == set(stored)
    assert all(row["steps"][0]["action"] == "stop [$12.99]" for row in rows)
    assert ratchet("trajectories", "export", "-o", str(file)).code == 3


@pytest.fixture(scope="module")
def dataset(served: Path) -> str:
    """A dataset of three rows in the store."""
    rows = [
        Row(f"prompt {n}", "ACTION: stop [x]", "validation" if n else "train", "t", n, "synthetic") for n in range(3)
    ]
    content = Parquet().encode(rows)
    digest = hashlib.sha256(content).hexdigest()
    made = pb.Dataset(name=f"datasets/{digest[:16]}", blob=f"blobs/{digest}", num_train_rows=1, num_validation_rows=2)
    made.card.update({"mixture": "C", "parents": [_RUN], "sources": {"synthetic": 3}})

    async def store() -> None:
        async with client.connect(Invocation(served)) as rooms:
            await rooms.trajectories.PutBlob(iter([pb.PutBlobRequest(chunk=content)]))
            await rooms.trajectories.CreateDataset(pb.CreateDatasetRequest(request_id="d", dataset=made))

    asyncio.run(store())
    return made.name


def test_a_dataset_is_listed_shown_and_exported(ratchet: Callable, dataset: str, tmp_path: Path) -> None:
    listed = ratchet("datasets", "list").out.splitlines()
    assert listed[0].split() == ["DATASET", "MIXTURE", "TRAIN", "VALIDATION", "SOURCES", "FROM", "CREATED"]
    assert listed[1].split()[:6] == [dataset.removeprefix("datasets/"), "C", "1", "2", "3", "synthetic"]
    assert json.loads(ratchet("datasets", "show", dataset[9:15], "--json").out)["card"]["mixture"] == "C"
    assert "sources      3 synthetic" in ratchet("datasets", "show").out
    said = ratchet("datasets", "export", "last", str(tmp_path / "out"))
    assert (said.code, said.out) == (
        0,
        f"wrote {dataset} (train 1 row, validation 2 rows) to {tmp_path / 'out'}\n",
    )
    assert parquet.read_table(tmp_path / "out" / "validation.parquet").num_rows == 2
    assert ratchet("datasets", "export", "last", str(tmp_path / "out")).code == 3
    assert ratchet("datasets", "show", "zz").code == 2


def test_an_export_to_nowhere_fails_in_a_line(ratchet: Callable, stored: list[str]) -> None:
    said = ratchet("trajectories", "export", "-o", "/nowhere/at/all.jsonl")
    assert said.code == 1
    assert "No such file or directory" in said.err


def test_a_reader_that_leaves_is_no_failure_to_speak_of(served: Path, stored: list[str]) -> None:
    command = f"{sys.executable} -m services.cli --home {served} trajectories list --json | head -c 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stdout == "{"
    assert "Traceback" not in done.stderr


def test_the_doctor_names_the_rooms_that_do_not_answer(ratchet: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    said = ratchet("doctor", "--json")
    found = {check["subject"]: check for check in json.loads(said.out)["checks"]}
    assert found["room trajectory"]["level"] == "ok"
    assert found["room serving"]["level"] == "problem"
    assert found["room serving"]["next_step"]
    assert said.code == 1


def test_a_second_host_on_the_same_home_is_refused(ratchet: Callable) -> None:
    said = ratchet("serve", "trajectory")
    assert said.code == 3
    assert "ratchet down" in said.err


def test_down_stops_the_host_and_leaves_its_home_free(ratchet: Callable, tmp_path: Path, serve: Callable) -> None:
    process = serve(tmp_path, "trajectory")
    assert hosting.owners(tmp_path) == {"trajectory": process.pid}
    said = ratchet("down", "--home", str(tmp_path), "--json")
    assert json.loads(said.out)["pids"] == [process.pid]
    assert process.wait(30) == 0
    assert hosting.owners(tmp_path) == {}
