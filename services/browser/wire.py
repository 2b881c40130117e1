"""From what a session gives to messages.

Invariant: a message stays below gRPC's default bound of 4 MB, whatever a page holds: of what is larger it has the
beginning, says so, and names the blob that has all of it.
"""

from __future__ import annotations

import io
from collections.abc import Iterable

from PIL import Image

from ratchet.browser.v1 import browser_service_pb2 as pb
from services.browser.blobs import Blob, Blobs
from services.browser.marks import Mark
from services.browser.nodes import Box, Element
from services.browser.observation import CUT
from services.browser.sessions import Observation, Probed

_MAX_TEXT_BYTES = 2_500_000
_MAX_ELEMENTS_BYTES = 1_000_000
_MAX_IMAGE_BYTES = 1_000_000
_MAX_NAME_CHARS = 500
# So few elements are small enough whatever their names.
_FEW = 400
_TEXT = "text/plain; charset=utf-8"


def observe(into: pb.Observation, seen: Observation, blobs: Blobs) -> None:
    """Write the observation into a message; long text goes on in a blob."""
    text, blob = _text(seen.page.text, blobs)
    if blob is not None:
        into.text_blob.CopyFrom(_blob(blob))
        if seen.page.format != "json":
            # A line that is cut would be a lie about the page.
            text = f"{text[: text.rfind(chr(10)) + 1]}{CUT}"
    into.format, into.text = seen.page.format, text
    into.url, into.title = seen.url, seen.title
    into.num_tabs, into.active_tab = seen.num_tabs, seen.active_tab
    into.elapsed_s = seen.elapsed_s
    _elements(into, seen)


def probe(probed: Probed, blobs: Blobs) -> pb.ProbeResponse:
    """What a locator gave; long content goes on in a blob."""
    content, blob = _text(probed.content, blobs)
    return pb.ProbeResponse(content=content, content_blob=blob and _blob(blob), url=probed.url, error=probed.error)


def screenshot(image: bytes, marks: Iterable[Mark], blobs: Blobs) -> pb.TakeScreenshotResponse:
    """The picture; a large one at a lower quality, and as it is in a blob."""
    blob = None if len(image) <= _MAX_IMAGE_BYTES else blobs.put(image, "image/jpeg")
    return pb.TakeScreenshotResponse(
        image=image if blob is None else _smaller(image),
        media_type="image/jpeg",
        image_blob=blob and _blob(blob),
        marks=[pb.Mark(id=mark.id, box=_box(mark.box)) for mark in marks],
    )


def _text(text: str, blobs: Blobs) -> tuple[str, Blob | None]:
    """The text, or its beginning and where all of it is; surrogates, which pages can make, cannot travel."""
    if len(text) <= _MAX_TEXT_BYTES and text.isascii():
        return text, None
    data = text.encode("utf-8", "replace")
    if len(data) <= _MAX_TEXT_BYTES:
        return data.decode("utf-8"), None
    return data[:_MAX_TEXT_BYTES].decode("utf-8", "ignore"), blobs.put(data, _TEXT)


def _blob(blob: Blob) -> pb.Blob:
    return pb.Blob(name=blob.name, size_bytes=blob.size_bytes, media_type=blob.media_type)


def _elements(into: pb.Observation, seen: Observation) -> None:
    """As many as there is room for."""
    found, add = seen.page.elements, into.elements.add
    room = _MAX_ELEMENTS_BYTES if len(found) > _FEW else None
    for each in found:
        element = add(id=each.id, role=each.role, name=each.name[:_MAX_NAME_CHARS])
        if seen.page.boxes:
            _describe(element, each)
        if room is not None:
            room -= element.ByteSize() + 5
            if room < 0:
                del into.elements[-1]
                break
    into.num_elements_left_out = len(found) - len(into.elements)


def _describe(element: pb.Element, found: Element) -> None:
    if found.box is not None:
        element.box.CopyFrom(_box(found.box))
        element.in_view = found.box.is_in_view
    if found.value:
        element.value = found.value[:_MAX_NAME_CHARS]
    if found.states:
        element.states.extend(state[:_MAX_NAME_CHARS] for state in found.states)


def _box(box: Box) -> pb.Box:
    return pb.Box(x=box.x, y=box.y, width=box.width, height=box.height)


def _smaller(image: bytes) -> bytes:
    """The picture at the best quality that fits a message; nothing where none does."""
    with Image.open(io.BytesIO(image), formats=["JPEG"]) as picture:
        for quality in (60, 30, 10):
            out = io.BytesIO()
            picture.save(out, "JPEG", quality=quality)
            if out.tell() <= _MAX_IMAGE_BYTES:
                return out.getvalue()
    return b""
