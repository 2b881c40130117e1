"""Judges an answer's text, as WebArena does where it needs no model.

Invariant: any two texts can be compared; nothing here raises. Where WebArena asks a model (fuzzy_match), the rule is
stricter: the reference's words must stand in the answer, in order and unbroken.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from services.common.grounding import words
from services.scoring.tasks import OR, Evaluation, ReferenceAnswers

NOT_ACHIEVABLE = "N/A"
_QUOTES = ("'", '"')
# A number with its inner separators, a run of letters and digits, or a single sign.
_TOKEN = re.compile(r"\d+(?:[.,:/-]\d+)*|\w+|[^\w\s]")


def clean(text: str) -> str:
    """Without surrounding white space and one pair of quotes, in lower case."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in _QUOTES:
        text = text[1:-1]
    return text.lower()


def exact_match(reference: str, found: str) -> bool:
    """Equal after cleaning."""
    return clean(reference) == clean(found)


def says(reference: str, found: str) -> bool:
    """Whether any alternative (" |OR| ") stands in the text as whole words: "12" is neither in "112" nor in "12.99"."""
    text = clean(found)
    return any(re.search(_whole(alternative), text) for alternative in map(clean, reference.split(OR)))


def _whole(text: str) -> str:
    before = r"(?<!\w)" if re.match(r"\w", text) else ""
    after = r"(?!\w)" if re.search(r"\w\Z", text) else ""
    if text[:1].isdigit():
        before += r"(?<!\d[.,])"
    if text[-1:].isdigit():
        after += r"(?![.,]\d)"
    return before + re.escape(text) + after


def contains(reference: str, found: str, *, by_token: bool = False) -> bool:
    """WebArena's must_include: anywhere in the text; with `by_token` a single sign must be a word of its own."""
    wanted, text = clean(reference), clean(found)
    return wanted in _TOKEN.findall(text) if by_token and len(wanted) == 1 else wanted in text


def contains_any(reference: str, found: str) -> bool:
    """The same with alternatives (" |OR| "), which WebArena knows on pages only."""
    return any(contains(alternative, found) for alternative in reference.split(OR))


def fuzzy_match(reference: str, found: str) -> bool:
    """Whether the reference's words stand in the text, in order and unbroken."""
    wanted, given = words(reference), words(found)
    if not wanted:
        return exact_match(reference, found)
    return any(given[at : at + len(wanted)] == wanted for at in range(len(given) - len(wanted) + 1))


def not_achievable_match(note: str, found: str) -> bool:
    """Whether the answer says N/A, or gives the reason for it that the task notes."""
    return exact_match(NOT_ACHIEVABLE, found) or (bool(words(note)) and fuzzy_match(note, found))


def judge(evaluation: Evaluation, answer: str, included: Callable[[str, str, bool], bool]) -> tuple[bool, str]:
    """Whether the answer passes every reference, and what was wanted and found; `included` as in Matching.in_answer."""
    assert evaluation.reference_answers is not None
    missed = _missed(evaluation.reference_answers, evaluation.string_note or "", answer, included)
    found = f"answer {_short(answer)}"
    return (False, f"{found} {'; '.join(missed)}") if missed else (True, f"{found} matches")


def _missed(wanted: ReferenceAnswers, note: str, answer: str, included: Callable[[str, str, bool], bool]) -> list[str]:
    missed = []
    if wanted.exact_match is not None and not exact_match(wanted.exact_match, answer):
        missed.append(f"is not {_short(wanted.exact_match)}")
    references = wanted.must_include or []
    missed += [
        f"does not include {_short(reference)}"
        for reference in references
        if not included(reference, answer, len(references) == 1)
    ]
    meant = [wanted.fuzzy_match] if isinstance(wanted.fuzzy_match, str) else wanted.fuzzy_match or []
    if meant == [NOT_ACHIEVABLE]:
        if not not_achievable_match(note, answer):
            missed.append("does not say N/A")
    else:
        missed += [f"does not say {_short(text)}" for text in meant if not fuzzy_match(text, answer)]
    return missed


def _short(text: str) -> str:
    return repr(text if len(text) <= 120 else text[:119] + "…")
