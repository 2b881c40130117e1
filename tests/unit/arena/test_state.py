"""Episode state: isolated, copied on write in under 10 ms, bounded."""

from __future__ import annotations

import sqlite3
import statistics
import time

import pytest

from services.arena.errors import TooManyEpisodes, UnknownResource
from services.arena.state import EpisodeState, Registry
from services.arena.world import World

_COUNT = "SELECT COUNT(*) FROM shop_wishlist WHERE user_id = 1"


@pytest.fixture(scope="module")
def world() -> World:
    return World("train", 1)


def test_what_one_episode_writes_no_other_sees(world: World) -> None:
    episodes = [EpisodeState(world) for _ in range(5)]
    before = episodes[0].count(_COUNT)
    for place, episode in enumerate(episodes):
        for _ in range(place):
            episode.write("DELETE FROM shop_wishlist WHERE rowid = (SELECT MIN(rowid) FROM shop_wishlist)")
    assert [episode.count(_COUNT) for episode in episodes] == [before - place for place in range(5)]
    assert world.query(_COUNT)[0][0] == before


def test_reading_makes_no_copy(world: World) -> None:
    episode = EpisodeState(world)
    episode.rows("SELECT * FROM shop_products")
    assert episode._own is None


def test_the_shared_database_refuses_writes(world: World) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        world.base.execute("DELETE FROM shop_wishlist")


def test_a_reset_takes_less_than_ten_milliseconds(world: World) -> None:
    registry = Registry()
    times_s = []
    for _ in range(15):
        started = time.process_time()
        token = registry.create(world)
        registry.get(token).write("DELETE FROM shop_wishlist")
        times_s.append(time.process_time() - started)
        registry.drop(token)
    assert statistics.median(times_s) < 0.010


def test_tokens_are_long_and_differ(world: World) -> None:
    registry = Registry()
    tokens = {registry.create(world) for _ in range(20)}
    assert len(tokens) == 20
    assert min(map(len, tokens)) >= 32


def test_a_dropped_episode_is_gone_and_dropping_again_is_harmless(world: World) -> None:
    registry = Registry()
    token = registry.create(world)
    assert registry.drop(token) is True
    assert registry.drop(token) is False
    with pytest.raises(UnknownResource, match="POST /episodes"):
        registry.get(token)


def test_a_full_registry_of_busy_episodes_refuses(world: World) -> None:
    registry = Registry(max_episodes=2)
    registry.create(world)
    registry.create(world)
    with pytest.raises(TooManyEpisodes, match="2 episodes are live"):
        registry.create(world)


def test_a_full_registry_drops_idle_episodes(world: World) -> None:
    registry = Registry(max_episodes=2, idle_timeout_s=60.0)
    idle = registry.create(world)
    busy = registry.create(world)
    registry.get(idle).last_used_s -= 61.0
    registry.create(world)
    assert len(registry) == 2
    assert registry.get(busy)
    with pytest.raises(UnknownResource):
        registry.get(idle)
