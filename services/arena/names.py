"""Invented names. A word belongs to exactly one partition, by a stable hash, so partitions share no name.

Kept here: how words sound and to whom they belong. What the names are used for is the sites' business.
"""

from __future__ import annotations

import hashlib
import random
from typing import Literal, get_args

Partition = Literal["demo", "train", "eval"]
PARTITIONS: tuple[Partition, ...] = get_args(Partition)

# Onsets, vowels and codas of a syllable, and letter runs that no invented word may contain.
_SOUNDS = """
b c d f g h j k l m n p r s t v w z br cr dr fl gl gr kl pl pr sl st tr vr
a e i o u
n r l m s x th nd rn sk
fuc fuk coc cok kok nig neg sex cum kum dic dik tit pis fag rape nazi pus cun kun slut hor jap gas tar kil clit pen
"""
_ONSETS, _VOWELS, _CODAS, _UNWANTED = (line.split() for line in _SOUNDS.strip().splitlines())
_ENDINGS = [*_CODAS, *[""] * 6]


def partition_of(word: str) -> Partition:
    """The one partition that may use `word` (case does not matter)."""
    digest = hashlib.sha256(word.lower().encode()).digest()
    return PARTITIONS[int.from_bytes(digest[:8], "big") % len(PARTITIONS)]


class Names:
    """Draws invented words of one partition; within one world no word is drawn twice."""

    def __init__(self, partition: Partition, rng: random.Random, used: set[str] | None = None) -> None:
        self.partition = partition
        self.rng = rng
        self._used = set() if used is None else used

    def fork(self, rng: random.Random) -> Names:
        """The same world's names drawn with another generator."""
        return Names(self.partition, rng, self._used)

    def word(self) -> str:
        """A fresh lower-case word of two or three syllables, 5 to 9 ascii letters."""
        while True:
            syllables = self.rng.choice((2, 2, 3))
            word = "".join(self.rng.choice(_ONSETS) + self.rng.choice(_VOWELS) for _ in range(syllables))
            word += self.rng.choice(_ENDINGS)
            if not 5 <= len(word) <= 9 or word in self._used or any(bad in word for bad in _UNWANTED):
                continue
            if partition_of(word) == self.partition:
                self._used.add(word)
                return word

    def brand(self) -> str:
        """A company or product line: `Velmora`."""
        return self.word().capitalize()

    def given(self) -> str:
        """A person's first name."""
        return self.word().capitalize()

    def surname(self) -> str:
        """A person's last name."""
        return self.word().capitalize()

    def full_name(self) -> str:
        """First and last name: `Teruna Bexal`."""
        return f"{self.given()} {self.surname()}"

    def username(self) -> str:
        """A login name: one lower-case word."""
        return self.word()

    def project(self) -> str:
        """A repository name: `velmora-parser`."""
        kinds = ("parser", "server", "client", "tools", "engine", "notes", "board", "kit", "sync", "proxy")
        return f"{self.word()}-{self.rng.choice(kinds)}"

    def place(self) -> str:
        """A town, park or building: `Velmora`."""
        return self.word().capitalize()

    def board(self) -> str:
        """A forum's name: one lower-case word."""
        return self.word()
