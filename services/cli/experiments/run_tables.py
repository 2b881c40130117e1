"""Tables of what an experiment's iterations did: filter, training, what they were asked for.

Invariant: an iteration has a row in each, but where it had nothing to filter.
"""

from __future__ import annotations

from services.cli import words
from services.cli.experiments import cells
from services.cli.experiments.cells import Table
from services.cli.experiments.results import Results
from services.cli.words import DASH


def filters(results: Results) -> Table:
    """The filter of every iteration, against the true reward."""
    return cells.table(
        "filters",
        "The filter by run, against the true reward that it does not see",
        "Iteration | Strategy | Attempts> | Kept> | Precision> | Recall> | F1>",
        [
            [
                turn.label,
                turn.run.strategy,
                str(kept.num_trajectories),
                str(kept.num_plausible),
                words.percent(kept.precision),
                words.percent(kept.recall),
                f"{kept.f1:.2f}",
            ]
            for turn in results.turns
            if (kept := turn.iteration.filter).num_trajectories
        ],
    )


def training(results: Results) -> Table:
    """What every iteration was trained on, and how it went."""
    rows = []
    for turn in results.turns:
        job, data = turn.job, turn.dataset
        rows.append(
            [
                turn.label,
                turn.run.mixture,
                str(turn.round),
                f"{data.num_train_rows} + {data.num_validation_rows}" if data else DASH,
                str(job.num_steps) if job else DASH,
                f"{job.points[-1].train_loss:.3f}" if job and job.points else DASH,
                f"{job.initial_validation_perplexity:.3f}" if job and job.initial_validation_perplexity else DASH,
                f"{job.best_validation_perplexity:.3f}" if job and job.best_validation_perplexity else DASH,
                words.duration(job.elapsed_s) if job else DASH,
                turn.iteration.verdict or DASH,
            ]
        )
    return cells.table(
        "training",
        "Training by run",
        "Iteration | Mixture | Round> | Rows> | Steps> | Last loss> | Perplexity before> | best> | Time> | Gate",
        rows,
        "Rows: training + validation. The gate of each iteration compares it with the policy that it started from.",
    )


def runs(results: Results) -> Table:
    """What every run was asked for, as the host filled it in."""
    rows = []
    for turn in results.turns:
        spec, run = turn.iteration.spec, turn.run
        if turn.seed != run.seeds[0]:
            continue
        attempts = f"{spec.num_train_tasks} x {spec.attempts_per_task}"
        rows.append(
            [
                run.name,
                spec.strategy,
                spec.mixture,
                spec.rows,
                run.follows or "base",
                f"of {run.collected_by}" if run.collected_by else attempts,
                f"{spec.temperature:g}",
                str(spec.train_world_seed),
                f"{spec.lora_rank}/{spec.lora_alpha}",
                f"{spec.learning_rate:g}",
                str(spec.batch_size),
                f"{spec.max_epochs}/{spec.patience}",
                ", ".join(map(str, run.seeds)),
            ]
        )
    return cells.table(
        "runs",
        "What the runs were asked for",
        "Run | Strategy | Mixture | Rows | After | Tasks x attempts> | T> | World> | LoRA r/alpha> | Rate> | Batch> | "
        "Epochs/patience> | Seeds>",
        rows,
    )
