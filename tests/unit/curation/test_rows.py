"""Which attempts and steps become rows, and on which side of the split."""

from __future__ import annotations

import hashlib
import math

from ratchet.trajectory.v1 import trajectory_service_pb2 as pb
from services.curation import rows, selection
from services.curation.adapters.parquet import Parquet


def attempt(name: str, *actions: str, task_id: str = "1", world: str = "train/1") -> pb.Trajectory:
    steps = [
        pb.Step(index=k, prompt=f"prompt {k} of {name}", response=f"thought\nACTION: {action}", action=action)
        for k, action in enumerate(actions)
    ]
    return pb.Trajectory(name=name, suite="arena", world=world, task_id=task_id, steps=steps)


def names(trajectories: list[pb.Trajectory]) -> list[str]:
    return [trajectory.name for trajectory in trajectories]


def test_per_task_the_first_run_with_a_plausible_attempt_wins():
    first = [attempt("a1", "stop [x]", task_id="1")]
    second = [attempt("b1", "stop [y]", task_id="1"), attempt("b2", "stop [z]", task_id="2")]
    assert names(selection.choose([first, second])) == ["a1", "b2"]
    assert names(selection.choose([second, first])) == ["b1", "b2"]


def test_the_latest_run_or_all_runs_can_win_instead():
    first = [attempt("a1", "stop [x]", task_id="1"), attempt("a2", "stop [x]", task_id="2")]
    second = [attempt("b1", "stop [y]", task_id="1"), attempt("b2", "stop [x]", task_id="2")]
    assert names(selection.choose([first, second], "latest")) == ["b1", "b2"]
    # b2 went the way of a2.
    assert names(selection.choose([first, second], "all")) == ["a1", "a2", "b1"]


def test_the_same_task_id_in_another_world_is_another_task():
    attempts = [attempt("a", "stop [x]", world="train/1"), attempt("b", "stop [x]", world="train/2")]
    assert names(selection.choose([attempts])) == ["a", "b"]


def test_attempts_that_took_the_same_way_are_kept_once():
    attempts = [attempt("c", "click [1]", "stop [x]"), attempt("b", "stop [x]"), attempt("a", "stop [x]")]
    assert names(selection.choose([attempts])) == ["a", "c"]


def test_the_papers_rows_are_first_one_middle_and_last():
    long = attempt("a", *(f"click [{k}]" for k in range(9)), "stop [x]")
    for seed in range(20):
        first, middle, last = rows.pick(long, "paper", seed)
        assert (first.index, last.index) == (0, 9)
        assert 0 < middle.index < 9
    assert len({rows.pick(long, "paper", seed)[1].index for seed in range(20)}) > 3


def test_the_unsure_rows_leave_out_most_of_what_the_model_was_sure_of():
    def logged(name: str, *likelihoods: float) -> pb.Trajectory:
        made = attempt(name, *(f"click [{k}]" for k in range(len(likelihoods))))
        for step, likelihood in zip(made.steps, likelihoods, strict=True):
            step.response_logprobs.extend([math.log(likelihood) / 2] * 2)
        return made

    picked = [rows.pick(logged(f"a{k}", 0.95, 0.5, 0.99, 0.89), "unsure", 1) for k in range(50)]
    indices = [step.index for steps in picked for step in steps]
    assert indices.count(1) == indices.count(3) == 50
    assert 10 < indices.count(0) + indices.count(2) < 32
    # An attempt without likelihoods is taken whole.
    assert len(rows.pick(attempt("b", "click [1]", "stop [x]"), "unsure", 1)) == 2


def test_short_trajectories_give_every_step_once():
    for length in (1, 2, 3):
        short = attempt("a", *(f"click [{k}]" for k in range(length)))
        assert [step.index for step in rows.pick(short, "paper", 0)] == list(range(length))


def test_all_takes_every_step_but_those_without_an_action_or_a_prompt():
    mixed = attempt("a", "click [1]", "", "go_back", "stop [x]")
    mixed.steps[2].prompt = ""
    assert [step.index for step in rows.pick(mixed, "all", 0)] == [0, 3]


def test_a_row_is_the_prompt_and_the_whole_response():
    (row,) = rows.build([attempt("a", "stop [x]")], "all", 0, 0)
    assert (row.prompt, row.response) == ("prompt 0 of a", "thought\nACTION: stop [x]")
    assert (row.split, row.trajectory, row.step, row.source) == ("train", "a", 0, "in-domain")


def many(num_tasks: int, attempts_each: int = 1) -> list[pb.Trajectory]:
    return [
        attempt(f"t{task:03}-{n}", f"click [{n}]", "stop [x]", task_id=str(task))
        for task in range(num_tasks)
        for n in range(attempts_each)
    ]


def test_a_tenth_of_the_tasks_is_held_out_and_none_stands_on_both_sides():
    attempts = many(50, attempts_each=3)
    held_out = rows.split(attempts, 0.1, seed=42)
    assert len(held_out) == 15
    task_of = {trajectory.name: trajectory.task_id for trajectory in attempts}
    assert len({task_of[name] for name in held_out}) == 5


def test_the_split_follows_the_seed_not_the_order():
    attempts = many(50)
    assert rows.split(attempts, 0.1, 1) == rows.split(attempts[::-1], 0.1, 1)
    assert rows.split(attempts, 0.1, 1) != rows.split(attempts, 0.1, 2)


def test_both_sides_get_something_whenever_there_are_two():
    assert len(rows.split(many(2), 0.01, 0)) == 1
    assert len(rows.split(many(2), 0.99, 0)) == 1
    assert len(rows.split(many(1, attempts_each=4), 0.25, 0)) == 1
    assert rows.split(many(1), 0.5, 0) == set()
    assert rows.split(many(9), 0, 0) == set()


def test_exact_repeats_of_a_row_are_left_out():
    one, two = attempt("a", "click [1]", "stop [x]"), attempt("b", "click [1]", "stop [y]")
    two.steps[0].prompt = one.steps[0].prompt
    assert len(rows.build([one, two], "all", 0, 0)) == 3


def test_equal_rows_give_equal_bytes():
    digests = {
        hashlib.sha256(Parquet().encode(rows.build(many(20), "paper", 0.1, seed))).hexdigest() for seed in (7, 7, 7, 8)
    }
    assert len(digests) == 2
