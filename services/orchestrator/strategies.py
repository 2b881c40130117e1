"""Strategies: named ways to choose what is tried and what is trained on.

Invariant: a strategy says what is done where the iteration's spec leaves it open; none looks at a reward to choose, but
"reward", an upper bound to compare with and no self-improvement.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.common.errors import InvalidArgument


@dataclass(frozen=True)
class Strategy:
    """One way to turn attempts into a training set."""

    name: str
    description: str
    # How attempts are judged; see FilterTrajectoriesRequest.filter.
    filter: str = "paper"
    # Whose attempts at a task are kept; see CurateDatasetRequest.precedence.
    precedence: str = "first"
    # Steps of an attempt that become rows: "paper", "all" or "unsure".
    rows: str = "paper"
    attempts_per_task: int = 1
    # Responses drawn at each step, of which the most frequent grounded action is taken: a better policy to learn from.
    votes: int = 1
    # Train on from the adapter of the policy that is improved, in place of a fresh one.
    continued: bool = False
    # From the second round on, try tasks of templates of which the filter kept some attempts and not all.
    curriculum: bool = False
    # Train also on attempts that the filter turned down, told as attempts at what they did reach.
    hindsight: bool = False


_ALL = (
    Strategy("paper", "one greedy attempt, the paper's filter, three rows, a fresh adapter, the base's attempts first"),
    Strategy("continued", "as paper, but the adapter is trained on instead of a fresh one", continued=True),
    Strategy("all-steps", "as paper, but every step of a kept attempt is a row", rows="all"),
    Strategy(
        "grounded", "as all-steps, of attempts in which nothing was made up or refused", filter="grounded", rows="all"
    ),
    Strategy(
        "agreement",
        "six sampled attempts a task, kept where they vote for the same ending; every step; all rounds' attempts",
        filter="agreement",
        precedence="all",
        rows="all",
        attempts_per_task=6,
    ),
    Strategy(
        "curriculum",
        "as agreement, but from the second round on at tasks of templates whose attempts did not agree before",
        filter="agreement",
        precedence="all",
        rows="all",
        attempts_per_task=6,
        curriculum=True,
    ),
    Strategy(
        "voting",
        "one attempt, each step voted on by eight responses; kept where it was sure and did all that the task names",
        filter="covered",
        precedence="all",
        rows="unsure",
        votes=8,
        curriculum=True,
    ),
    Strategy(
        "sampling",
        "as voting, of one response a step: for a policy whose most frequent action is a habit and often wrong",
        filter="covered",
        precedence="all",
        rows="unsure",
        curriculum=True,
    ),
    Strategy(
        "hindsight",
        "as agreement, and the attempts that it turns down are told as attempts at what they did reach",
        filter="agreement",
        precedence="all",
        rows="all",
        attempts_per_task=6,
        hindsight=True,
    ),
    Strategy("judge", "as all-steps, of attempts that the model itself says were done", filter="judge", rows="all"),
    Strategy(
        "reward",
        "as agreement, but of attempts with the true reward: labels are used, an upper bound",
        filter="reward",
        precedence="all",
        rows="all",
        attempts_per_task=6,
    ),
)
STRATEGIES = {strategy.name: strategy for strategy in _ALL}


def named(name: str) -> Strategy:
    """The strategy of that name, "" for the paper's. Raises InvalidArgument naming the known ones."""
    if found := STRATEGIES.get(name or "paper"):
        return found
    known = "; ".join(f"{strategy.name} ({strategy.description})" for strategy in _ALL)
    raise InvalidArgument(f"there is no strategy {name!r}; choose one of: {known}", field="strategy")
