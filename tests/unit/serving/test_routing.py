"""Requests that start alike meet on one replica, and none is buried in them."""

import contextlib

import pytest

from services.serving.routing import Router

REPLICAS = ["http://a", "http://b", "http://c", "http://d"]
KEYS = [f"task {number}" for number in range(400)]


def homes(router, down=()):
    """Where each key goes while nothing else runs."""
    found = {}
    for key in KEYS:
        with router.place(key, down) as found[key]:
            pass
    return found


def test_a_key_s_requests_go_to_one_replica_and_keys_to_all() -> None:
    found = homes(Router(REPLICAS))
    assert found == homes(Router(list(reversed(REPLICAS))))
    shares = [list(found.values()).count(name) for name in REPLICAS]
    assert sum(shares) == 400
    assert all(70 < share < 130 for share in shares)


def test_a_replica_that_leaves_moves_its_own_keys_only() -> None:
    router = Router(REPLICAS)
    before, after = homes(router), homes(router, down={"http://b"})
    assert {key for key in KEYS if before[key] != after[key]} == {key for key in KEYS if before[key] == "http://b"}
    assert "http://b" not in after.values()


def test_a_busy_replica_hands_on_what_is_over_its_share() -> None:
    router = Router(REPLICAS, slack=0.25)
    with contextlib.ExitStack() as running:
        placed = [running.enter_context(router.place("one task")) for _ in range(40)]
        loads = [placed.count(name) for name in REPLICAS]
        assert max(loads) <= 1.25 * 41 / 4 + 1
        assert placed[0] == router.ranked("one task")[0]
        # What spills over goes to the next of the key's own order, so that its start is not everywhere at once.
        assert placed.index(router.ranked("one task")[2]) > placed.index(router.ranked("one task")[1])
    with router.place("one task") as again:
        assert again == placed[0]


def test_a_request_without_a_key_goes_where_least_is_done() -> None:
    router = Router(REPLICAS)
    with contextlib.ExitStack() as running:
        assert {running.enter_context(router.place("")) for _ in range(4)} == set(REPLICAS)


def test_no_replica_is_an_error() -> None:
    with pytest.raises(LookupError), Router(REPLICAS).place("x", down=REPLICAS):
        pass
