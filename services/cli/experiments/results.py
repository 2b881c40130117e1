"""What an experiment shows: scores, capabilities, likeness, behaviour, filter and training, asked from the rooms.

Invariant: every number comes from stored attempts through the scoring room, policies compared on the same tasks.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass, field

from ratchet.orchestrator.v1.iteration_service_pb2 import Iteration
from ratchet.scoring.v1 import scoring_service_pb2 as scoring_pb
from ratchet.training.v1 import training_service_pb2 as training_pb
from ratchet.training.v1.training_service_pb2 import TrainingJob
from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory_pb
from ratchet.trajectory.v1.trajectory_service_pb2 import Dataset, Trajectory
from services.cli import client
from services.cli.experiments import plan
from services.cli.experiments.definition import TRAIN, Experiment, Run
from services.cli.experiments.driver import Record
from services.cli.experiments.gains import Gain, Outcomes, compare, gain
from services.cli.experiments.plan import BASE, EXPERT, TRIVIAL

_TIMEOUT_S = 1800.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class Agent:
    """A policy that was measured: built in, or what a turn left."""

    label: str
    policy: str
    # Runs that hold its attempts.
    parents: list[str]

    def attempts(self, split: str) -> scoring_pb.Selection:
        """Its attempts on a split."""
        return scoring_pb.Selection(label=self.label, parents=self.parents, policy=self.policy, split=split)


@dataclass(frozen=True)
class Turn:
    """One iteration of a run, with what it trained on and how; `job` and `dataset` are None where there was none."""

    label: str
    run: Run
    seed: int
    round: int
    iteration: Iteration
    job: TrainingJob | None
    dataset: Dataset | None


@dataclass(frozen=True)
class Split:
    """One split: `comparison` by run (seeds are attempts), the rest by agent (a run with several seeds has several)."""

    name: str
    comparison: scoring_pb.ComparePoliciesResponse
    # Empty where the runs were measured on different tasks, as those of several training worlds.
    capabilities: scoring_pb.MeasureCapabilitiesResponse
    behaviours: list[scoring_pb.Behaviour]
    # By agent's label; empty where the experiment compares no trajectories.
    likeness: dict[str, scoring_pb.TrajectoryScore]
    embedding_model: str = ""
    num_references: int = 0


@dataclass(frozen=True)
class Results:
    """Everything that the tables and the report are made of."""

    experiment: Experiment
    splits: list[Split]
    # The headline's gain over the base, by split.
    gains: list[Gain]
    turns: list[Turn]
    # Labels of a run's agents.
    labels: dict[str, list[str]] = field(default_factory=dict)
    wall_s: float = 0.0
    num_episodes: int = 0
    num_lost_episodes: int = 0


async def gather(rooms: client.Rooms, experiment: Experiment, record: Record, say: Say) -> Results:
    """Ask for all of it; `say` hears what is being done."""
    agents = _agents(experiment, record)
    labels = {run.name: [label(run, seed) for seed in run.seeds] for run in experiment.runs if run.measured}
    splits, gains = [], []
    for split in plan.splits(experiment):
        say(f"scoring {split}: {len(agents)} policies")
        templates: dict[str, str] = {}
        rewards = {name: await _rewards(rooms, agent, split, templates) for name, agent in agents.items()}
        outcomes = {BASE: [rewards[BASE]], TRIVIAL: [rewards[TRIVIAL]]}
        outcomes |= {name: [rewards[each] for each in of_run] for name, of_run in labels.items()}
        splits.append(await _split(rooms, experiment, split, agents, outcomes, record, say))
        gains.append(await gain(rooms, experiment, split, outcomes, templates))
    turns = [
        await _turn(rooms, experiment, run, seed, record.turns[plan.key_of(run, seed)])
        for run in experiment.runs
        for seed in run.seeds
    ]
    evaluations = [made for of_agent in record.evaluations.values() for made in of_agent]
    evaluating_s = sum((made.end_time.ToNanoseconds() - made.create_time.ToNanoseconds()) / 1e9 for made in evaluations)
    return Results(
        experiment,
        splits,
        gains,
        turns,
        labels,
        wall_s=evaluating_s + sum(turn.iteration.time.wall_s for turn in turns),
        num_episodes=sum(made.num_done for made in evaluations) + sum(turn.iteration.num_episodes for turn in turns),
        num_lost_episodes=sum(made.num_lost_episodes for made in evaluations)
        + sum(turn.iteration.num_lost_episodes for turn in turns),
    )


def label(run: Run, seed: int) -> str:
    """'A', or 'best-3/43' for one of several seeds."""
    return run.name if len(run.seeds) == 1 else plan.key_of(run, seed)


def _agents(experiment: Experiment, record: Record) -> dict[str, Agent]:
    keys = {BASE: BASE, TRIVIAL: TRIVIAL}
    keys |= {label(run, seed): plan.key_of(run, seed) for run in experiment.runs if run.measured for seed in run.seeds}
    return {name: Agent(name, record.policy(key), record.measured_by(key)) for name, key in keys.items()}


async def _rewards(rooms: client.Rooms, agent: Agent, split: str, templates: dict[str, str]) -> dict[str, float]:
    """Reward by task; the newest attempt where there are several. The tasks' templates are added to `templates`."""
    found: dict[str, float] = {}
    for parent in agent.parents:
        request = trajectory_pb.ListTrajectoriesRequest(
            parent=parent, policy=agent.policy, split=split, state=Trajectory.STATE_SUCCEEDED, page_size=client.PAGE
        )
        async for item in client.paged(rooms.trajectories.ListTrajectories, request, "trajectories"):
            key = f"{item.world}:{item.task_id}"
            found.setdefault(key, item.reward)
            templates[key] = str(json.loads(item.task_json or "{}").get("intent_template_id", key))
    return found


async def _split(
    rooms: client.Rooms,
    experiment: Experiment,
    name: str,
    agents: dict[str, Agent],
    outcomes: Outcomes,
    record: Record,
    say: Say,
) -> Split:
    selections = [agent.attempts(name) for agent in agents.values()]
    capabilities = scoring_pb.MeasureCapabilitiesResponse()
    if name != TRAIN or len({run.train_world_seed for run in experiment.runs if run.measured}) == 1:
        asked = scoring_pb.MeasureCapabilitiesRequest(
            agents=selections, baseline=BASE, trivial=agents[TRIVIAL].attempts(name)
        )
        capabilities = await rooms.scoring.MeasureCapabilities(asked, timeout=_TIMEOUT_S)
    behaviour = scoring_pb.SummariseBehaviourRequest(agents=selections)
    found = Split(
        name=name,
        comparison=await compare(rooms, experiment, outcomes),
        capabilities=capabilities,
        behaviours=list((await rooms.scoring.SummariseBehaviour(behaviour, timeout=_TIMEOUT_S)).behaviours),
        likeness={},
    )
    if name not in experiment.settings.likeness_splits:
        return found
    expert = Agent(EXPERT, record.policy(EXPERT), record.measured_by(EXPERT))
    for number, selection in enumerate(selections, 1):
        say(f"comparing trajectories on {name}: {number} of {len(selections)}, {selection.label}")
        request = scoring_pb.CompareTrajectoriesRequest(
            agents=[selection], references=expert.attempts(name), trivial=agents[TRIVIAL].attempts(name)
        )
        reply = await rooms.scoring.CompareTrajectories(request, timeout=_TIMEOUT_S)
        found.likeness[selection.label] = reply.scores[0]
    return dataclasses.replace(found, embedding_model=reply.embedding_model, num_references=reply.num_references)


async def _turn(rooms: client.Rooms, experiment: Experiment, run: Run, seed: int, iteration: Iteration) -> Turn:
    job = dataset = None
    if iteration.training_job:
        wanted = training_pb.GetTrainingJobRequest(name=iteration.training_job)
        job = (await rooms.training.GetTrainingJob(wanted)).training_job
    if iteration.dataset:
        asked = trajectory_pb.GetDatasetRequest(name=iteration.dataset)
        dataset = (await rooms.trajectories.GetDataset(asked)).dataset
    return Turn(label(run, seed), run, seed, experiment.round(run), iteration, job, dataset)
