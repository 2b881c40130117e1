"""What stands for a step when trajectories are compared."""

from __future__ import annotations

import pytest

from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory_pb
from services.scoring import likeness


def made(*steps: tuple[str, str, str]) -> trajectory_pb.Trajectory:
    return trajectory_pb.Trajectory(
        intent="buy it",
        steps=[
            trajectory_pb.Step(observation=seen, response=said, action=did, url="http://shop.test/")
            for seen, said, did in steps
        ],
    )


def test_a_step_is_what_was_seen_asked_done_before_and_said():
    first, second = likeness.texts_of(made(("[1] link", "I click", "click [1]"), ("[2] text", "Done", "")), "paper")
    assert first == (
        "OBSERVATION:\n[1] link\nURL: http://shop.test/\nOBJECTIVE: buy it\nPREVIOUS ACTION: None\nI click"
    )
    assert second.endswith("PREVIOUS ACTION: click [1]\nDone")


def test_the_previous_action_is_the_last_that_could_be_parsed():
    *_, last = likeness.texts_of(made(("a", "x", "go_back"), ("b", "y", ""), ("c", "z", "")), "paper")
    assert "PREVIOUS ACTION: go_back" in last


def test_the_response_can_stand_before_a_long_page():
    trajectory = made(("page " * 10_000, "I click", "click [1]"))
    (paper,), (turned,) = likeness.texts_of(trajectory, "paper"), likeness.texts_of(trajectory, "response_first")
    assert turned.startswith("I click\nURL")
    assert "I click" not in paper
    assert len(paper) == len(turned) == 16_000


@pytest.mark.parametrize("order", likeness.ORDERS)
def test_every_order_holds_the_same(order):
    (text,) = likeness.texts_of(made(("[1] link", "I click", "click [1]")), order)
    assert {"[1] link", "I click", "OBJECTIVE: buy it", "URL: http://shop.test/"} <= set(text.split("\n"))
