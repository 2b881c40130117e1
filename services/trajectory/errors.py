"""What can go wrong under the store; each message names the place and the next step."""

from __future__ import annotations

import grpc

from services.common.errors import RatchetError


class BlobCorrupted(RatchetError):
    """Stored bytes do not have the digest that names them."""

    code = grpc.StatusCode.DATA_LOSS
    reason = "BLOB_CORRUPTED"
