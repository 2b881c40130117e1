"""Model: how fast it answers, how much it is asked, and how much of a prompt it need not read again."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from charts.dashboards import panels
from charts.dashboards.queries import Query, count, mean, quantile, rate, series, share, total


def board() -> Dashboard:
    """See the module."""
    reused, read = "ratchet_serving_prefix_reused_tokens_total", "ratchet_serving_tokens_total"
    prompt = 'kind="prompt"'
    invalid, steps = "ratchet_rollout_invalid_responses_total", "ratchet_rollout_steps_total"
    made = [
        panels.numbers(
            "Requests",
            "Waiting or being computed.",
            "short",
            Query(total("ratchet_serving_in_flight_requests"), "in flight"),
            width=5,
        ),
        panels.numbers(
            "Adapters", "In memory.", "short", Query(total("ratchet_serving_loaded_adapters"), "loaded"), width=5
        ),
        panels.numbers(
            "Tokens",
            "Of answered requests, within the time that is looked at.",
            "short",
            Query(count(read, by="kind"), "{{kind}}"),
            width=6,
        ),
        panels.numbers(
            "Prefix hits",
            "Share of prompt tokens that need not be computed again.",
            "percentunit",
            Query(share(series(reused), series(read, prompt)), "of prompt tokens"),
            width=4,
        ),
        panels.numbers(
            "Not an action",
            "Share of the model's responses that were no action of the grammar.",
            "percentunit",
            Query(share(series(invalid, 'agent="model"'), series(steps, 'agent="model"')), "of responses"),
            width=4,
        ),
        panels.lines(
            "Tokens",
            "Tokens a second of answered requests.",
            "cps",
            Query(rate(read, by="kind"), "{{kind}}"),
            width=12,
        ),
        panels.lines(
            "Prefix hits",
            "Share of prompt tokens that were not computed again.",
            "percentunit",
            Query(f"{rate(reused)} / {rate(read, prompt)}", "reused"),
            width=12,
        ),
        panels.lines(
            "Time to compute",
            "From taking up a prompt to its last token.",
            "s",
            Query(quantile(0.95, "ratchet_serving_compute_seconds"), "p95"),
            Query(quantile(0.5, "ratchet_serving_compute_seconds"), "p50"),
        ),
        panels.lines(
            "Time in the queue",
            "Before a prompt is taken up.",
            "s",
            Query(quantile(0.95, "ratchet_serving_queue_seconds"), "p95"),
            Query(quantile(0.5, "ratchet_serving_queue_seconds"), "p50"),
        ),
        panels.lines(
            "Requests",
            "In flight, and rows in one step of the model.",
            "short",
            Query(total("ratchet_serving_in_flight_requests"), "in flight"),
            Query(mean("ratchet_serving_batch_rows"), "rows a step"),
        ),
        panels.lines(
            "Responses that were no action",
            "A second, by the kind of agent.",
            "cps",
            Query(rate(invalid, by="agent"), "{{agent}}"),
            width=12,
        ),
        panels.lines(
            "Texts embedded",
            "A second, by where their vector was.",
            "cps",
            Query(rate("ratchet_scoring_embedded_texts_total", by="source"), "{{source}}"),
            width=12,
        ),
        panels.lines(
            "Answers of the deployed policy",
            "A second, by who gave them: the policy itself, or the candidate that has a share of the episodes.",
            "cps",
            Query(rate("ratchet_serving_deployed_seconds_count", by="role"), "{{role}}"),
            Query(rate("ratchet_serving_deployed_failures_total", by="role"), "{{role}}, failed"),
            width=12,
        ),
        panels.lines(
            "Time to an answer of the deployed policy",
            "By who gave it.",
            "s",
            Query(quantile(0.95, "ratchet_serving_deployed_seconds", by="role"), "{{role}}, p95"),
            width=12,
        ),
    ]
    about = "How fast the model answers, how much it is asked, and how much of a prompt it need not read again."
    return panels.board("Model", "ratchet-model", about, made)
