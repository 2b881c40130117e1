"""Which options of a list a text means.

Invariant: an option is chosen only when the text can mean no other; else the refusal lists what there is, bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services.browser.actions import several
from services.browser.ports import NotActionable

_MOST_LISTED = 20
_MOST_CHARS = 60


def choose(text: str, options: Sequence[str], *, can_be_several: bool) -> list[int]:
    """Indices of the options that the text of a select means, ascending. Raises NotActionable.

    An option is meant by its label, exactly; else regardless of case; else by the beginning or a part that is of
    no other. A list that takes several takes them as `one] [two`, and none as an empty text.
    """
    labels = [plain(option) for option in options]
    wanted = [plain(name) for name in several(plain(text), labels)]
    if can_be_several and wanted == [""] and "" not in labels:
        return []
    if len(wanted) > 1 and not can_be_several:
        raise NotActionable("takes one option")
    return sorted({_one(name, labels) for name in wanted})


def plain(text: str) -> str:
    """The text with its white space as a page draws it."""
    return " ".join(text.split())


def _one(name: str, labels: Sequence[str]) -> int:
    folded = name.casefold()
    ways: tuple[Callable[[str], bool], ...] = (
        lambda label: label == name,
        lambda label: label.casefold() == folded,
        lambda label: bool(name) and label.casefold().startswith(folded),
        lambda label: bool(name) and folded in label.casefold(),
    )
    for means in ways:
        found = [index for index, label in enumerate(labels) if means(label)]
        # Options of one label are one to whoever reads them.
        if found and len({labels[index] for index in found}) == 1:
            return found[0]
        if found:
            raise NotActionable(f"has several options like {_quoted(name)}: {_listed([labels[i] for i in found])}")
    if not labels:
        raise NotActionable("has no options")
    raise NotActionable(f"has no option {_quoted(name)}; its options are: {_listed(labels)}")


def _listed(labels: Sequence[str]) -> str:
    shown = ", ".join(_quoted(label) for label in labels[:_MOST_LISTED])
    return shown if len(labels) <= _MOST_LISTED else f"{shown} and {len(labels) - _MOST_LISTED} more"


def _quoted(label: str) -> str:
    return f"'{label if len(label) <= _MOST_CHARS else label[: _MOST_CHARS - 1].rstrip() + '…'}'"
