"""Rows as a Parquet file.

Invariant: equal rows give equal bytes under one version of the library: nothing of the time or place is written.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import asdict

from services.curation.rows import Row


class Parquet:
    """The row format of the trainer and of `datasets.load_dataset("parquet")`."""

    def encode(self, rows: Sequence[Row]) -> bytes:
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema = pa.schema(
            [
                ("prompt", pa.string()),
                ("response", pa.string()),
                ("split", pa.string()),
                ("trajectory", pa.string()),
                ("step", pa.int32()),
                ("source", pa.string()),
            ]
        )
        buffer = io.BytesIO()
        table = pa.Table.from_pylist([asdict(row) for row in rows], schema=schema)
        pq.write_table(table, buffer, compression="zstd", row_group_size=4096)
        return buffer.getvalue()
