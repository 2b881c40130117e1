"""Doing an experiment: asks the rooms for one piece after the other and watches each to its end.

Invariant: what was asked for before is found again by its request id, whole or to be gone on with; nothing is done
twice, and nothing is kept here.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ratchet.orchestrator.v1 import evaluation_service_pb2 as evaluation_pb
from ratchet.orchestrator.v1 import iteration_service_pb2 as iteration_pb
from services.cli import output, runs, watching, words
from services.cli.experiments import plan
from services.cli.experiments.definition import Experiment
from services.cli.experiments.plan import BASE, EXPERT, TRIVIAL, Measurement, Piece, Turn
from services.common.errors import FailedPrecondition

if TYPE_CHECKING:
    from ratchet.orchestrator.v1.evaluation_service_pb2 import Evaluation
    from ratchet.orchestrator.v1.iteration_service_pb2 import Iteration
    from services.cli import client
    from services.cli.invocation import Invocation

BUILTIN = {agent: f"policies/{agent}" for agent in (BASE, TRIVIAL, EXPERT)}


class PieceFailed(FailedPrecondition):
    """A piece of the experiment ended without a result; asking for the experiment again goes on with it."""

    reason = "PIECE_FAILED"


@dataclass
class Record:
    """What has been done: iterations by turn, evaluations by agent (built in, or a turn's key)."""

    turns: dict[str, Iteration] = field(default_factory=dict)
    evaluations: dict[str, list[Evaluation]] = field(default_factory=dict)
    # Turn -> the agent that it started from.
    origins: dict[str, str] = field(default_factory=dict)

    def agent(self, key: str) -> str:
        """The agent that a turn left: its own, or, where it made no candidate, the one that it started from."""
        while key in self.turns and not self.turns[key].candidate_policy:
            key = self.origins[key]
        return key

    def policy(self, key: str) -> str:
        """The policy that acts for a turn or a built-in agent."""
        agent = self.agent(key)
        return BUILTIN[agent] if agent in BUILTIN else self.turns[agent].candidate_policy

    def measured_by(self, *keys: str) -> list[str]:
        """Runs in which those agents were measured."""
        agents = list(dict.fromkeys(self.agent(key) for key in keys))
        found = [self.turns[agent].name for agent in agents if agent in self.turns]
        return [*found, *(made.name for agent in agents for made in self.evaluations.get(agent, []))]


class Watched(runs.Watched):
    """An experiment being watched; says how to come back to it."""

    def __init__(self, command: str) -> None:
        super().__init__("experiment")
        self._line = command

    def resume(self, at: Invocation) -> list[str]:
        """How to go on, in lines."""
        kept = "is stopped, and nothing of it is lost" if self.host_started else "goes on with this piece in the host"
        return [f"the experiment {kept}. To go on with the rest:", f"  {self._line}"]


async def run(rooms: client.Rooms, experiment: Experiment, watched: Watched) -> Record:
    """Do all pieces in order. PieceFailed, and what the rooms raise."""
    record = Record()
    todo = plan.pieces(experiment)
    left_min = sum(plan.minutes(experiment, piece) for piece in todo)
    planned_min = spent_min = 0.0
    for number, piece in enumerate(todo, 1):
        pace = spent_min / planned_min if planned_min else 1.0
        head = f"{number} of {len(todo)}: {describe(piece)}"
        left = f"{head} · about {_minutes(pace * left_min)} left in all"
        watched.name = piece.key
        started = time.monotonic()
        if isinstance(piece, Turn):
            had_work = await _iterate(rooms, experiment, piece, record, left)
        else:
            had_work = await _evaluate(rooms, experiment, piece, record, left)
        took_s = time.monotonic() - started
        output.note(f"{head} · {words.duration(took_s) if had_work else 'done before'}")
        left_min -= plan.minutes(experiment, piece)
        if had_work:
            planned_min, spent_min = planned_min + plan.minutes(experiment, piece), spent_min + took_s / 60
    return record


def describe(piece: Piece) -> str:
    """'agreement-2, seed 43', or 'base on heldout-templates, world 1'."""
    if isinstance(piece, Turn):
        return f"{piece.run.name}, seed {piece.seed}"
    return f"{piece.agent} on {piece.ground.split}, world {piece.ground.world_seed}"


def announce(experiment: Experiment) -> list[str]:
    """What is about to be done, in lines."""
    todo = plan.pieces(experiment)
    turns = [piece for piece in todo if isinstance(piece, Turn)]
    whole_min = sum(plan.minutes(experiment, piece) for piece in todo)
    num_episodes = sum(piece.num_episodes for piece in todo)
    whole = (
        f"{experiment.title}: {words.count(len(turns), 'iteration')} of {words.count(len(experiment.runs), 'run')}, "
        f"{words.count(num_episodes, 'episode')}, about {_minutes(whole_min)} on two cores"
    )
    return [whole, "Ctrl-C stops it; the same command goes on where it stopped, and skips what is done"]


def _minutes(minutes: float) -> str:
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


async def _iterate(rooms: client.Rooms, experiment: Experiment, turn: Turn, record: Record, head: str) -> bool:
    """Whether there was something left to do."""
    names = {key: done.name for key, done in record.turns.items()}
    record.origins[turn.key] = turn.follows or BASE
    measured_by = record.measured_by(BASE, TRIVIAL, record.origins[turn.key])
    spec = plan.iteration_spec(experiment, turn, names, measured_by)
    request = iteration_pb.CreateIterationRequest(request_id=plan.request_id(experiment, turn, spec), spec=spec)
    made = (await rooms.iterations.CreateIteration(request)).iteration
    if made.state in (watching.FAILED, watching.CANCELLED):
        resumed = iteration_pb.ResumeIterationRequest(name=made.name)
        made = (await rooms.iterations.ResumeIteration(resumed)).iteration
    if had_work := made.state == watching.RUNNING:
        output.note(head)
        made = (await runs.watch_iterations(rooms, made.name))[-1]
    if made.state != watching.SUCCEEDED:
        raise _failed(turn, made.error)
    record.turns[turn.key] = made
    return had_work


async def _evaluate(
    rooms: client.Rooms, experiment: Experiment, measurement: Measurement, record: Record, head: str
) -> bool:
    """Whether there was something left to do."""
    if record.agent(measurement.agent) != measurement.agent:
        return False  # a turn without a candidate: what it left has been measured
    spec = plan.evaluation_spec(experiment, measurement, record.policy(measurement.agent))
    stable = plan.request_id(experiment, measurement, spec)
    for attempt in itertools.count(1):
        # Evaluations are not resumed: one that failed or was cancelled before is asked for anew.
        request = evaluation_pb.CreateEvaluationRequest(request_id=f"{stable}#{attempt}", spec=spec)
        made = (await rooms.evaluations.CreateEvaluation(request)).evaluation
        if made.state in (watching.RUNNING, watching.SUCCEEDED):
            break
    if had_work := made.state == watching.RUNNING:
        output.note(head)
        made = await runs.watch_evaluation(rooms, made.name)
    if made.state != watching.SUCCEEDED:
        raise _failed(measurement, made.error)
    record.evaluations.setdefault(measurement.agent, []).append(made)
    return had_work


def _failed(piece: Piece, why: str) -> PieceFailed:
    return PieceFailed(
        f"{piece.key} did not succeed: {why or 'it was cancelled'}\nthe same command goes on with it", piece=piece.key
    )
