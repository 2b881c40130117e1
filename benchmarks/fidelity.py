"""How many lines of our observation are equal to those of Chromium's own accessibility tree.

Both trees become `webarena-axtree` text (role, name, properties; ids left out) and are compared line by line over the
arena's pages, all of MiniWoB++ (where the PyPI package `miniwob` is installed) and generated pages of hard cases.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from benchmarks import corpora, results
from benchmarks.chromium_tree import AXNode, Comparison, from_chromium, text_lines
from services.browser.adapters.reader import Reader
from services.browser.nodes import Answer, parse

if TYPE_CHECKING:
    from playwright.async_api import CDPSession, Page


async def read_both(cdp: CDPSession, *, tries: int = 4) -> tuple[list[str], list[str]] | None:
    """Their lines and ours, of a moment in which the page did not move; None if it never held still."""
    for _ in range(tries):
        # Made anew: a tree that is kept notices no listener that came late, and a shape is a symbol by its listeners.
        await cdp.send("Accessibility.disable")
        await cdp.send("Accessibility.enable")
        before = await chromium(cdp)
        answer = await walk(cdp)
        if before == await chromium(cdp):
            return text_lines(from_chromium(*before)), text_lines(parse(answer).root)
    return None


async def chromium(cdp: CDPSession) -> tuple[list[AXNode], dict[int, list[AXNode]]]:
    """Chromium's tree of the main frame, and those of the other frames by their owner's backend id."""
    frames: dict[int, list[AXNode]] = {}
    work = (await cdp.send("Page.getFrameTree"))["frameTree"].get("childFrames", [])
    for child in work:
        number = child["frame"]["id"]
        owner = (await cdp.send("DOM.getFrameOwner", {"frameId": number}))["backendNodeId"]
        frames[owner] = (await cdp.send("Accessibility.getFullAXTree", {"frameId": number}))["nodes"]
        work += child.get("childFrames", [])
    return (await cdp.send("Accessibility.getFullAXTree"))["nodes"], frames


async def walk(cdp: CDPSession) -> Answer:
    """The page script's answer, started anew."""
    frame = (await cdp.send("Page.getFrameTree"))["frameTree"]["frame"]
    return await Reader(cdp.send).observe(frame["id"], frame["loaderId"], {"format": "tree"})


async def measure(pages: AsyncIterator[tuple[str, Page]]) -> Comparison:
    """The comparison over the pages."""
    found = Comparison()
    sessions: dict[Page, CDPSession] = {}
    async for name, page in pages:
        if page not in sessions:
            sessions[page] = await page.context.new_cdp_session(page)
            await sessions[page].send("DOM.enable")
        both = await read_both(sessions[page])
        if both is None:
            print(f"{name}: never held still")
            continue
        found.add(name, both[0], both[1])
    return found


def report(found: dict[str, Comparison]) -> dict[str, Any]:
    """Print the tables; the result as it is written."""
    print(f"{'corpus':<12}{'pages':>7}{'lines':>8}{'equal':>8}{'share':>9}")
    for name, lines in found.items():
        print(f"{name:<12}{lines.num_pages:>7}{lines.num_lines:>8}{lines.num_equal:>8}{lines.share:>9.2%}")
    num_lines = sum(lines.num_lines for lines in found.values())
    num_equal = sum(lines.num_equal for lines in found.values())
    overall = num_equal / num_lines if num_lines else 0.0
    print(f"{'all':<12}{'':>7}{num_lines:>8}{num_equal:>8}{overall:>9.2%}")
    for name, lines in found.items():
        for kind, count in lines.kinds.most_common(int(os.environ.get("KINDS", "1000"))):
            page, theirs, ours = lines.examples[kind]
            print(f"{name} {count:>5} {kind}\n        {page}")
            print(f"        chromium {theirs[:160]}\n        ratchet  {ours[:160]}")
    return {
        "ratios": {"lines_equal": round(overall, 5)}
        | {f"lines_equal_{name}": round(lines.share, 5) for name, lines in found.items()},
        "pages": {name: lines.num_pages for name, lines in found.items()},
        "lines": {name: lines.num_lines for name, lines in found.items()},
        "kinds": {name: dict(lines.kinds.most_common()) for name, lines in found.items()},
    }


def main() -> None:
    """Print the tables and write build/bench/fidelity.json."""
    results.write("fidelity", report(asyncio.run(corpora.each(measure))))


if __name__ == "__main__":
    main()
