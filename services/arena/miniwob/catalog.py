"""Which MiniWoB++ pages are in the default splits, and which are kept for "heldout-templates".

Invariant: a page that NEEDS something which the action grammar and a text observation do not have is in the split
"left-out" only, marked with what it needs; every other page of the package is in the default splits.
"""

from __future__ import annotations

_DRAG = "drag"  # pressing, moving and letting go of the mouse, selecting or drawing with it too
_POSITION = "position"  # a point of a picture, not an element
_TIMING = "timing"  # what is right changes while the agent thinks, or comes at a given second
_PIXELS = "pixels"  # what must be known or clicked is drawn, and no node of the accessibility tree tells it
_WHEEL = "wheel"  # scrolling something inside the page that takes no keys

NEEDS: dict[str, str] = {
    "bisect-angle": _POSITION,
    "button-delay": _TIMING,
    "chase-circle": _TIMING,
    "circle-center": _POSITION,
    "click-color": _PIXELS,
    "click-shades": _PIXELS,
    "click-shape": _PIXELS,
    "count-shape": _PIXELS,
    "count-sides": _PIXELS,
    "daily-calendar": _DRAG,
    "drag-box": _DRAG,
    "drag-circle": _DRAG,
    "drag-cube": _DRAG,
    "drag-items": _DRAG,
    "drag-items-grid": _DRAG,
    "drag-shapes": _DRAG,
    "drag-shapes-2": _DRAG,
    "drag-single-shape": _DRAG,
    "drag-sort-numbers": _DRAG,
    "draw-circle": _DRAG,
    "draw-line": _DRAG,
    "find-midpoint": _POSITION,
    "highlight-text": _DRAG,
    "highlight-text-2": _DRAG,
    "hot-cold": _POSITION,
    "hover-shape": _TIMING,
    "identify-shape": _PIXELS,
    "moving-items": _TIMING,
    "number-checkboxes": _PIXELS,
    "resize-textarea": _DRAG,
    "right-angle": _POSITION,
    "sign-agreement": _WHEEL,
    "simon-says": _TIMING,
    "stock-market": _TIMING,
    "tic-tac-toe": _PIXELS,
    # They reward every submission a little, and the right colour is a point of a picture.
    "use-colorwheel": _POSITION,
    "use-colorwheel-2": _POSITION,
    "visual-addition": _PIXELS,
}

# A quarter of the families of the default pages, drawn once: random.Random(2026).sample(sorted(families), 12).
HELD_OUT_FAMILIES: frozenset[str] = frozenset(
    {
        "click-checkboxes",
        "click-collapsible",
        "click-tab",
        "enter-password",
        "form-sequence",
        "navigate-tree",
        "phone-book",
        "read-table",
        "search-engine",
        "simple-algebra",
        "social-media",
        "use-autocomplete",
    }
)
