"""The page script's files share one scope: a function quietly takes the place of another of its name."""

from __future__ import annotations

import re
from collections import Counter
from importlib import resources

from services.browser import page

_DECLARED = re.compile(r"^(?:async )?(?:function\*?|class|const|let) +(\w+)", re.MULTILINE)


def test_no_name_is_declared_twice() -> None:
    files = [path for path in resources.files(page).iterdir() if path.name.endswith(".js")]
    names = Counter(name for path in files for name in _DECLARED.findall(path.read_text("utf-8")))
    assert names.total() > 150
    assert [name for name, count in names.items() if count > 1] == []
