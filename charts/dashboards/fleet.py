"""Fleet: the queue, the workers, the browsers, and the rooms under them."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from charts.dashboards import panels
from charts.dashboards.queries import Query, count, or_none, quantile, rate, series, total


def _half_and_most(histogram: str, by: str = "") -> tuple[Query, Query]:
    name = f"{{{{{by}}}}} " if by else ""
    half, most = (Query(quantile(share, histogram, by=by), f"{name}p{share * 100:.0f}") for share in (0.5, 0.95))
    return half, most


def board() -> Dashboard:
    """See the module."""
    faults = rate("ratchet_rpc_handled_total", 'code!="OK"', 'code!="CANCELLED"', by="rpc_service, code")
    made = [
        panels.numbers(
            "Queue", "Episodes that no worker has begun.", "short", Query(total("ratchet_queued_episodes"), "waiting")
        ),
        panels.numbers(
            "Rollouts", "Episodes in progress.", "short", Query(total("ratchet_rollout_running_episodes"), "running")
        ),
        panels.numbers(
            "Browsers", "Sessions that are open.", "short", Query(total("ratchet_browser_open_sessions"), "open")
        ),
        panels.numbers(
            "Crashes",
            "Browsers and pages that died under a session, within the time that is looked at.",
            "short",
            Query(count("ratchet_browser_crashes_total"), "crashed"),
        ),
        panels.numbers(
            "Steps",
            "Steps that agents took, within the time that is looked at.",
            "short",
            Query(count("ratchet_rollout_steps_total"), "taken"),
        ),
        panels.numbers(
            "Processes",
            "That host rooms and answer Prometheus.",
            "short",
            Query(f"count({series('ratchet_home_size_bytes')})", "up"),
        ),
        panels.lines(
            "Queue and workers",
            "Episodes that wait, that run, and browser sessions: a queue with idle browsers asks for workers.",
            "short",
            Query(total("ratchet_queued_episodes"), "queued"),
            Query(total("ratchet_rollout_running_episodes"), "running"),
            Query(total("ratchet_browser_open_sessions"), "browser sessions"),
        ),
        panels.lines(
            "Attempts by outcome",
            "Attempts a second that ended; failed ones are the machinery's and are tried again.",
            "cps",
            Query(rate("ratchet_rollout_episodes_total", by="outcome"), "{{outcome}}"),
            stacked=True,
        ),
        panels.lines(
            "Steps",
            "Steps a second, by the kind of agent.",
            "cps",
            Query(rate("ratchet_rollout_steps_total", by="agent"), "{{agent}}"),
            stacked=True,
        ),
        panels.lines(
            "Time of an attempt",
            "Wall time, by the kind of agent.",
            "s",
            *_half_and_most("ratchet_rollout_episode_duration_seconds", "agent"),
        ),
        panels.lines(
            "Time to open a session",
            "Until its start page is there.",
            "s",
            *_half_and_most("ratchet_browser_session_open_seconds"),
        ),
        panels.lines(
            "Time of a browser's step",
            "An action with what it caused, and reading the page after it.",
            "s",
            Query(quantile(0.95, "ratchet_browser_act_seconds"), "act p95"),
            Query(quantile(0.95, "ratchet_browser_observe_seconds"), "observe p95"),
            Query(quantile(0.5, "ratchet_browser_act_seconds"), "act p50"),
            Query(quantile(0.5, "ratchet_browser_observe_seconds"), "observe p50"),
        ),
        panels.lines(
            "Crashes",
            "Browsers and pages that died under a session, a second.",
            "cps",
            Query(rate("ratchet_browser_crashes_total"), "crashes"),
        ),
        panels.lines(
            "Contained",
            "Things that pages tried and that were contained, a second.",
            "cps",
            Query(rate("ratchet_browser_contained_total", by="kind"), "{{kind}}"),
        ),
        panels.lines(
            "Calls that were refused or failed",
            "RPCs a second that did not end as OK.",
            "cps",
            Query(or_none(faults, "rpc_service"), "{{rpc_service}} {{code}}"),
        ),
        panels.lines(
            "Calls",
            "RPCs a second, by service.",
            "cps",
            Query(rate("ratchet_rpc_handled_total", by="rpc_service"), "{{rpc_service}}"),
        ),
        panels.lines(
            "Slowest calls",
            "95th percentile of the time of an RPC, by service; streams that follow something are left out.",
            "s",
            Query(
                quantile(
                    0.95, "ratchet_rpc_duration_seconds", 'method!~"Watch.*|RunEpisode|Interact"', by="rpc_service"
                ),
                "{{rpc_service}}",
            ),
        ),
        panels.lines(
            "Memory",
            "Resident memory of each process that hosts rooms; browsers and training workers are their own.",
            "bytes",
            Query(
                f"sum by (instance) ({series('process_resident_memory_bytes')} and on (instance) "
                f"{series('ratchet_home_size_bytes')})",
                "{{instance}}",
            ),
        ),
        panels.lines(
            "Free space",
            "Share of the data volume that is left.",
            "percentunit",
            Query(
                f"min by (instance) ({series('ratchet_home_free_bytes')} / {series('ratchet_home_size_bytes')})",
                "{{instance}}",
            ),
        ),
        panels.lines(
            "Store",
            "Bytes of blobs a second, before compression.",
            "Bps",
            Query(rate("ratchet_trajectory_blob_bytes_total", by="direction"), "{{direction}}"),
        ),
        panels.lines(
            "Trajectories stored",
            "A second, by state of the attempt.",
            "cps",
            Query(rate("ratchet_trajectory_stored_total", by="state"), "{{state}}"),
        ),
    ]
    about = "The queue, the workers, the browsers, and the rooms under them."
    return panels.board("Fleet", "ratchet-fleet", about, made)
