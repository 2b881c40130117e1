"""Datasets: a Parquet blob with its card, under a name that starts with the blob's digest.

Invariant: a dataset's blob is stored before the dataset is, and a name never changes its content.
"""

from __future__ import annotations

import time

from ratchet.trajectory.v1 import trajectory_service_pb2 as pb
from services.common import ids
from services.common.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from services.trajectory import blobs, pages
from services.trajectory.ports import DatasetRecord, Records

# Shortest digest that a dataset's id may start with.
MIN_DIGEST_LENGTH = 12
_LIST_QUERY = "datasets"


class Datasets:
    """All datasets."""

    def __init__(self, records: Records, store: blobs.Blobs) -> None:
        self._records = records
        self._blobs = store

    async def create(self, dataset: pb.Dataset) -> pb.Dataset:
        """Store it, or answer with the one of that name.

        Raises InvalidArgument, FailedPrecondition (its blob is not stored), AlreadyExists (another content).
        """
        digest = _check(dataset)
        if not await self._blobs.exists(digest):
            raise FailedPrecondition(f"{dataset.blob} is not stored; put it before its dataset", blob=dataset.blob)
        header = pb.Dataset()
        header.CopyFrom(dataset)
        header.create_time.FromNanoseconds(time.time_ns())
        record, added = await self._records.add_dataset(
            DatasetRecord(
                name=header.name,
                blob=header.blob,
                create_time_us=header.create_time.ToMicroseconds(),
                header=header.SerializeToString(deterministic=True),
            )
        )
        if not added and record.blob != dataset.blob:
            raise AlreadyExists(f"{dataset.name} exists with the content {record.blob}", name=dataset.name)
        return pb.Dataset.FromString(record.header)

    async def get(self, name: str) -> pb.Dataset:
        """One dataset; raises NotFound."""
        ids.parse(name, "datasets")
        record = await self._records.find_dataset(name)
        if record is None:
            raise NotFound(f"there is no dataset {name}", name=name)
        return pb.Dataset.FromString(record.header)

    async def page(self, request: pb.ListDatasetsRequest) -> pb.ListDatasetsResponse:
        """A page, newest first."""
        limit = pages.size(request.page_size)
        rows = await self._records.page_datasets(pages.position(_LIST_QUERY, request.page_token), limit + 1)
        shown = rows[:limit]
        return pb.ListDatasetsResponse(
            datasets=[pb.Dataset.FromString(row.header) for row in shown],
            next_page_token=pages.token(_LIST_QUERY, shown[-1].seq) if len(rows) > limit else "",
        )


def _check(dataset: pb.Dataset) -> str:
    """The digest of the dataset's blob; raises InvalidArgument."""
    (own_id,) = ids.parse(dataset.name, "datasets")
    digest = blobs.parse(dataset.blob)
    if own_id[:MIN_DIGEST_LENGTH] != digest[:MIN_DIGEST_LENGTH]:
        raise InvalidArgument(
            f"{dataset.name} must start with the first {MIN_DIGEST_LENGTH} digits or more of {dataset.blob}",
            name=dataset.name,
        )
    if dataset.num_train_rows < 0 or dataset.num_validation_rows < 0:
        raise InvalidArgument("dataset.num_train_rows and num_validation_rows cannot be negative")
    return digest
