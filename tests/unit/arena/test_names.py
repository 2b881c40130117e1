"""Invented names: sound, fresh, and each in one partition only."""

from __future__ import annotations

import random
import re

from services.arena.names import PARTITIONS, Names, partition_of


def drawn(partition: str, count: int = 3000) -> set[str]:
    names = Names(partition, random.Random(5))  # type: ignore[arg-type]
    return {names.word() for _ in range(count)}


def test_no_word_is_drawn_in_two_partitions() -> None:
    words = [drawn(partition) for partition in PARTITIONS]
    assert not words[0] & words[1]
    assert not words[0] & words[2]
    assert not words[1] & words[2]


def test_a_word_stays_in_the_partition_that_its_hash_gives() -> None:
    for partition in PARTITIONS:
        assert {partition_of(word) for word in drawn(partition, 200)} == {partition}
    assert partition_of("Velmora") == partition_of("velmora")


def test_one_world_never_draws_a_word_twice_even_through_forks() -> None:
    names = Names("train", random.Random(1))
    fork = names.fork(random.Random(1))
    words = [source.word() for _ in range(500) for source in (names, fork)]
    assert len(set(words)) == len(words)


def test_words_are_short_lower_case_ascii() -> None:
    assert all(re.fullmatch(r"[a-z]{5,9}", word) for word in drawn("eval", 500))


def test_project_and_full_names_carry_invented_words() -> None:
    names = Names("demo", random.Random(2))
    assert partition_of(names.project().split("-")[0]) == "demo"
    assert [partition_of(part) for part in names.full_name().split()] == ["demo", "demo"]
