"""The loop around a writer: diversity, retries, and a kill that loses and repeats nothing."""

from __future__ import annotations

import asyncio
from collections import Counter

import numpy as np
import pytest

from ratchet.scoring.v1 import scoring_service_pb2 as scoring_pb
from services.common.errors import Unavailable
from services.curation.adapters.sqlite import SqliteLedger
from services.curation.errors import LedgerBroken, TooFewSynthetic
from services.curation.settings import CurationSettings
from services.curation.synthesis.diversity import Embedder
from services.curation.synthesis.examples import Example, Objective, Refused, retried
from services.curation.synthesis.synthesizing import Synthesizer

SETTINGS = CurationSettings(block=4, parallel_examples=2, objective_retries=3, example_retries=2)
IN_DOMAIN = ["axis 0"]


class Axes:
    """Scoring that embeds "axis K ..." as the K-th axis: cosines are 1 or 0."""

    async def EmbedTexts(self, request, timeout):
        def vector(text: str) -> scoring_pb.Embedding:
            return scoring_pb.Embedding(values=np.eye(64)[int(text.split()[1])])

        return scoring_pb.EmbedTextsResponse(embeddings=map(vector, request.texts), embedding_model="axes")


class Scripted:
    """Writes objective N at its axis; `falls_at` examples from the start the machinery fails once."""

    name, about = "scripted", ""

    def __init__(self, falls_at: int = -1, twins: int = 0, mute: bool = False) -> None:
        self.falls_at, self.twins, self.mute = falls_at, twins, mute
        self.finished: Counter[int] = Counter()
        self.shots: list[list[str]] = []

    async def objective(self, number, attempt, shots):
        self.shots.append(list(shots))
        # The first attempt at an odd number is like the in-domain objective; so are all attempts at number 2.
        axis = 0 if number == 2 or (number % 2 and not attempt) else number + 1
        return Objective(f"axis {axis} attempt {attempt}", "a.test", attempt)

    async def example(self, number, objective, refused):
        await asyncio.sleep(0)
        if len(self.finished) == self.falls_at:
            raise Unavailable("the model went away")

        async def write(attempt):
            if self.mute or not attempt:
                raise Refused("no_action")
            return Example(f"prompt {max(number, self.twins)}", "said", 0, "first", "click [1]", "")

        made = await retried(2, refused, write)
        self.finished[number] += 1
        return made


def synthesizer(writer, path, **settings):
    own = SETTINGS.model_copy(update=settings)
    return Synthesizer("key", writer, Embedder(Axes(), 10), SqliteLedger(path / "synthesis.db"), own)


async def test_similar_objectives_are_written_again_and_given_up_at_last(tmp_path):
    done = await synthesizer(writer := Scripted(), tmp_path).run(6, IN_DOMAIN, ())
    assert list(done.examples) == [0, 1, 3, 4, 5, 6]
    assert done.num_drawn == 8
    # Numbers 1, 3, 5, 7 once, number 2 three times; every example's first answer.
    assert done.refused == {"no_action": 7, "similar": 7}
    assert done.highest_cosine == 0
    assert done.embedding_model == "axes"
    assert all(len(shots) == len(set(shots)) for shots in writer.shots)
    assert max(sum(shot not in IN_DOMAIN for shot in shots) for shots in writer.shots) == 2


@pytest.mark.parametrize("falls_at", [0, 2, 3, 5])
async def test_a_kill_midway_loses_and_repeats_nothing(tmp_path, falls_at):
    whole = await synthesizer(Scripted(), tmp_path / "whole").run(6, IN_DOMAIN, ())
    with pytest.raises(Unavailable):
        await synthesizer(killed := Scripted(falls_at), tmp_path / "killed").run(6, IN_DOMAIN, ())
    assert sum(killed.finished.values()) == falls_at
    resumed = await synthesizer(writer := Scripted(), tmp_path / "killed").run(6, IN_DOMAIN, ())
    assert resumed == whole
    assert max((killed.finished + writer.finished).values()) == 1
    again = await synthesizer(idle := Scripted(), tmp_path / "killed").run(6, IN_DOMAIN, ())
    assert again == whole
    assert not idle.finished


async def test_more_rows_begin_with_the_fewer_whatever_was_asked_before(tmp_path):
    few = await synthesizer(Scripted(), tmp_path / "a").run(2, IN_DOMAIN, ())
    grown = await synthesizer(Scripted(), tmp_path / "a").run(9, IN_DOMAIN, ())
    at_once = await synthesizer(one := Scripted(), tmp_path / "b").run(9, IN_DOMAIN, ())
    assert grown == at_once
    await synthesizer(other := Scripted(), tmp_path / "c").run(9, IN_DOMAIN, ())
    assert one.shots == other.shots
    assert list(grown.examples.items())[:2] == list(few.examples.items())


async def test_no_example_comes_twice_or_repeats_an_in_domain_row(tmp_path):
    taken = {("prompt 4", "said")}
    done = await synthesizer(Scripted(twins=3), tmp_path).run(4, IN_DOMAIN, taken)
    assert [example.prompt for example in done.examples.values()] == ["prompt 3", "prompt 5", "prompt 6", "prompt 7"]


async def test_too_few_says_how_many_what_was_refused_and_what_to_do(tmp_path):
    said = r"0 of 4 synthetic rows after 16 objectives \(15 accepted; refused: no_action 30, similar 11\).*mixture A.*"
    with pytest.raises(TooFewSynthetic, match=said) as caught:
        await synthesizer(Scripted(mute=True), tmp_path).run(4, IN_DOMAIN, ())
    assert caught.value.metadata["num_wanted"] == "4"


def test_a_damaged_ledger_says_what_to_do(tmp_path):
    (tmp_path / "l.db").write_bytes(b"not a database" * 100)
    with pytest.raises(LedgerBroken, match=r"l\.db.*delete the file"):
        SqliteLedger(tmp_path / "l.db").load("key")
