"""Training: what goes into a candidate, and whether it learns."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from charts.dashboards import panels
from charts.dashboards.queries import INTERVAL, Query, count, rate, series, share, total


def board() -> Dashboard:
    """See the module."""
    made = [
        panels.numbers(
            "Jobs", "By state.", "short", Query(total("ratchet_training_jobs", by="state"), "{{state}}"), width=11
        ),
        panels.numbers(
            "Worker restarts",
            "Workers that died and were started again, within the time that is looked at.",
            "short",
            Query(count("ratchet_training_worker_restarts_total"), "restarts"),
            width=4,
        ),
        panels.numbers(
            "Rows",
            "Put into datasets within the time that is looked at.",
            "short",
            Query(count("ratchet_curation_rows_total", by="split"), "{{split}}"),
            width=5,
        ),
        panels.numbers(
            "Time to curate",
            "One dataset, mean within the time that is looked at.",
            "s",
            Query(share(series("ratchet_curation_seconds_sum"), series("ratchet_curation_seconds_count")), "a dataset"),
            width=4,
        ),
        panels.lines(
            "Training loss",
            "Of the latest job, in nats per response token.",
            "none",
            Query(f"max({series('ratchet_training_loss_nats')})", "loss"),
            width=12,
        ),
        panels.lines(
            "Validation perplexity",
            "Of the latest job, after each epoch.",
            "none",
            Query(f"max({series('ratchet_training_validation_perplexity')})", "perplexity"),
            width=12,
            steps=True,
            low=None,
        ),
        panels.lines(
            "Optimiser steps",
            "A second.",
            "cps",
            Query(rate("ratchet_training_steps_total"), "steps"),
            width=6,
        ),
        panels.lines(
            "Tokens",
            "Read a second, without padding.",
            "cps",
            Query(rate("ratchet_training_tokens_total"), "tokens"),
            width=6,
        ),
        panels.lines(
            "Worker restarts",
            "Workers that died and were started again.",
            "short",
            Query(f"sum(increase({series('ratchet_training_worker_restarts_total')}[{INTERVAL}]))", "restarts"),
            width=6,
        ),
        panels.lines(
            "What the filter kept",
            "Trajectories a second that the plausibility filter judged.",
            "cps",
            Query(rate("ratchet_scoring_judged_total", by="verdict"), "{{verdict}}"),
            stacked=True,
            width=6,
        ),
    ]
    about = "What goes into a candidate, and whether it learns."
    return panels.board("Training", "ratchet-training", about, made)
