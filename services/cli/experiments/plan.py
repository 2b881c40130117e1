"""What an experiment does, piece by piece, before it is done: the order, the sizes, and what is asked of the rooms.

Invariant: the same experiment gives the same pieces under the same request ids, so that asking again resumes it; a
piece whose settings changed gets another id, and with it what builds on it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from services.cli.experiments.definition import INSTANCES, TEMPLATES, TRAIN, Experiment, Run

if TYPE_CHECKING:
    from ratchet.orchestrator.v1.evaluation_service_pb2 import EvaluationSpec
    from ratchet.orchestrator.v1.iteration_service_pb2 import IterationSpec

BASE, TRIVIAL, EXPERT = "base", "trivial", "expert"


class Ground(NamedTuple):
    """Tasks that agents are measured on."""

    split: str
    world_seed: int
    num_tasks: int


class Measurement(NamedTuple):
    """One agent on one ground, as an evaluation. `agent` is built in, or a turn's key."""

    agent: str
    ground: Ground

    @property
    def key(self) -> str:
        """Unique within the experiment."""
        return f"{self.agent}/{self.ground.split}/{self.ground.world_seed}"

    @property
    def num_episodes(self) -> int:
        """Episodes that it takes."""
        return self.ground.num_tasks


class Turn(NamedTuple):
    """One iteration: a run with one of its seeds. `collected_by` and `follows` are keys of earlier turns, or empty."""

    run: Run
    seed: int
    collected_by: str
    follows: str
    num_episodes: int

    @property
    def key(self) -> str:
        """Unique within the experiment."""
        return key_of(self.run, self.seed)


Piece = Measurement | Turn


def key_of(run: Run, seed: int) -> str:
    """A turn's key."""
    return f"{run.name}/{seed}"


def pieces(experiment: Experiment) -> list[Piece]:
    """Everything that is done, in order."""
    found: list[Piece] = list(_of_builtin(experiment))
    settings = experiment.settings
    for run in experiment.runs:
        for seed in run.seeds:
            turn = Turn(run, seed, _collected_by(experiment, run, seed), _follows(experiment, run, seed), 0)
            found.append(turn._replace(num_episodes=_episodes(experiment, turn)))
            if run.measured:
                found += [
                    Measurement(turn.key, ground)
                    for ground in _held_out(experiment)
                    if ground.world_seed != settings.eval_world_seeds[0]
                ]
    return found


def minutes(experiment: Experiment, piece: Piece) -> float:
    """An estimate by the file's own pace."""
    settings = experiment.settings
    training = settings.minutes_per_training if isinstance(piece, Turn) else 0.0
    return piece.num_episodes / settings.episodes_per_minute + training


def splits(experiment: Experiment) -> list[str]:
    """What scores are given on, the deciding one first."""
    return [INSTANCES, TEMPLATES, *([TRAIN] if experiment.settings.train_eval_tasks else [])]


def _held_out(experiment: Experiment) -> list[Ground]:
    settings = experiment.settings
    counts = {INSTANCES: settings.eval_tasks, TEMPLATES: settings.template_tasks}
    return [Ground(split, world, count) for world in settings.eval_world_seeds for split, count in counts.items()]


def _of_builtin(experiment: Experiment) -> Iterator[Measurement]:
    """Base and trivial agent are measured once, for all runs; the expert where its trajectories are references."""
    settings = experiment.settings
    worlds = dict.fromkeys(run.train_world_seed for run in experiment.runs if run.measured)
    train = [Ground(TRAIN, world, settings.train_eval_tasks) for world in worlds if settings.train_eval_tasks]
    for agent in (BASE, TRIVIAL):
        yield from (Measurement(agent, ground) for ground in (*_held_out(experiment), *train))
    yield from (
        Measurement(EXPERT, ground) for ground in _held_out(experiment) if ground.split in settings.likeness_splits
    )


def _collects(experiment: Experiment, run: Run, seed: int) -> bool:
    """Whether that turn makes attempts: seeds share the first one's, unless each follows an iteration of its own."""
    if run.collected_by:
        return False
    follows_many = bool(run.follows) and len(experiment.run(run.follows).seeds) > 1
    return seed == run.seeds[0] or follows_many


def _collected_by(experiment: Experiment, run: Run, seed: int) -> str:
    if _collects(experiment, run, seed):
        return ""
    source = experiment.run(run.collected_by) if run.collected_by else run
    first = seed if run.collected_by and seed in source.seeds else source.seeds[0]
    return _collected_by(experiment, source, first) or key_of(source, first)


def _follows(experiment: Experiment, run: Run, seed: int) -> str:
    if not run.follows:
        return ""
    before = experiment.run(run.follows)
    return key_of(before, seed if seed in before.seeds else before.seeds[0])


def _episodes(experiment: Experiment, turn: Turn) -> int:
    """Attempts, and the candidate on the tasks of the gate's world; the policy before it where nobody measured that."""
    settings, run = experiment.settings, turn.run
    collecting = 0 if turn.collected_by else run.train_tasks * run.attempts
    policies = 1 + bool(run.follows and not experiment.run(run.follows).measured)
    tasks = settings.eval_tasks + settings.template_tasks + settings.train_eval_tasks if run.measured else 2
    return collecting + policies * tasks


def iteration_spec(
    experiment: Experiment, turn: Turn, names: Mapping[str, str], measured_by: Sequence[str]
) -> IterationSpec:
    """What is asked for; `names` are the iterations of earlier turns by key."""
    from ratchet.orchestrator.v1.iteration_service_pb2 import IterationSpec

    settings, run = experiment.settings, turn.run
    one = not run.measured
    return IterationSpec(
        policy="" if turn.follows else "policies/base",
        suite=settings.suite,
        train_world_seed=run.train_world_seed,
        eval_world_seed=settings.eval_world_seeds[0],
        num_train_tasks=run.train_tasks,
        num_eval_tasks=1 if one else settings.eval_tasks,
        num_template_tasks=1 if one else settings.template_tasks,
        num_train_eval_tasks=0 if one else settings.train_eval_tasks,
        attempts_per_task=run.attempts,
        temperature=run.temperature,
        votes=run.votes,
        max_steps=settings.max_steps,
        parallel_episodes=settings.parallel,
        mixture=run.mixture,
        rows=run.rows,
        strategy=run.strategy,
        training_preset=run.preset,
        training_method=run.method,
        lora_rank=run.lora_rank,
        lora_alpha=run.lora_alpha,
        learning_rate=run.learning_rate,
        batch_size=run.batch_size,
        max_epochs=run.max_epochs,
        patience=run.patience,
        seed=turn.seed,
        rounds=1,
        screenshots=settings.screenshots,
        collected_by=names.get(turn.collected_by, ""),
        follows=names.get(turn.follows, ""),
        measured_by=measured_by,
    )


def evaluation_spec(experiment: Experiment, measurement: Measurement, policy: str) -> EvaluationSpec:
    """What is asked for."""
    from ratchet.orchestrator.v1.evaluation_service_pb2 import EvaluationSpec

    settings, ground = experiment.settings, measurement.ground
    return EvaluationSpec(
        policy=policy,
        suite=settings.suite,
        split=ground.split,
        world_seed=ground.world_seed,
        num_tasks=ground.num_tasks,
        max_steps=settings.max_steps,
        parallel_episodes=settings.parallel,
        screenshots=settings.screenshots,
    )


def request_id(experiment: Experiment, piece: Piece, spec: IterationSpec | EvaluationSpec) -> str:
    """'paper/A/42/3f2ab81c07d2': what it is, and a digest of what decides its result."""
    from ratchet.orchestrator.v1 import iteration_service_pb2 as pb

    deciding = type(spec).FromString(spec.SerializeToString())
    deciding.parallel_episodes = 0
    if isinstance(deciding, pb.IterationSpec):
        deciding.ClearField("measured_by")
    digest = hashlib.sha256(deciding.SerializeToString(deterministic=True)).hexdigest()
    return f"{experiment.name}/{piece.key}/{digest[:12]}"
