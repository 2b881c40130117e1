"""An experiment driven over gRPC, and its results from stored attempts through the real store and scoring rooms."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ratchet.orchestrator.v1 import evaluation_service_pb2 as evaluation_pb
from ratchet.orchestrator.v1 import evaluation_service_pb2_grpc, iteration_service_pb2_grpc
from ratchet.orchestrator.v1 import iteration_service_pb2 as iteration_pb
from ratchet.orchestrator.v1.evaluation_service_pb2 import Evaluation
from ratchet.orchestrator.v1.iteration_service_pb2 import FilterSummary, Iteration
from ratchet.scoring.v1 import scoring_service_pb2_grpc
from ratchet.training.v1.training_service_pb2 import TrainingJob, TrainingPoint
from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory_pb
from services.cli import client
from services.cli.experiments import definition, driver, plan, report, results, tables
from services.cli.experiments.driver import Record
from services.cli.invocation import Invocation
from services.common.addresses import socket_directory
from services.common.rpc import Mount, serve
from services.host.main import host
from services.scoring.adapters.sqlite import SqliteVectors
from services.scoring.embeddings import Embeddings
from services.scoring.service import Models, ScoringService
from services.scoring.settings import ScoringSettings

EXPERIMENT = definition.parse(
    """
title = "One run of two seeds"
[settings]
eval_tasks = 10
template_tasks = 2
eval_world_seeds = [1, 2]
likeness_splits = ["heldout-instances"]
[[runs]]
name = "A"
title = "in-domain rows"
[[runs]]
name = "best"
title = "the best strategy"
follows = "A"
seeds = [1, 2]
""",
    "own",
)
INSTANCES = "heldout-instances"
# Tasks that an agent solves on the instances split; of the templates split everybody solves the first of two.
SOLVED = {"base": range(4), "trivial": range(1), "expert": range(10), "A": range(1, 5), "best/1": range(8)}
SOLVED["best/2"] = range(6)


class Orchestrator(
    iteration_service_pb2_grpc.IterationServiceServicer, evaluation_service_pb2_grpc.EvaluationServiceServicer
):
    """Keeps what it is asked and ends it at once; the pieces in `failing` fail the first time."""

    def __init__(self, failing: set[str] | None = None, *, trains: bool = True) -> None:
        self.trains = trains
        self.made: dict[str, Any] = {}
        self.failing = failing or set()
        self.resumed: list[str] = []

    def _keep(self, request: Any, made: Any) -> Any:
        if request.request_id in self.made:
            return self.made[request.request_id]
        made.spec.CopyFrom(request.spec)
        piece = next((each for each in self.failing if request.request_id.startswith(each)), "")
        self.failing.discard(piece)
        made.state, made.error = (3, "the disk was full") if piece else (2, "")
        self.made[request.request_id] = made
        # Running, as a real one is when it has been created.
        shown = type(made)()
        shown.CopyFrom(made)
        shown.state = 1
        return shown

    async def CreateIteration(self, request: Any, context: Any) -> Any:
        name = f"i{len(self.made)}"
        made = Iteration(name=f"iterations/{name}", candidate_policy=f"policies/{name}" if self.trains else "")
        return iteration_pb.CreateIterationResponse(iteration=self._keep(request, made))

    async def ResumeIteration(self, request: Any, context: Any) -> Any:
        made = next(each for each in self.made.values() if each.name == request.name)
        made.state, made.error = 2, ""
        self.resumed.append(request.name)
        return iteration_pb.ResumeIterationResponse(iteration=made)

    async def WatchIteration(self, request: Any, context: Any) -> AsyncIterator[Any]:
        made = next(each for each in self.made.values() if each.name == request.name)
        yield iteration_pb.WatchIterationResponse(iteration=made, resume_token="1")

    async def CreateEvaluation(self, request: Any, context: Any) -> Any:
        made = Evaluation(name=f"evaluations/e{len(self.made)}")
        return evaluation_pb.CreateEvaluationResponse(evaluation=self._keep(request, made))

    async def WatchEvaluation(self, request: Any, context: Any) -> AsyncIterator[Any]:
        made = next(each for each in self.made.values() if each.name == request.name)
        yield evaluation_pb.WatchEvaluationResponse(evaluation=made)


@asynccontextmanager
async def asked(orchestrator: Orchestrator, home: Path) -> AsyncIterator[client.Rooms]:
    iterations = iteration_service_pb2_grpc.add_IterationServiceServicer_to_server
    evaluations = evaluation_service_pb2_grpc.add_EvaluationServiceServicer_to_server
    package = "ratchet.orchestrator.v1"
    mounts = [
        Mount(iterations, orchestrator, f"{package}.IterationService"),
        Mount(evaluations, orchestrator, f"{package}.EvaluationService"),
    ]
    folder = socket_directory(home)
    folder.mkdir(parents=True, exist_ok=True)
    async with serve(mounts, f"unix:{folder}/orchestrator.sock"), client.connect(Invocation(home)) as rooms:
        yield rooms


async def test_pieces_are_asked_for_in_order_and_each_is_told_what_it_builds_on(tmp_path: Path) -> None:
    orchestrator = Orchestrator()
    async with asked(orchestrator, tmp_path) as rooms:
        record = await driver.run(rooms, EXPERIMENT, driver.Watched("again"))
    assert [name.rsplit("/", 1)[0] for name in orchestrator.made] == [
        f"own/{piece.key}" for piece in plan.pieces(EXPERIMENT)
    ]
    first, second = record.turns["A/42"], record.turns["best/2"]
    assert first.spec.policy == "policies/base"
    assert (second.spec.policy, second.spec.follows, second.spec.seed) == ("", first.name, 2)
    assert second.spec.collected_by == record.turns["best/1"].name
    base = [made.name for made in record.evaluations["base"]]
    assert {first.name, *base} <= set(second.spec.measured_by)
    of_best = [made.spec.policy for made in record.evaluations["best/2"]]
    assert of_best == [second.candidate_policy] * 2


async def test_asked_again_it_goes_on_where_it_failed_and_repeats_nothing(tmp_path: Path) -> None:
    orchestrator = Orchestrator(failing={"own/A/42", "own/trivial/heldout-instances/1"})
    async with asked(orchestrator, tmp_path) as rooms:
        for failed in ("trivial/heldout-instances/1", "A/42"):
            with pytest.raises(driver.PieceFailed, match=f"{failed} did not succeed: the disk was full"):
                await driver.run(rooms, EXPERIMENT, driver.Watched("again"))
        record = await driver.run(rooms, EXPERIMENT, driver.Watched("again"))
        num_made = len(orchestrator.made)
        assert await driver.run(rooms, EXPERIMENT, driver.Watched("again")) == record
    assert orchestrator.resumed == [record.turns["A/42"].name]
    # A failed evaluation cannot be resumed: that one alone was made twice.
    assert num_made == len(orchestrator.made) == len(plan.pieces(EXPERIMENT)) + 1


async def test_what_a_turn_without_a_candidate_left_is_not_measured_again(tmp_path: Path) -> None:
    async with asked(Orchestrator(trains=False), tmp_path) as rooms:
        record = await driver.run(rooms, EXPERIMENT, driver.Watched("again"))
    assert record.evaluations.keys() == {"base", "trivial", "expert"}
    assert record.policy("best/2") == "policies/base"


def _attempt(run: str, policy: str, split: str, task: int, solved: bool) -> trajectory_pb.Trajectory:
    template = f"Do thing {task % 5} at {{{{place}}}}" if split == INSTANCES else f"Another way {task}"
    action = "click [3]" if solved else "scroll [down]"
    return trajectory_pb.Trajectory(
        name=f"{run}/trajectories/{split}.{task}-1",
        episode=f"{run}/episodes/{split}.{task}",
        attempt=1,
        state=trajectory_pb.Trajectory.STATE_SUCCEEDED,
        policy=policy,
        split=split,
        phase="evaluate",
        world="eval/1",
        task_id=str(task),
        task_json=json.dumps(
            {"intent_template": template, "intent_template_id": task % 5, "sites": [f"site-{task % 5}"]}
        ),
        intent=f"<b>do</b> {task}",
        stop_reason="answered" if solved else "max_steps",
        reward=float(solved),
        steps=[trajectory_pb.Step(index=0, observation=f"page {task}", response=action, action=action)],
        num_steps=1,
    )


def _record() -> Record:
    """As the driver would leave it; the first seed of `best` made no candidate, and is what it follows: A."""
    record = Record()
    for agent in ("base", "trivial", "expert"):
        record.evaluations[agent] = [Evaluation(name=f"evaluations/{agent}", num_done=12)]
    kept = FilterSummary(num_trajectories=100, num_plausible=40, precision=0.75, recall=0.5, f1=0.6)
    for number, key in enumerate(("A/42", "best/1", "best/2")):
        name = key.replace("/", "").lower()
        record.turns[key] = Iteration(
            name=f"iterations/{name}", candidate_policy=f"policies/{name}", filter=kept, verdict="kept", num_episodes=20
        )
        record.origins[key] = "A/42" if number else "base"
    return record


class Letters:
    """Embeds a text as how often it has each letter: the real model takes longer to load than all else here."""

    name = "letters"

    def identity(self) -> str:
        return self.name

    def embed(self, texts: Sequence[str]) -> Any:
        counts = np.array([[text.count(chr(97 + n)) + 1 for n in range(26)] for text in texts], dtype=np.float32)
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)


@pytest.fixture
async def rooms(tmp_path: Path) -> AsyncIterator[client.Rooms]:
    """The store and the scoring room, with every agent's attempts in the store."""
    names = {"A": "a42", "best/1": "best1", "best/2": "best2"}
    embeddings = Embeddings(Letters(), SqliteVectors(tmp_path / "embeddings.db", 1_000))
    async with (
        host(tmp_path, {"host": {"log_level": "warning"}}, ["trajectory"]),
        client.connect(Invocation(tmp_path)) as found,
        AsyncExitStack() as stack,
    ):
        scoring = ScoringService(
            found.trajectories,
            browser_at=lambda _address: None,
            serving=None,
            models=Models(embeddings, embeddings),
            settings=ScoringSettings(),
        )
        add = scoring_service_pb2_grpc.add_ScoringServiceServicer_to_server
        mounts = [Mount(add, scoring, "ratchet.scoring.v1.ScoringService")]
        await stack.enter_async_context(serve(mounts, f"unix:{socket_directory(tmp_path)}/scoring.sock"))
        for agent, solved in SOLVED.items():
            name = names.get(agent, agent)
            run = f"iterations/{name}" if agent in names else f"evaluations/{name}"
            attempts = [_attempt(run, f"policies/{name}", INSTANCES, n, n in solved) for n in range(10)]
            attempts += [_attempt(run, f"policies/{name}", "heldout-templates", n, n == 0) for n in range(2)]
            for attempt in attempts:
                request = trajectory_pb.CreateTrajectoryRequest(request_id=attempt.name, trajectory=attempt)
                await found.trajectories.CreateTrajectory(request)
        yield found


class Seen(HTMLParser):
    """What a browser would see of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: Counter[str] = Counter()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.links += [value for name, value in attrs if name == "href" and value]

    def handle_data(self, data: str) -> None:
        self.text += data.replace("\N{NO-BREAK SPACE}", " ")


async def test_the_results_are_those_of_the_stored_attempts(rooms: client.Rooms) -> None:
    said: list[str] = []
    found = await results.gather(rooms, EXPERIMENT, _record(), said.append)
    split, templates = found.splits
    solved = {score.policy: (score.num_solved, score.num_tasks) for score in split.comparison.scores}
    assert solved == {"base": (4, 10), "trivial": (1, 10), "A": (4, 10), "best": (7, 10)}
    against = {each.policy: each for each in split.comparison.differences}
    assert (len(against["A"].gained), len(against["A"].lost)) == (1, 1)
    # Tasks 4 to 7 are gained by one seed at least: a sign test of 4 against 0, corrected for three comparisons.
    assert (against["best"].mean, against["best"].p_value) == (pytest.approx(0.3), pytest.approx(0.125))
    assert against["best"].adjusted_p_value == pytest.approx(0.375)
    gain = found.gains[0]
    assert gain.relative.mean == pytest.approx(0.75)
    assert gain.relative.low <= 0.75 <= gain.relative.high
    assert gain.seed_means == [pytest.approx(0.8), pytest.approx(0.6)]
    assert report.ratios(found) == {
        "relative_gain_heldout": 0.75,
        "gain_low95": pytest.approx(100 * gain.difference.interval.low, abs=1e-3),
    }
    assert found.gains[1].difference.mean == 0
    had = {score.label: (score.num_had, len(score.gained)) for score in split.capabilities.scores}
    assert had["best/1"][0] > had["base"][0]
    assert had["best/1"][1] >= 1
    # The trivial agent's likeness is taken away from itself, and the expert's steps are what `best` did.
    assert split.likeness["best/1"].mean > split.likeness["base"].mean > split.likeness["trivial"].mean
    assert not templates.likeness
    assert (found.num_episodes, said[0]) == (96, "scoring heldout-instances: 5 policies")

    _check_report(found)


def _check_report(found: results.Results) -> None:
    """Every table and drawing is there, links lead somewhere, and no text of a task is markup."""
    points = [TrainingPoint(step=n, train_loss=1 / n, validation_perplexity=float(n == 4)) for n in range(1, 5)]
    job = TrainingJob(name="trainingJobs/j", points=points, num_steps=4, initial_validation_perplexity=1.4)
    trained = dataclasses.replace(found.turns[0], job=job)
    found = dataclasses.replace(found, turns=[trained, *found.turns[1:]])
    seen = Seen(report.render(found, "ratchet experiment <own>"))
    assert {"#result", "#training", "iterations/a42.html", "iterations/best2.html"} <= set(seen.links)
    assert {link[1:] for link in seen.links if link.startswith("#")} <= set(seen.ids)
    assert not seen.tags.keys() & {"script", "img", "own"}
    assert seen.tags["svg"] == 2 * (2 + 1 + 1) + 1 + 2
    for table in tables.every(found):
        assert table.rows
        assert all(cell in seen.text for row in table.rows for cell in row)
    assert "70.0 % of 10 held-out tasks against 40.0 %, +75.0 % relative" in seen.text
    text = report.markdown(found, "ratchet experiment own")
    assert "- command: ratchet experiment own" in text
    assert "| best | the best strategy | 7 of 10 | 70.0 % [" in text
    assert json.dumps(report.as_dict(found, "x"), allow_nan=False)


def test_a_turn_without_a_candidate_is_the_policy_that_it_left() -> None:
    record = _record()
    record.turns["best/1"].candidate_policy = ""
    assert record.policy("best/1") == "policies/a42"
    assert record.measured_by("best/1") == ["iterations/a42"]
    record.turns["A/42"].candidate_policy = ""
    assert record.policy("best/1") == "policies/base"
    assert record.measured_by("best/1", "base") == ["evaluations/base"]
