"""Screenshots for a report, within a budget of bytes.

Invariant: the same picture is fetched and embedded once; those of tasks that were gained or lost come first.
"""

from __future__ import annotations

import asyncio
import importlib.util
import io
from collections.abc import Iterable
from typing import NamedTuple

from ratchet.trajectory.v1.trajectory_service_pb2 import Trajectory
from services.cli import client
from services.common.errors import NotFound

_WIDTH = 640
_QUALITY = 62
_AT_A_TIME = 8
_IS_JPEG = b"\xff\xd8\xff"


class Album(NamedTuple):
    """Pictures by blob name, and how many did not fit or were gone."""

    images: dict[str, bytes]
    num_left_out: int


def wanted(trajectories: Iterable[Trajectory]) -> list[str]:
    """Blob names of their screenshots, in order, each once."""
    return list(dict.fromkeys(step.screenshot for item in trajectories for step in item.steps if step.screenshot))


async def fetch(rooms: client.Rooms, blobs: list[str], max_bytes: int) -> Album:
    """As many as fit, in order; bytes are counted as embedded (base64)."""
    images: dict[str, bytes] = {}
    spent = 0
    for start in range(0, len(blobs), _AT_A_TIME):
        batch = blobs[start : start + _AT_A_TIME]
        for blob, image in zip(batch, await asyncio.gather(*(_picture(rooms, blob) for blob in batch)), strict=True):
            size = (len(image) + 2) // 3 * 4
            if not image or spent + size > max_bytes:
                continue
            images[blob] = image
            spent += size
        if spent > 0.98 * max_bytes:
            break
    return Album(images, len(blobs) - len(images))


async def _picture(rooms: client.Rooms, blob: str) -> bytes:
    try:
        image = await client.blob(rooms, blob)
    except NotFound:
        return b""
    return await asyncio.to_thread(shrink, image) if image.startswith(_IS_JPEG) else b""


def shrink(image: bytes) -> bytes:
    """The picture at most _WIDTH wide, where Pillow is installed; else as it is."""
    if importlib.util.find_spec("PIL") is None:
        return image
    from PIL import Image

    try:
        with Image.open(io.BytesIO(image), formats=["JPEG"]) as picture:
            if picture.width <= _WIDTH:
                return image
            picture.draft("RGB", (_WIDTH, _WIDTH * picture.height // picture.width))
            picture.thumbnail((_WIDTH, 8 * _WIDTH))
            target = io.BytesIO()
            picture.convert("RGB").save(target, "JPEG", quality=_QUALITY, optimize=True)
    except (OSError, Image.DecompressionBombError):
        return image
    return min(image, target.getvalue(), key=len)
