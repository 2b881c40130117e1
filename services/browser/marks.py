"""Set-of-marks: numbered boxes drawn on a picture of the page, for models that see.

Invariant: the page is never touched; a number on the picture is the id of its box, and no number hides another while
there is room beside.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont, ImageStat

from services.browser.nodes import Box, Element

# Dark enough for white numbers, and told apart beside each other.
_COLOURS = ("#c1121f", "#1d4ed8", "#15803d", "#9333ea", "#b45309", "#0e7490", "#be185d", "#3f3f46")
_FONT_PIXELS = 12
_PADDING = 1
# Pixels that the frame of a box is drawn outside of it.
_FRAME = 2
# What a square pixel costs that a number hides of its own box, and of another number.
_OVER_OWN = 0.1
_OVER_NUMBER = 100.0
# So little do the greys of an empty place differ.
_NOTHING_DRAWN = 3.0
_QUALITY = 85
# What an action is done to, of the formats that name everything: roles of Chromium's tree.
_MARKED = frozenset(
    {"link", "button", "ToggleButton", "PopUpButton", "textbox", "searchbox", "spinbutton", "slider", "checkbox"}
    | {"radio", "switch", "combobox", "listbox", "option", "menuitem", "menuitemcheckbox", "menuitemradio", "tab"}
    | {"treeitem", "DisclosureTriangle", "DisclosureTriangleGrouped", "Date", "DateTime", "InputTime", "ColorWell"}
)


class Mark(NamedTuple):
    """A numbered box, in pixels of the picture."""

    id: int
    box: Box


class _Area(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def shared(self, other: _Area) -> float:
        """Square pixels that both cover."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return across * down if across > 0 and down > 0 else 0.0


def candidates(elements: Iterable[Element], format_name: str) -> dict[int, int]:
    """Ids of what can be marked by their elements' numbers: all that `compact` names, else what takes actions."""
    return {e.node: e.id for e in elements if format_name == "compact" or e.role in _MARKED}


def marks(ids: Mapping[int, int], located: Mapping[int, Box]) -> list[Mark]:
    """A mark for each element that was found, in the order of their ids' elements."""
    return [Mark(id_, located[number]) for number, id_ in ids.items() if number in located]


def draw(image: bytes, found: Sequence[Mark]) -> bytes:
    """The picture with the marks, as JPEG."""
    with Image.open(io.BytesIO(image), formats=["JPEG"]) as opened:
        picture = opened.convert("RGB")
    grey, pen, font = picture.convert("L"), ImageDraw.Draw(picture), ImageFont.load_default(_FONT_PIXELS)
    areas = [_seen(mark.box, picture.size) for mark in found]
    for area, mark in zip(areas, found, strict=True):
        pen.rectangle(area, outline=_COLOURS[mark.id % len(_COLOURS)], width=2)
    numbers: list[_Area] = []
    for area, mark in zip(areas, found, strict=True):
        left, top, right, bottom = pen.textbbox((0, 0), str(mark.id), font=font)
        place = _place(area, right - left + 2 * _PADDING, bottom - top + 2 * _PADDING, grey, numbers, areas)
        numbers.append(place)
        pen.rectangle(place, fill=_COLOURS[mark.id % len(_COLOURS)])
        pen.text((place.left + _PADDING - left, place.top + _PADDING - top), str(mark.id), fill="white", font=font)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


def _seen(box: Box, size: tuple[int, int]) -> _Area:
    """The part of a box that is on the picture, with room for its frame around what it holds."""
    left, top = min(max(box.x - _FRAME, 0), size[0] - 1), min(max(box.y - _FRAME, 0), size[1] - 1)
    right, bottom = min(box.x + box.width + _FRAME, size[0] - 1), min(box.y + box.height + _FRAME, size[1] - 1)
    return _Area(left, top, max(right, left), max(bottom, top))


def _place(
    area: _Area, width: float, height: float, grey: Image.Image, numbers: list[_Area], areas: list[_Area]
) -> _Area:
    """Where a number hides least: no other number, no other box, and little that is drawn on the page."""
    best, least = _Area(area.left, area.top, area.left + width, area.top + height), float("inf")
    for left, top in _corners(area, width, height):
        place = _Area(left, top, left + width, top + height)
        if left < 0 or top < 0 or place.right >= grey.width or place.bottom >= grey.height:
            continue
        drawn = ImageStat.Stat(grey.crop((int(left), int(top), int(place.right) + 1, int(place.bottom) + 1))).stddev[0]
        others = sum(place.shared(other) for other in areas if other is not area)
        hidden = sum(place.shared(other) for other in numbers)
        cost = drawn + _OVER_OWN * place.shared(area) + others + _OVER_NUMBER * hidden
        if cost < _NOTHING_DRAWN:
            return place
        if cost < least:
            best, least = place, cost
    return best


def _corners(area: _Area, width: float, height: float) -> Iterator[tuple[float, float]]:
    """Around the box first, then on its corners."""
    left, top, right, bottom = area
    yield left, top - height - 1
    yield left - width - 1, top
    yield right - width, top - height - 1
    yield right + 1, top
    yield left, bottom + 1
    yield right - width, bottom + 1
    yield left, top
    yield right - width, top
    yield right - width, bottom - height
    yield left, bottom - height
