"""What each observation format costs a model, and what it leaves out, over the pages of the fidelity run.

Tokens are words and marks (no model's vocabulary); `words` is the share of the words that a page shows which its text
has; `controls` the share of visible links, buttons and fields that have an id to act on, and `drawn` of boxes that only
look like one (a hand-shaped pointer over a word or a few, no control inside).
"""

from __future__ import annotations

import asyncio
import re
import statistics
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks import corpora, results
from services.browser.adapters.reader import Reader
from services.browser.formats import webarena
from services.browser.formats.tree import View
from services.browser.nodes import Text, parse, parse_text

if TYPE_CHECKING:
    from playwright.async_api import CDPSession, Page

_TOKEN = re.compile(r"\w+|[^\w\s]")
_WORD = re.compile(r"\w+")
# What a person sees: the page's words, and the names of things that can be used, each as often as it is there.
_SEEN = """() => {
  const shown = e => e.checkVisibility({visibilityProperty: true, opacityProperty: true})
    && e.getBoundingClientRect().width >= 1 && e.getBoundingClientRect().height >= 1;
  const native = 'a[href],button,input:not([type=hidden]),select,textarea,summary,[role=button],[role=link],[role=tab]';
  const isOuter = e => !e.parentElement.closest(native);
  const controls = [...document.querySelectorAll(native)].filter(e => isOuter(e) && shown(e));
  const pointed = e => getComputedStyle(e).cursor === 'pointer';
  const isDrawn = e => pointed(e) && !pointed(e.parentElement) && shown(e) && !e.closest(native + ',label,option')
    && !e.querySelector(native) && e.innerText && e.innerText.trim().length <= 120;
  const drawn = [...document.querySelectorAll('body *')].filter(isDrawn);
  return {text: document.body ? document.body.innerText : '', controls: controls.length, drawn: drawn.length};
}"""


@dataclass
class Measured:
    """One format over one corpus, a number a page."""

    tokens: list[int] = field(default_factory=list)
    words: list[float] = field(default_factory=list)
    # With an id, of those that are seen.
    controls: list[tuple[int, int]] = field(default_factory=list)
    drawn: list[tuple[int, int]] = field(default_factory=list)

    def add(self, text: str, roles: list[str], seen: dict[str, Any]) -> None:
        """Count one page."""
        self.tokens.append(len(_TOKEN.findall(text)))
        shown, said = set(_WORD.findall(seen["text"].lower())), set(_WORD.findall(text.lower()))
        if shown:
            self.words.append(len(shown & said) / len(shown))
        drawn = roles.count("clickable")
        self.controls.append((min(len(roles) - drawn, seen["controls"]), seen["controls"]))
        self.drawn.append((min(drawn, seen["drawn"]), seen["drawn"]))


async def measure(pages: AsyncIterator[tuple[str, Page]]) -> dict[str, Measured]:
    """Both formats over the pages."""
    found = {"compact": Measured(), "webarena-axtree": Measured()}
    sessions: dict[Page, CDPSession] = {}
    async for _, page in pages:
        if page not in sessions:
            sessions[page] = await page.context.new_cdp_session(page)
        cdp, seen = sessions[page], await page.evaluate(_SEEN)
        frame = (await cdp.send("Page.getFrameTree"))["frameTree"]["frame"]
        reader = Reader(cdp.send)
        text: Text = parse_text(await reader.observe(frame["id"], frame["loaderId"], {"format": "compact"}))
        found["compact"].add(text.text, [element.role for element in text.elements], seen)
        tree = parse(await reader.observe(frame["id"], frame["loaderId"], {"format": "tree"})).root
        lines = webarena.lines(View(tree, [""], 0))[2:]
        # Every line has an id there; what counts is what can be acted on.
        usable = [role for line in lines if line.element and (role := line.element.role) in _USABLE]
        found["webarena-axtree"].add("\n".join(line.text for line in lines), usable, seen)
    return found


_USABLE = frozenset(
    (
        *("link", "button", "textbox", "searchbox", "checkbox", "radio", "combobox", "listbox", "tab", "switch"),
        *("slider", "spinbutton", "DisclosureTriangle", "DisclosureTriangleGrouped", "Date", "DateTime"),
        *("InputTime", "ColorWell"),
    )
)


def _share(pairs: list[tuple[int, int]]) -> float | None:
    total = sum(of for _, of in pairs)
    return round(sum(num for num, _ in pairs) / total, 4) if total else None


def main() -> None:
    """Print the table and write build/bench/formats.json."""
    found = asyncio.run(corpora.each(measure))
    heads = "".join(f"{name:>{width}}" for name, width in _HEADS)
    print(f"{'corpus':<11}{'format':<17}{heads}")
    table: dict[str, Any] = {}
    for corpus, formats in found.items():
        for name, measured in formats.items():
            row = {
                "pages": len(measured.tokens),
                "tokens_median": statistics.median(measured.tokens),
                "tokens_mean": round(statistics.mean(measured.tokens), 1),
                "words": round(statistics.mean(measured.words), 4),
                "controls": _share(measured.controls),
                "drawn": _share(measured.drawn),
            }
            table[f"{corpus} {name}"] = row
            shares = "".join(f"{'-' if row[key] is None else f'{row[key]:.1%}':>{width}}" for key, width in _SHARES)
            print(f"{corpus:<11}{name:<17}{row['pages']:>6}{row['tokens_median']:>15}{row['tokens_mean']:>8}{shares}")
    ratios = {
        f"webarena_tokens_over_compact_{corpus}": round(
            sum(formats["webarena-axtree"].tokens) / sum(formats["compact"].tokens), 2
        )
        for corpus, formats in found.items()
    }
    for name, ratio in ratios.items():
        print(f"{name:<45}{ratio:>8}")
    results.write("formats", {"ratios": ratios, "table": table})


_SHARES = (("words", 8), ("controls", 10), ("drawn", 8))
_HEADS = (("pages", 6), ("tokens, median", 15), ("mean", 8), *_SHARES)


if __name__ == "__main__":
    main()
