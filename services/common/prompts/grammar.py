"""The actions as a regular expression, for an engine that lets a model write nothing else.

Invariant: an action in its canonical form matches; what matches is an action.
"""

from __future__ import annotations

_ID = r"\[[0-9]{1,9}\]"
# A text ends at the last bracket of the line, so it may hold brackets itself.
_TEXT = r"\[[^\n]*\]"
_SOME_TEXT = r"\[[^\n]*[^\s\]\[][^\n]*\]"

ACTION = "(?:" + "|".join(
    (
        f"(?:click|hover|tab_focus) {_ID}",
        rf"type {_ID} {_TEXT} \[[01]\]",
        f"select {_ID} {_TEXT}",
        f"upload {_ID} {_SOME_TEXT}",
        f"drag {_ID} {_ID}",
        f"(?:press|goto) {_SOME_TEXT}",
        r"scroll \[(?:up|down)\]",
        rf"dialog \[dismiss\]|dialog \[accept\](?: {_TEXT})?",
        "new_tab|close_tab|go_back|go_forward",
        f"stop {_TEXT}",
    )
) + ")"  # fmt: skip
