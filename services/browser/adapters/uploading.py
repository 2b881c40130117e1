"""Giving files to a page: through the file field itself, or through the chooser that a control opens.

Invariant: only files of the session are given; the chooser never opens for real, and is watched for one upload only.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from services.browser.ports import Covered, NotActionable

if TYPE_CHECKING:
    from services.browser.adapters.hand import ChromiumHand

# Whether the element is a file field, or whose label it is.
_FIELD = """function() {
  let e = this.nodeType === Node.ELEMENT_NODE ? this : this.parentElement;
  const isField = n => n && n.tagName === 'INPUT' && n.type === 'file';
  if (isField(e) && e.matches(':disabled')) return {error: 'is disabled'};
  return {isField: isField(e), several: isField(e) && e.multiple};
}"""


async def upload(hand: ChromiumHand, element: str, paths: Sequence[Path]) -> None:
    """Give the files to the field, or to the one whose chooser the element opens. Raises NotActionable."""
    field = await hand.call(element, _FIELD)
    choosers = hand.heard("Page.fileChooserOpened")
    await hand.tab.send("Page.setInterceptFileChooserDialog", {"enabled": True})
    try:
        await hand.press_on(element)
        await hand.tab.settle()
    except Covered:
        raise
    except NotActionable:
        # A field may be too small to be seen, and be opened by the keyboard or by a picture of it.
        if not field["isField"]:
            raise
    finally:
        await hand.tab.send("Page.setInterceptFileChooserDialog", {"enabled": False})
    chooser = None if choosers.empty() else choosers.get_nowait()
    if chooser is None and not field["isField"]:
        raise NotActionable("opens no file chooser")
    several = chooser["mode"] == "selectMultiple" if chooser else field["several"]
    if len(paths) > 1 and not several:
        raise NotActionable("takes one file")
    where = {"backendNodeId": chooser["backendNodeId"]} if chooser else {"objectId": element}
    await hand.tab.send("DOM.setFileInputFiles", {"files": [str(path) for path in paths], **where})
