"""An iteration in words for a terminal: state, verdict, scores, phases, filter, time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.cli import output, scores, words
from services.cli.scores import Roles

if TYPE_CHECKING:
    from ratchet.orchestrator.v1.iteration_service_pb2 import Iteration, IterationSpec, TimeBreakdown


def state(found: Iteration) -> str:
    """'running', 'succeeded', 'failed' or 'cancelled'."""
    return words.state(found.State.Name(found.state))


def roles(found: Iteration) -> Roles:
    """Who is base and who is tuned in it."""
    return Roles(found.base_policy, found.candidate_policy)


def difference(found: Iteration) -> str:
    """'+6.3 [+1.2, +11.3]', tuned against base on the first split; empty while unknown."""
    main = scores.main_difference(found.reports, roles(found))
    if main is None:
        return ""
    return f"{words.points(main[1].mean)} {words.points_interval(main[1].low, main[1].high)}"


def verdict(found: Iteration) -> str:
    """One sentence: what came of it."""
    if found.error:
        return f"{state(found)}: {found.error}"
    if not found.verdict:
        return state(found)
    return f"{found.verdict}: {found.verdict_reason}" if found.verdict_reason else found.verdict


def describe(found: Iteration) -> None:
    """Print all that is known of it."""
    rounds = f"{max(1, found.round)} of {found.spec.rounds}" if found.spec.rounds > 1 else ""
    output.fields(
        (
            ("iteration", found.name),
            ("verdict", verdict(found)),
            ("round", rounds),
            ("follows", found.previous),
            ("suite", found.spec.suite),
            ("base", found.base_policy),
            ("candidate", found.candidate_policy),
            ("dataset", found.dataset),
            ("training", _training(found.spec)),
            ("training job", found.training_job),
            ("started", words.when(found.create_time)),
            ("episodes", _episodes(found)),
            ("resumed", words.count(found.num_resumes, "time") if found.num_resumes else ""),
        )
    )
    output.say()
    scores.print_reports(found.reports, roles(found))
    output.say()
    output.table(
        ("PHASE", "STATE", "DONE>", "TIME>", "DETAIL*"),
        (
            (
                phase.phase,
                "done" if phase.finished else "running" if phase.phase == found.phase else "waiting",
                f"{phase.num_done}/{phase.num_total}" if phase.num_total else "",
                words.duration(phase.elapsed_s),
                phase.detail,
            )
            for phase in found.phases
        ),
        empty="no phase has started",
    )
    if found.filter.num_trajectories:
        output.say()
        output.say(filter_line(found))
    if found.time.wall_s:
        output.say(time_line(found.time))


def _training(spec: IterationSpec) -> str:
    if not spec.training_method:  # of before there were presets
        return ""
    return (
        f"{spec.training_method} ({spec.training_preset}): rank {spec.lora_rank}, alpha {spec.lora_alpha}, rate "
        f"{spec.learning_rate:g}, batches of {spec.batch_size}, up to {words.count(spec.max_epochs, 'epoch')}, "
        f"patience {spec.patience}"
    )


def _episodes(found: Iteration) -> str:
    parts = [f"{found.num_episodes}, each counted once"]
    if found.num_failed_attempts:
        parts.append(f"{words.count(found.num_failed_attempts, 'attempt')} failed and were tried again")
    if found.num_lost_episodes:
        parts.append(f"{found.num_lost_episodes} lost to the machinery, their tasks left out of the scores")
    return "; ".join(parts)


def filter_line(found: Iteration) -> str:
    """The filter in one line."""
    kept = found.filter
    return (
        f"filter: {kept.num_plausible} of {words.count(kept.num_trajectories, 'trajectory')} kept; "
        f"precision {words.percent(kept.precision)}, recall {words.percent(kept.recall)}, F1 {kept.f1:.2f} "
        "(against the true reward, never used to choose)"
    )


def time_line(spent: TimeBreakdown) -> str:
    """Where the time went, in one line."""
    return (
        f"time: {words.duration(spent.wall_s)} in all, training {words.duration(spent.training_s)}; "
        f"episodes: model {words.duration(spent.model_s)}, page {words.duration(spent.page_s)}, "
        f"store {words.duration(spent.store_s)}, ours {words.duration(spent.ours_s)}"
    )
