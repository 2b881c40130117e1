"""The paper's filter: which attempts look right, judged without any label.

Invariant: the reward is never read for a verdict, only for the diagnostics of the filter itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ratchet.scoring.v1 import scoring_service_pb2 as pb
from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory_pb

ANSWERED = "answered"
# An action that occurs so often makes a trajectory a loop.
LOOP_LENGTH = 3
_IMPOSSIBLE = ("impossible", "cannot")
_GAVE_UP = ("N/A", "stop []", "stop [No ")


def broken_rules(trajectory: trajectory_pb.Trajectory) -> list[str]:
    """The rules that an attempt breaks, in a fixed order; empty when it is plausible.

    Expects the steps; an attempt without any breaks "early_stop".
    """
    steps: Sequence[trajectory_pb.Step] = trajectory.steps
    actions = [step.action for step in steps]
    last_action = actions[-1] if actions else ""
    last_response = steps[-1].response.lower() if steps else ""
    repeats = Counter(action for action in actions if action)
    rules = {
        # Step limit, repeated or unparsable actions: anything but the agent's own stop.
        "early_stop": trajectory.stop_reason != ANSWERED or not steps,
        "looping": max(repeats.values(), default=0) >= LOOP_LENGTH,
        "said_impossible": any(word in last_response for word in _IMPOSSIBLE),
        "gave_up": any(mark in last_action for mark in _GAVE_UP),
        "bad_format": "" in actions,
    }
    return [rule for rule, broken in rules.items() if broken]


def judge(trajectory: trajectory_pb.Trajectory) -> pb.Verdict:
    """The verdict on one attempt."""
    broken = broken_rules(trajectory)
    return pb.Verdict(trajectory=trajectory.name, plausible=not broken, broken_rules=broken)


def diagnose(judged: Iterable[tuple[pb.Verdict, bool]]) -> pb.FilterDiagnostics:
    """How the verdicts agree with the true rewards (True: rewarded); ratios over nothing are 0."""
    pairs = list(judged)
    both = sum(verdict.plausible and rewarded for verdict, rewarded in pairs)
    plausible = sum(verdict.plausible for verdict, _ in pairs)
    rewarded = sum(rewarded for _, rewarded in pairs)
    return pb.FilterDiagnostics(
        num_trajectories=len(pairs),
        num_plausible=plausible,
        num_rewarded=rewarded,
        num_plausible_and_rewarded=both,
        precision=both / plausible if plausible else 0.0,
        recall=both / rewarded if rewarded else 0.0,
        f1=2 * both / (plausible + rewarded) if plausible + rewarded else 0.0,
        broken_rules=Counter(rule for verdict, _ in pairs for rule in verdict.broken_rules),
    )
