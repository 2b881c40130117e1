"""What the store promises about blobs and datasets, over gRPC."""

from __future__ import annotations

import hashlib
import random

import pytest
from google.protobuf import struct_pb2

from ratchet.trajectory.v1 import trajectory_service_pb2 as pb
from services.common.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from services.trajectory.errors import BlobCorrupted

MB = 1024 * 1024


async def put(store, content: bytes, sha256: str = "", chunk: int = MB):
    parts = [content[at : at + chunk] for at in range(0, len(content), chunk)] or [b""]
    requests = [pb.PutBlobRequest(chunk=part) for part in parts]
    requests[0].sha256 = sha256
    return await store.PutBlob(iter(requests))


async def get(store, name: str) -> list[bytes]:
    return [answer.chunk async for answer in store.GetBlob(pb.GetBlobRequest(name=name))]


@pytest.mark.parametrize("size", [0, 1, 3 * MB + 17, 20 * MB])
async def test_a_blob_of_any_size_comes_back_in_chunks_of_a_megabyte(store, size):
    content = random.Random(size).randbytes(size)
    answer = await put(store, content)
    assert answer.name == f"blobs/{hashlib.sha256(content).hexdigest()}"
    assert answer.size_bytes == size
    chunks = await get(store, answer.name)
    assert b"".join(chunks) == content
    assert all(len(chunk) == MB for chunk in chunks[:-1])


async def test_a_digest_that_does_not_match_stores_nothing(store):
    wrong = hashlib.sha256(b"other").hexdigest()
    with pytest.raises(InvalidArgument, match=wrong):
        await put(store, b"content", sha256=wrong)
    for digest in (wrong, hashlib.sha256(b"content").hexdigest()):
        with pytest.raises(NotFound, match=digest):
            await get(store, f"blobs/{digest}")
    with pytest.raises(InvalidArgument, match="64 lower-case"):
        await put(store, b"content", sha256="ABC")


async def test_the_same_content_is_kept_once(store, tmp_path):
    names = {(await put(store, b"x" * 1000)).name for _ in range(3)}
    assert len(names) == 1
    assert len(list((tmp_path / "trajectory/objects/sha256").rglob("*.zst"))) == 1


@pytest.mark.parametrize("name", ["blobs/../../etc/passwd", "blobs/", "/etc/passwd", "blobs/" + "A" * 64])
async def test_a_name_that_is_no_digest_is_refused(store, name):
    with pytest.raises(InvalidArgument, match="not a blob name"):
        await get(store, name)


async def test_damaged_bytes_are_reported_never_returned_as_good(store, tmp_path):
    name = (await put(store, b"precious" * 100)).name
    (path,) = (tmp_path / "trajectory/objects/sha256").rglob("*.zst")
    path.write_bytes(path.read_bytes()[:-4] + b"zzzz")
    with pytest.raises(BlobCorrupted, match=name):
        await get(store, name)
    path.write_bytes(b"")
    with pytest.raises(BlobCorrupted, match=name):
        await get(store, name)


async def dataset(store, content: bytes = b"rows", **fields):
    blob = (await put(store, content)).name
    fields.setdefault("name", f"datasets/{blob.removeprefix('blobs/')[:16]}")
    card = struct_pb2.Struct()
    card.update({"mixture": "A", "seed": 42})
    made = pb.Dataset(blob=blob, num_train_rows=9, num_validation_rows=1, card=card, **fields)
    return (await store.CreateDataset(pb.CreateDatasetRequest(dataset=made))).dataset


async def test_a_dataset_is_stored_once_under_its_digest(store):
    first, second = await dataset(store), await dataset(store)
    assert first == second
    got = (await store.GetDataset(pb.GetDatasetRequest(name=first.name))).dataset
    assert (got.num_train_rows, got.card["mixture"]) == (9, "A")
    with pytest.raises(NotFound):
        await store.GetDataset(pb.GetDatasetRequest(name="datasets/none"))


async def test_a_dataset_needs_its_blob_and_a_name_that_starts_with_its_digest(store):
    digest = "0" * 64
    with pytest.raises(FailedPrecondition, match="put it before"):
        await store.CreateDataset(
            pb.CreateDatasetRequest(dataset=pb.Dataset(name=f"datasets/{digest[:16]}", blob=f"blobs/{digest}"))
        )
    with pytest.raises(InvalidArgument, match="must start with"):
        await dataset(store, name="datasets/mine")


async def test_a_name_never_changes_its_content(store):
    made = await dataset(store, b"rows")
    other = hashlib.sha256(b"other rows").hexdigest()
    await put(store, b"other rows")
    clash = pb.Dataset(name=made.name, blob=f"blobs/{other}")
    with pytest.raises((InvalidArgument, AlreadyExists)):
        await store.CreateDataset(pb.CreateDatasetRequest(dataset=clash))


async def test_datasets_are_listed_newest_first_in_pages(store):
    made = [(await dataset(store, f"rows {n}".encode())).name for n in range(3)]
    first = await store.ListDatasets(pb.ListDatasetsRequest(page_size=2))
    rest = await store.ListDatasets(pb.ListDatasetsRequest(page_size=2, page_token=first.next_page_token))
    assert [d.name for d in (*first.datasets, *rest.datasets)] == made[::-1]
    assert not rest.next_page_token
