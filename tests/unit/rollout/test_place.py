"""Where a task says that its agent is."""

from __future__ import annotations

import pytest

from services.rollout import episode


@pytest.mark.parametrize(
    ("task", "place"),
    [
        ({"geolocation": {"latitude": 40.44, "longitude": -79.94}}, (40.44, -79.94, 0.0)),
        ({"geolocation": {"latitude": 1, "longitude": 2, "accuracy": 30}}, (1.0, 2.0, 30.0)),
        ({"geolocation": None}, None),
        ({}, None),
    ],
)
def test_a_tasks_place_goes_to_the_browser(task: dict[str, object], place: tuple[float, float, float] | None) -> None:
    found = episode._place(task)
    assert place == (found and (found.latitude, found.longitude, found.accuracy_m))
