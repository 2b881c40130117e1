"""Experiment files: what is refused and how, what runs inherit, the order of pieces, ids that resume."""

from __future__ import annotations

import pytest

from services.cli.experiments import definition, plan
from services.cli.experiments.definition import Experiment
from services.cli.experiments.plan import Measurement, Turn
from services.common.errors import InvalidArgument, NotFound
from services.orchestrator.strategies import STRATEGIES

TEXT = """
title = "Three rounds"
[settings]
train_tasks = 8
eval_tasks = 6
template_tasks = 4
train_eval_tasks = 3
learning_rate = 1e-3
headline = "second"
[[runs]]
name = "first"
title = "first round"
attempts = 4
temperature = 0.5
seeds = [1, 2]
[[runs]]
name = "mixed"
title = "the same attempts"
mixture = "B"
collected_by = "first"
[[runs]]
name = "second"
title = "second round"
follows = "first"
seeds = [1, 2]
train_world_seed = 2
[quick]
train_tasks = 2
seeds = [1]
skip = ["mixed"]
"""


def turns(experiment: Experiment) -> dict[str, Turn]:
    return {piece.key: piece for piece in plan.pieces(experiment) if isinstance(piece, Turn)}


def ids(text: str) -> dict[str, str]:
    """Request ids of every iteration, asked for as the driver does, each iteration named after its key."""
    experiment = definition.parse(text, "own")
    found = turns(experiment)
    names = {key: f"iterations/{key}" for key in found}
    specs = {key: plan.iteration_spec(experiment, turn, names, [f"evaluations/{key}"]) for key, turn in found.items()}
    return {key: plan.request_id(experiment, turn, specs[key]) for key, turn in found.items()}


@pytest.mark.parametrize("quick", [False, True])
def test_the_papers_experiment_is_sound(quick: bool) -> None:
    experiment = definition.load("paper", quick=quick)
    assert {run.mixture for run in experiment.runs} == {"A", "B", "C"}
    assert {run.strategy for run in experiment.runs} <= STRATEGIES.keys()
    assert all(run.attempts == 1 or run.temperature for run in experiment.runs)
    assert quick or len(experiment.headline.seeds) >= 3
    assert experiment.round(experiment.run("round-2")) == 2


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("learning_rate", "learnin_rate", "settings.learnin_rate: unknown key; did you mean 'learning_rate'?"),
        ("mixture =", "mixtur =", "runs.number 2.mixtur: unknown key; did you mean 'mixture'?"),
        ('mixture = "B"', 'mixture = "D"', "runs.number 2.mixture: Input should be 'A', 'B' or 'C'"),
        ("eval_tasks = 6", "eval_tasks = 0", "settings.eval_tasks: Input should be greater than or equal to 1"),
        ('follows = "first"', 'follows = "third"', "run 'second': follows names 'third', which is no run"),
        ('collected_by = "first"', 'collected_by = "second"', "which comes later: put it before 'mixed'"),
        ('name = "mixed"', 'name = "first"', "run 'first': the name is taken"),
        ('name = "mixed"', 'name = "trivial"', "run 'trivial': the name is taken; base, trivial, expert are built in"),
        ('mixture = "B"', "attempts = 2", "run 'mixed': takes the attempts of 'first'; leave out attempts"),
        ("seeds = [1, 2]\ntrain", "seeds = [3]\ntrain", "follows 'first', so its seeds must be among [1, 2]"),
        ("seeds = [1, 2]\n[[", "seeds = [1, 2, 1]\n[[", "run 'first': a seed stands there twice"),
        ("seeds = [1, 2]\n[[", "seeds = []\n[[", "runs.number 1.seeds: List should have at least 1 item"),
        ('headline = "second"', 'headline = "secnd"', "settings.headline: 'secnd' is not a measured run"),
        ("train_world_seed = 2", "measured = false", "settings.headline: 'second' is not a measured run"),
        ("[[runs]]", "[runs]", "not TOML"),
        ('title = "Three rounds"', "", "title: Field required"),
    ],
)
def test_a_fault_is_named_with_its_place(old: str, new: str, said: str) -> None:
    assert old in TEXT
    with pytest.raises(InvalidArgument) as caught:
        definition.parse(TEXT.replace(old, new, 1), "own")
    assert caught.value.message.startswith("own.toml")
    assert said in caught.value.message


def test_a_fault_of_the_quick_variant_is_found_by_the_whole_one_too(tmp_path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(TEXT.replace('skip = ["mixed"]', 'skip = ["mixd"]'))
    with pytest.raises(InvalidArgument, match=r"quick\.skip: there is no run 'mixd'"):
        definition.load(str(file))
    file.write_text(TEXT.replace('skip = ["mixed"]', 'skip = ["first"]'))
    with pytest.raises(InvalidArgument, match="run 'second': follows names 'first', which is no run") as caught:
        definition.load(str(file))
    assert caught.value.message.startswith("own.toml with [quick]")


def test_an_experiment_that_is_not_there_is_said_with_those_that_are() -> None:
    with pytest.raises(NotFound, match="packaged: paper"):
        definition.load("papre")
    with pytest.raises(NotFound, match=r"own\.toml: No such file"):
        definition.load("own.toml")


def test_runs_inherit_settings_and_quick_wins_everywhere() -> None:
    whole, quick = (definition.parse(TEXT, "own", quick=variant) for variant in (False, True))
    assert [run.train_tasks for run in whole.runs] == [8, 8, 8]
    assert whole.run("mixed").attempts == whole.run("first").attempts == 4
    assert whole.run("second").attempts == 1
    assert [(run.name, run.seeds, run.train_tasks) for run in quick.runs] == [("first", [1], 2), ("second", [1], 2)]


def test_pieces_come_in_an_order_in_which_each_finds_what_it_builds_on() -> None:
    pieces = plan.pieces(definition.parse(TEXT, "own"))
    keys = [piece.key for piece in pieces]
    assert len(keys) == len(set(keys))
    assert keys[:4] == [
        "base/heldout-instances/1",
        "base/heldout-templates/1",
        "base/train/1",
        "base/train/2",
    ]
    assert keys[-5:] == ["first/1", "first/2", "mixed/42", "second/1", "second/2"]
    for place, piece in enumerate(pieces):
        if isinstance(piece, Turn):
            assert {piece.collected_by, piece.follows} - {""} <= set(keys[:place])


def test_seeds_share_attempts_unless_each_follows_its_own_iteration() -> None:
    found = turns(definition.parse(TEXT, "own"))
    assert {key: (turn.collected_by, turn.follows) for key, turn in found.items()} == {
        "first/1": ("", ""),
        "first/2": ("first/1", ""),
        "mixed/42": ("first/1", ""),
        "second/1": ("", "first/1"),
        "second/2": ("", "first/2"),
    }
    # Attempts where it makes some, and its candidate on 6 + 4 + 3 tasks.
    assert [turn.num_episodes for turn in found.values()] == [8 * 4 + 13, 13, 13, 8 + 13, 8 + 13]


def test_other_worlds_are_measured_apart_from_the_gates() -> None:
    text = TEXT.replace("headline =", "eval_world_seeds = [5, 6]\nheadline =")
    measured = [
        piece.key
        for piece in plan.pieces(definition.parse(text, "own"))
        if isinstance(piece, Measurement) and piece.agent == "second/2"
    ]
    assert measured == ["second/2/heldout-instances/6", "second/2/heldout-templates/6"]


def test_request_ids_are_stable_and_change_with_what_decides_a_result() -> None:
    before = ids(TEXT)
    assert before["first/1"].startswith("own/first/1/")
    assert ids(TEXT) == before
    assert ids(TEXT.replace("[settings]", "[settings]\nparallel = 4")) == before
    assert all(changed != before[key] for key, changed in ids(TEXT.replace("1e-3", "2e-3")).items())
    of_one = ids(TEXT.replace('mixture = "B"', 'mixture = "C"'))
    assert {key for key in before if of_one[key] != before[key]} == {"mixed/42"}
