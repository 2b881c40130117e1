"""Observation formats on real pages, WebArena's viewport mode held to its own algorithm on Chromium's own tree."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, CDPSession, Error, Page, async_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from benchmarks import corpora
from benchmarks.chromium_tree import AXNode, Comparison, from_chromium
from benchmarks.corpora import CHROMIUMS
from benchmarks.websites import serving
from ratchet.browser.v1 import browser_service_pb2 as pb
from services.arena.server import ArenaServer
from services.browser import observation
from services.browser.adapters.reader import Reader
from services.browser.formats import webarena
from services.browser.formats.tree import View
from services.browser.nodes import parse
from tests.contract.browser.conftest import SHOP, World, find

pytestmark = pytest.mark.asyncio(loop_scope="module")

RECTANGLE = """function() {
  const range = document.createRange();
  if (this.nodeType === 3) range.selectNode(this);
  const r = (this.nodeType === 3 ? range : this).getBoundingClientRect();
  return [r.x, r.y, r.width, r.height];
}"""


async def rectangle(cdp: CDPSession, node: AXNode) -> list[float] | None:
    """What WebArena measures a node by."""
    if "backendDOMNodeId" not in node:
        return None
    if node["role"]["value"] == "RootWebArea":
        return [0, 0, 10, 10]
    try:
        found = await cdp.send("DOM.resolveNode", {"backendNodeId": node["backendDOMNodeId"]})
        question = {"objectId": found["object"]["objectId"], "functionDeclaration": RECTANGLE, "returnByValue": True}
        reply = await cdp.send("Runtime.callFunctionOn", question)
    except Error:
        return None
    return None if reply["result"].get("subtype") == "error" else reply["result"]["value"]


async def seen(cdp: CDPSession, node: AXNode, *, published: bool) -> bool:
    """Whether WebArena's mode for the current viewport of 1280 x 720 shows a node."""
    box = await rectangle(cdp, node)
    if box is None or not box[2] or not box[3]:
        return False
    x, y, width, height = box
    across, down = min(x + width, 1280) - max(x, 0), min(y + height, 720) - max(y, 0)
    area = max(0, across) * max(0, down)
    return (area / width * height if published else area / (width * height)) >= 0.6


async def theirs(cdp: CDPSession, *, published: bool) -> list[str]:
    """The lines of WebArena's viewport mode from Chromium's tree: what is not seen gives way to what is below it."""
    nodes = {node["nodeId"]: node for node in (await cdp.send("Accessibility.getFullAXTree"))["nodes"]}
    shown = [node for node in nodes.values() if not node.get("ignored")]
    hidden = {node["nodeId"] for node in shown if not await seen(cdp, node, published=published)}
    for node in nodes.values():
        if node["nodeId"] in hidden:
            node["ignored"] = True
    return lines_of(webarena.lines(View(from_chromium(list(nodes.values())), [""], 0)))


def lines_of(found: list[webarena.Line]) -> list[str]:
    return [line.text.partition("[")[0] + line.text.partition("] ")[2] for line in found[2:]]


async def ours(cdp: CDPSession, is_shown: webarena.Test) -> list[str]:
    frame = (await cdp.send("Page.getFrameTree"))["frameTree"]["frame"]
    answer = await Reader(cdp.send).observe(frame["id"], frame["loaderId"], {"format": "tree", "boxes": True})
    root = parse(answer).root
    stack = [root]
    while stack:
        node = stack.pop()
        if node.role == "Iframe":
            node.children.clear()  # WebArena reads the main frame only
        stack += node.children
    return lines_of(webarena.lines(View(root, [""], 0), is_shown))


async def compare(pages: AsyncIterator[tuple[str, Page]], scrolled: int) -> dict[bool, Comparison]:
    """Both modes over the pages, as published or not, scrolled down so far."""
    found = {False: Comparison(), True: Comparison()}
    async for name, page in pages:
        cdp = await page.context.new_cdp_session(page)
        await cdp.send("DOM.enable")
        await cdp.send("Accessibility.enable")
        await page.evaluate(f"scrollTo(0, {scrolled})")
        for published, is_shown in ((False, webarena.in_view), (True, webarena.in_view_as_published)):
            expected = await theirs(cdp, published=published)
            found[published].add(name, expected, await ours(cdp, is_shown))
        await cdp.detach()
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        found = next((path for path in map(shutil.which, CHROMIUMS) if path), None)
        browser = await playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        await browser.close()


async def test_the_viewport_modes_are_webarenas_on_arena_pages(chromium: Browser) -> None:
    async with ArenaServer() as server:
        found = await compare(corpora.arena(chromium, server, 2), scrolled=150)
    for comparison in found.values():
        assert comparison.num_pages >= 8
        assert comparison.share == 1.0, comparison.examples
    assert found[True].num_lines > found[False].num_lines > 100


async def test_the_viewport_modes_are_webarenas_on_hard_pages(chromium: Browser) -> None:
    found = await compare(corpora.generated(chromium, 8, seed=3), scrolled=200)
    for comparison in found.values():
        assert comparison.share >= 0.99, comparison.examples


PAGES = {
    "boxes": """<title>Boxes</title><style>body {margin: 0} * {box-sizing: border-box}</style>
        <button style="position:absolute;left:10px;top:20px;width:100px;height:30px" aria-expanded="true">Near</button>
        <input aria-label="Field" value="held" style="position:absolute;left:10px;top:60px;width:100px;height:30px">
        <button style="position:absolute;left:10px;top:900px;width:100px;height:30px">Far</button>
        <button style="position:absolute;left:10px;top:710px;width:100px;height:30px">Half</button>
        <iframe src="OTHER/framed" style="position:absolute;left:200px;top:100px;width:300px;height:200px;padding:3px;
        border:5px solid"></iframe>""",
    "framed": """<title>Framed</title><style>body {margin: 0}</style>
        <button style="position:absolute;left:10px;top:20px;width:100px;height:30px">Inside</button>
        <button style="position:absolute;left:10px;top:500px;width:100px;height:30px">Clipped</button>
        <button style="position:absolute;left:400px;top:20px;width:100px;height:30px">Beside</button>
        <iframe srcdoc="<body style='margin:0'><button style='width:50px;height:20px'>Inmost" style="position:absolute;
        left:20px;top:100px;width:100px;height:50px;border:0"></iframe>""",
    "long": "<title>Long</title>"
    + "".join(f"<h2>Part {n}</h2><p style='height:400px'>Words {n}</p>" for n in range(9)),
    "deep": "<title>Deep</title>" + "<div role=group aria-label=g>" * 400 + "<button>Bottom</button>",
}
INSIDE = [10 + 200 + 8, 20 + 100 + 8, 100, 30]
INMOST = [20 + 200 + 8, 100 + 100 + 8, 50, 20]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sites() -> AsyncIterator[list[pb.Site]]:
    other = ""

    async def page(request: Request) -> HTMLResponse:
        return HTMLResponse("<!doctype html>" + PAGES[request.path_params["name"]].replace("OTHER", other))

    app = Starlette(routes=[Route("/{name}", page)])
    async with serving(app) as site, serving(app) as second:
        other = second.replace("127.0.0.1", "localhost")
        yield [pb.Site(display_url=SHOP, real_url=site), pb.Site(display_url="http://other.test", real_url=other)]


async def opened(world: World, sites: list[pb.Site], path: str, format_name: str) -> pb.CreateSessionResponse:
    return await world.stub.CreateSession(
        pb.CreateSessionRequest(sites=sites, start_url=f"{SHOP}/{path}", observation_format=format_name)
    )


async def boxes_of(world: World, session: str, format_name: str) -> dict[str, tuple[list[float], bool]]:
    """Box, and whether it is in view, of each element that actions name, by its name."""
    request = pb.ObserveRequest(session=session, format=format_name, boxes=True)
    elements = (await world.stub.Observe(request)).observation.elements
    return {
        e.name: ([e.box.x, e.box.y, e.box.width, e.box.height], e.in_view) for e in elements if e.role != "StaticText"
    }


@pytest.mark.parametrize("format_name", observation.FORMATS)
async def test_boxes_are_of_the_window_through_all_frames(world: World, sites: list[pb.Site], format_name: str) -> None:
    session = (await opened(world, sites, "boxes", "")).session
    found = await boxes_of(world, session, format_name)
    assert found["Near"] == ([10, 20, 100, 30], True)
    assert found["Inside"] == (INSIDE, True)
    assert found["Inmost"] == (INMOST, True)
    if not format_name.startswith("webarena-axtree-viewport"):
        assert found["Far"] == ([10, 900, 100, 30], False)
        assert found["Beside"] == ([608, 128, 100, 30], False)
        assert found["Clipped"] == ([218, 608, 100, 30], False)


async def test_values_and_states_come_with_boxes_and_only_then(world: World, sites: list[pb.Site]) -> None:
    started = await opened(world, sites, "boxes", "compact")
    assert not any(e.HasField("box") or e.in_view or e.states or e.value for e in started.observation.elements)
    near = find(started.observation, "Near")
    request = pb.ActRequest(
        session=started.session, action=f"hover [{near}]", observation_format="compact", observation_boxes=True
    )
    elements = {e.name: e for e in (await world.stub.Act(request)).observation.elements}
    assert (list(elements["Near"].states), elements["Field"].value) == (["expanded"], "held")
    await world.act(started.session, f"type [{elements['Field'].id}] [new] [0]")
    tree = pb.ObserveRequest(session=started.session, format="webarena-axtree", boxes=True)
    elements = {e.name: e for e in (await world.stub.Observe(tree)).observation.elements}
    assert (list(elements["Near"].states), elements["Field"].value) == (["expanded: True"], "new")
    assert list(elements["Field"].states) == ["focused: True", "required: False"]


async def test_the_viewport_text_follows_the_scroll(world: World, sites: list[pb.Site]) -> None:
    started = await opened(world, sites, "long", "webarena-axtree-viewport")
    assert started.observation.text.splitlines()[:2] == ["Tab 0 (current): Long", ""]
    assert "heading 'Part 0'" in started.observation.text
    assert "heading 'Part 6'" not in started.observation.text
    scroll = pb.ActRequest(
        session=started.session, action="scroll [down]", observation_format="webarena-axtree-viewport"
    )
    await world.stub.Act(scroll)
    below = (await world.stub.Act(scroll)).observation
    assert "heading 'Part 0'" not in below.text
    assert "heading 'Part 4'" in below.text
    assert {f"[{element.id}]" in below.text for element in below.elements} == {True}


async def test_two_modes_differ_by_the_forgotten_brackets(world: World, sites: list[pb.Site]) -> None:
    session = (await opened(world, sites, "boxes", "")).session
    strict = await boxes_of(world, session, "webarena-axtree-viewport")
    published = await boxes_of(world, session, "webarena-axtree-viewport-as-published")
    assert "Half" in published
    assert "Half" not in strict
    assert not {"Far", "Clipped", "Beside"} & published.keys()
    assert "Near" in strict


async def test_json_is_the_tree_under_stable_keys(world: World, sites: list[pb.Site]) -> None:
    seen = (await opened(world, sites, "boxes", "json")).observation
    found = json.loads(seen.text)
    assert list(found) == ["tabs", "current_tab", "is_cut", "root"]
    assert (found["tabs"], found["current_tab"], found["is_cut"]) == (["Boxes"], 0, False)
    root = found["root"]
    near, field, *_ = root["children"]
    assert (root["role"], root["name"], root["states"]) == (
        "RootWebArea",
        "Boxes",
        {"focusable": True, "focused": True},
    )
    assert near == {
        "role": "button",
        "name": "Near",
        "id": find(seen, "Near"),
        "states": {"focusable": True, "expanded": True},
        "box": [10, 20, 100, 30],
        "in_view": True,
        "children": near["children"],
    }
    assert (field["value"], list(field)[:4]) == ("held", ["role", "name", "id", "value"])
    assert "children" not in near["children"][0]
    frame = next(node for node in root["children"] if node["role"] == "Iframe")
    assert [node["name"] for node in frame["children"][0]["children"][:2]] == ["Inside", "Clipped"]


async def test_json_of_a_deep_page_is_json(world: World, sites: list[pb.Site]) -> None:
    seen = (await opened(world, sites, "deep", "json")).observation
    nodes: list[dict[str, Any]] = [json.loads(seen.text)["root"]]
    for node in nodes:
        nodes += node.get("children", [])
    assert [node["role"] for node in nodes if node["name"] == "Bottom"] == ["button", "StaticText"]


async def test_a_question_of_the_page_is_json_too(world: World) -> None:
    started = await world.open("/trouble")
    click = pb.ActRequest(
        session=started.session, action=f"click [{find(started.observation, 'Confirm')}]", observation_format="json"
    )
    seen = (await world.stub.Act(click)).observation
    assert json.loads(seen.text) == {"dialog": {"kind": "confirm", "message": "sure?", "default": ""}}
