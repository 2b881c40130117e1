"""Names of resources."""

from __future__ import annotations

import pytest

from services.common import ids
from services.common.errors import InvalidArgument


def test_ids_are_unique_and_sort_by_age() -> None:
    made = [ids.new_id() for _ in range(50)]
    assert len(set(made)) == 50
    assert [each[:8] for each in made] == sorted(each[:8] for each in made)


def test_a_name_gives_its_ids() -> None:
    assert ids.parse("iterations/a1/trajectories/collect.b-2", "iterations", "trajectories") == ("a1", "collect.b-2")


@pytest.mark.parametrize("name", ["", "iterations", "iterations/", "policies/a", "iterations/../x", "iterations/A"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgument):
        ids.parse(name, "iterations")
