"""What can go wrong under the store; each message names the place and the next step."""

from __future__ import annotations

import grpc

from services.common.errors import FailedPrecondition, RatchetError


class StorageFailed(FailedPrecondition):
    """The disk, directory, database or bucket refused; metadata `place` names it."""

    reason = "STORAGE_FAILED"


class SchemaMismatch(FailedPrecondition):
    """The database has a schema that this version cannot use; metadata `found` and `supported` name both."""

    reason = "SCHEMA_MISMATCH"


class BlobCorrupted(RatchetError):
    """Stored bytes do not have the digest that names them."""

    code = grpc.StatusCode.DATA_LOSS
    reason = "BLOB_CORRUPTED"
