"""Frames of other origins are read, clicked and typed into like the rest of the page."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from benchmarks.corpora import CHROMIUMS
from benchmarks.fidelity import read_both
from benchmarks.websites import serving
from ratchet.browser.v1 import browser_service_pb2 as pb
from services.browser.adapters.reader import Reader
from services.browser.ports import ContextOptions
from tests.contract.browser.conftest import SHOP, World, find

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAY = "http://pay.test"
PAGES = {
    "page": """<title>Page</title><h1>Above</h1><button>First</button><iframe src="PAY/form" title="Pay"></iframe>
        <button>Last</button><iframe src="PAY/empty"></iframe>""",
    "form": """<title>Form</title><p>Card number</p><input aria-label="Card"><script>
        const pay = () => { document.querySelector('p').append(' paid with ', document.querySelector('input').value); };
        </script>
        <select aria-label="Month"><option>May<option>June</select>
        <button onclick="pay()">Pay</button><iframe src="SITE/terms"></iframe><a href="/thanks">Go</a>""",
    "terms": """<title>Terms</title><input type="checkbox" id="t"
        onchange="document.querySelector('label').textContent = 'Agreed'"><label for="t">Agree</label>""",
    "thanks": "<title>Thanks</title><h2>Thank you</h2><button>Close</button>",
    "empty": "",
    # Far below, scrolled, scaled, with borders and padding, in a frame that is taller than the window.
    "far": """<title>Far</title><div style="height:3000px"></div><div style="overflow:auto;height:500px;width:700px">
        <div style="height:900px"></div>
        <iframe src="PAY/tall" style="border:7px solid;padding:11px;width:600px;height:1600px"></iframe></div>""",
    "tall": """<title>Tall</title><div style="height:1300px"></div>
        <iframe src="SITE/deep" style="width:400px;height:120px;transform:scale(.5);border:5px solid"></iframe>""",
    "deep": """<title>Deep</title><div style="height:700px"></div><button style="width:90px;height:20px"
        onclick="this.textContent = 'Hit at ' + event.offsetX + ',' + event.offsetY">Deep</button>""",
    "covered": """<title>Covered</title><iframe src="PAY/thanks"></iframe>
        <div role="dialog" aria-label="Cookies" style="position:fixed;inset:0;background:#fff">
        <button onclick="this.parentElement.remove()">Accept</button></div>""",
    "refused": """<title>Refused</title><p>Here</p><iframe src="http://outside.test/x"></iframe>
        <iframe src="https://outside.test/x"></iframe><iframe src="http://127.0.0.1:1/x"></iframe>
        <iframe src="PAY/forbidden"></iframe><p>There</p>""",
    "layout": """<title>Layout</title><table><tr><th>Name</th><th>Frame</th></tr>
        <tr><td>Row</td><td><iframe src="PAY/thanks"></iframe></td></tr></table>""",
    "sandboxed": """<title>Boxes</title><iframe sandbox="allow-scripts" srcdoc="<button>In a sandbox</button>"></iframe>
        <iframe style="visibility:hidden" src="PAY/thanks"></iframe>""",
    "many": "<title>Many</title>" + "<iframe src='PAY/thanks'></iframe>" * 60,
    "drag": """<title>Drag</title><iframe src="PAY/list" style="margin-top:900px"></iframe>""",
    "list": """<title>List</title><div draggable="true" role="button" aria-label="Thing">Thing</div><p></p>
        <div role="button" aria-label="Place" ondragover="event.preventDefault()"
        ondrop="document.querySelector('p').textContent = 'Dropped'">Place</div>""",
}


@dataclass
class Framed:
    """A room beside a site whose pages frame another."""

    world: World
    site: str
    pay: str

    async def open(self, path: str, format_name: str = "compact") -> pb.CreateSessionResponse:
        sites = [pb.Site(display_url=SHOP, real_url=self.site), pb.Site(display_url=PAY, real_url=self.pay)]
        return await self.world.stub.CreateSession(
            pb.CreateSessionRequest(sites=sites, start_url=f"{SHOP}/{path}", observation_format=format_name)
        )

    async def click(self, opened: pb.CreateSessionResponse, name: str) -> pb.ActResponse:
        done = await self.world.click(opened, name, opened.session)
        assert done.error == ""
        return done


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def framed(world: World) -> AsyncIterator[Framed]:
    """The site at an address, the other at a name and a port of its own."""
    addresses = {"SITE": "", "PAY": ""}

    async def page(request: Request) -> Response:
        html = PAGES.get(request.path_params["name"])
        if html is None:
            return HTMLResponse("no", headers={"x-frame-options": "DENY"})
        for name, address in addresses.items():
            html = html.replace(name, address)
        return HTMLResponse("<!doctype html>" + html if html else "")

    app = Starlette(routes=[Route("/{name}", page)])
    async with AsyncExitStack() as stack:
        addresses["SITE"] = await stack.enter_async_context(serving(app))
        other = await stack.enter_async_context(serving(app))
        addresses["PAY"] = other.replace("127.0.0.1", "localhost")
        yield Framed(world, addresses["SITE"], addresses["PAY"])


async def test_what_frames_hold_stands_where_they_are(framed: Framed) -> None:
    opened = await framed.open("page")
    ids = [element.id for element in opened.observation.elements]
    assert len(set(ids)) == len(ids)
    shown = [line.partition("] ")[2] or line for line in opened.observation.text.splitlines()]
    assert shown == [
        "heading 'Above'",
        "button 'First'",
        "text 'Card number'",
        "textbox 'Card'",
        "combobox 'Month': 'May' of 'May | June'",
        "button 'Pay'",
        "checkbox 'Agree'",
        "link 'Go'",
        "button 'Last'",
    ]


async def test_elements_in_frames_are_typed_into_chosen_and_clicked(framed: Framed) -> None:
    opened = await framed.open("page")
    session, card = opened.session, find(opened.observation, "Card")
    typed = await framed.world.act(session, f"type [{card}] [4711] [0]")
    assert f"[{card}] textbox 'Card': '4711'" in typed.observation.text
    chosen = await framed.world.act(session, f"select [{find(typed.observation, 'Month')}] [June]")
    assert (chosen.error, "'June' of" in chosen.observation.text) == ("", True)
    assert "text 'Card number paid with 4711'" in (await framed.click(opened, "Pay")).observation.text
    agreed = await framed.click(opened, "Agree")
    assert f"[{find(opened.observation, 'Agree')}] checkbox 'Agreed' checked" in agreed.observation.text


async def test_a_frame_that_navigates_is_read_anew_and_its_old_elements_are_gone(framed: Framed) -> None:
    opened = await framed.open("page")
    going = await framed.click(opened, "Go")
    assert "heading 'Thank you'" in going.observation.text
    assert "Card number" not in going.observation.text
    kept = {"First", "Last"}
    assert {find(going.observation, name) for name in kept} == {find(opened.observation, name) for name in kept}
    gone = await framed.world.act(opened.session, f"click [{find(opened.observation, 'Pay')}]")
    assert "is not on the page" in gone.error
    closed = await framed.world.click(going, "Close", opened.session)
    assert closed.error == ""


async def test_a_click_goes_through_scrolled_and_scaled_frames_to_the_middle_of_its_element(framed: Framed) -> None:
    opened = await framed.open("far")
    hit = await framed.click(opened, "Deep")
    assert "button 'Hit at 43,8'" in hit.observation.text


async def test_things_are_dragged_inside_a_frame(framed: Framed) -> None:
    opened = await framed.open("drag")
    thing, place = find(opened.observation, "Thing"), find(opened.observation, "Place")
    dropped = await framed.world.act(opened.session, f"drag [{thing}] [{place}]")
    assert (dropped.error, "text 'Dropped'" in dropped.observation.text) == ("", True)


async def test_what_lies_over_a_frame_is_told(framed: Framed) -> None:
    opened = await framed.open("covered")
    refused = await framed.world.click(opened, "Close", opened.session)
    assert "[Close]" not in refused.error
    assert "button 'Close' is covered by dialog 'Cookies'" in refused.error
    await framed.click(opened, "Accept")
    assert (await framed.world.click(opened, "Close", opened.session)).error == ""


async def test_frames_that_did_not_load_say_nothing(framed: Framed) -> None:
    opened = await framed.open("refused")
    assert opened.observation.text.splitlines() == ["text 'Here'", "text 'There'"]


async def test_a_frame_in_a_table_is_read_after_its_row(framed: Framed) -> None:
    opened = await framed.open("layout")
    assert [line.partition("] ")[2] or line for line in opened.observation.text.splitlines()] == [
        "row 'Name | Frame'",
        "row 'Row'",
        "heading 'Thank you'",
        "button 'Close'",
    ]


async def test_sandboxed_frames_are_read_and_hidden_ones_are_not(framed: Framed) -> None:
    opened = await framed.open("sandboxed")
    assert [element.name for element in opened.observation.elements] == ["In a sandbox"]
    await framed.click(opened, "In a sandbox")


async def test_more_frames_than_are_read_are_told(framed: Framed) -> None:
    opened = await framed.open("many")
    assert len(opened.observation.elements) == 50
    assert opened.observation.text.endswith("(the page has more than is shown here)")


async def test_elements_of_frames_keep_their_ids_while_others_come_and_go(framed: Framed) -> None:
    opened = await framed.open("page")
    more = """[...Array(40)].map(() => document.body.prepend(document.createElement('button')))"""
    await framed.world.value(opened.session, more)
    again = await framed.world.stub.Observe(pb.ObserveRequest(session=opened.session, format="compact"))
    names = ("First", "Card", "Pay", "Agree", "Last")
    for name in names:
        assert find(again.observation, name) == find(opened.observation, name)
    assert len(again.observation.elements) == len(opened.observation.elements) + 40
    # Round the ids up to 999, and past those of the frames.
    many = """document.querySelector('h1').innerHTML = '<button>New</button>'.repeat(300)"""
    for _ in range(4):
        await framed.world.value(opened.session, many)
        again = await framed.world.stub.Observe(pb.ObserveRequest(session=opened.session, format="compact"))
        ids = [element.id for element in again.observation.elements]
        assert len(ids) == len(set(ids)) > 300
    for name in names[1:]:
        assert find(again.observation, name) == find(opened.observation, name)


async def test_a_page_without_such_frames_is_read_in_one_call(framed: Framed) -> None:
    context = await framed.world.browser.open(ContextOptions(origins=(framed.site,)))
    tab, sent = context.front, []

    async def send(method: str, params: dict[str, Any]) -> dict[str, Any]:
        sent.append(method)
        return await tab.send(method, params)

    await tab.load(f"{framed.site}/thanks")
    frame = (await tab.send("Page.getFrameTree"))["frameTree"]["frame"]
    reader = Reader(send)
    for options in ({"format": "compact"}, {"format": "compact"}, {"format": "tree"}):
        sent.clear()
        await reader.observe(frame["id"], frame["loaderId"], options)
    await context.close()
    assert sent == ["Runtime.callFunctionOn"]


async def test_both_formats_name_the_same_elements_of_a_frame(framed: Framed) -> None:
    opened = await framed.open("page", "webarena-axtree")
    pay = next(element for element in opened.observation.elements if (element.role, element.name) == ("button", "Pay"))
    assert f"\t[{pay.id}] button 'Pay'" in opened.observation.text
    paid = await framed.world.act(opened.session, f"click [{pay.id}]")
    assert (paid.error, "text 'Card number paid with'" in paid.observation.text) == ("", True)


@pytest.mark.parametrize(("name", "focused"), [("page", "Card"), ("page", ""), ("covered", ""), ("sandboxed", "")])
async def test_frames_read_as_chromium_reads_them(framed: Framed, name: str, focused: str) -> None:
    async with async_playwright() as playwright:
        found = next((path for path in map(shutil.which, CHROMIUMS) if path), None)
        isolated = ["--no-sandbox", "--disable-site-isolation-trials"]
        browser = await playwright.chromium.launch(executable_path=found, args=isolated)
        page = await browser.new_page()
        await page.goto(f"{framed.site}/{name}", wait_until="networkidle")
        if focused:
            await page.frames[1].get_by_label(focused).focus()
        cdp = await page.context.new_cdp_session(page)
        await cdp.send("DOM.enable")
        await cdp.send("Accessibility.enable")
        both = await read_both(cdp)
        await browser.close()
    assert both is not None
    theirs, ours = both
    assert ours == theirs
