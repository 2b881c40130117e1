"""Where an experiment's numbers come from: command, versions, commit, seeds, machine, time.

Invariant: what is not known is left out, never guessed.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from services.cli import checks, words
from services.cli.experiments.definition import Experiment
from services.cli.experiments.results import Results


def pairs(results: Results, command: str) -> list[tuple[str, str]]:
    """(name, value), in order."""
    settings, experiment = results.experiment.settings, results.experiment
    versions = ", ".join(f"{name} {version}" for name, version in checks.versions().items() if version)
    found = (
        ("command", command),
        ("commit", commit()),
        ("versions", versions),
        ("base model", next((turn.job.spec.base_model for turn in results.turns if turn.job), "")),
        ("machine", f"{os.cpu_count()} CPU cores"),
        ("wall time", words.duration(results.wall_s)),
        ("episodes", f"{results.num_episodes:,}, each counted once"),
        ("episodes without a result", str(results.num_lost_episodes or "")),
        ("training seeds", _seeds(experiment)),
        ("suite", f"{settings.suite}, at most {settings.max_steps} steps an episode"),
        ("held-out worlds", ", ".join(map(str, settings.eval_world_seeds))),
        ("training worlds", ", ".join(map(str, dict.fromkeys(run.train_world_seed for run in experiment.runs)))),
    )
    return [(name, value) for name, value in found if value]


def commit() -> str:
    """The commit that runs, '+' for uncommitted changes; '' outside of a checkout."""
    here = Path(__file__).parent
    try:
        asked = ["git", "-C", str(here), "describe", "--always", "--dirty=+", "--exclude=*", "--abbrev=12"]
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return ""


def _seeds(experiment: Experiment) -> str:
    """'42; best-1: 42, 43, 44'."""
    by_seeds: dict[str, list[str]] = {}
    for run in experiment.runs:
        by_seeds.setdefault(", ".join(map(str, run.seeds)), []).append(run.name)
    return "; ".join(f"{', '.join(names)}: {seeds}" for seeds, names in by_seeds.items())
