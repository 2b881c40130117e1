"""What a session shows of a page."""

from __future__ import annotations

import re

import pytest

from ratchet.browser.v1 import browser_service_pb2 as pb
from tests.contract.browser.conftest import SHOP, World, find

pytestmark = pytest.mark.asyncio(loop_scope="module")

COMPACT = """\
[1] link 'Home'
[2] link 'Cart'
[3] textbox 'Search products': 'old words'
[4] button 'Search'
heading 'Velmora Kettle'
text 'Price: $12.99 incl. tax'
[5] link 'A heading that is a link'
[6] checkbox 'Subscribe' checked
[7] radio 'Express'
[8] combobox 'Size': 'Small' of 'Small | Large'
text 'one'
[9] link 'two'
text 'more'
row 'Order | Date'
row 'Order 1007 | 2024-03-02'
[10] link 'Order 1007'
[11] button 'Reorder'
image 'A picture'
[12] button 'Sold out' disabled
[13] DisclosureTriangle 'More' collapsed
[14] textbox 'Comment': 'first second'"""
WEBARENA = """\
Tab 0 (current): Shop

[n] RootWebArea 'Shop' focused: True
	[n] link 'Home'
	[n] link 'Cart'
	[n] form ''
		[n] StaticText 'Search products'
		[n] textbox 'Search products' required: False
			[n] StaticText 'old words'
		[n] button 'Search'
	[n] main ''
		[n] heading 'Velmora Kettle'
			[n] emphasis ''
		[n] StaticText 'Price: '
		[n] StaticText '$12.99'
		[n] StaticText ' incl. tax'
		[n] heading 'A heading that is a link'
			[n] link 'A heading that is a link'
		[n] checkbox 'Subscribe' checked: true
		[n] radio 'Express' checked: false
		[n] combobox 'Size' hasPopup: menu expanded: False
			[n] MenuListPopup ''
				[n] option 'Small' selected: True
				[n] option 'Large' selected: False
		[n] ListMarker '• '
		[n] StaticText 'one'
		[n] ListMarker '• '
		[n] link 'two'
		[n] StaticText ' more'
		[n] table ''
			[n] row ''
				[n] columnheader 'Order' required: False
				[n] columnheader 'Date' required: False
				[n] columnheader '' required: False
			[n] row ''
				[n] cell 'Order 1007'
					[n] link 'Order 1007'
				[n] cell '2024-03-02'
				[n] cell 'Reorder'
					[n] button 'Reorder'
		[n] image 'A picture'
		[n] button 'Sold out' disabled: True
		[n] group ''
			[n] DisclosureTriangle 'More' expanded: False
		[n] textbox 'Comment' required: False
			[n] StaticText 'first'
			[n] LineBreak '\\n'
			[n] StaticText 'second'"""


async def test_the_compact_text_of_a_page(world: World) -> None:
    opened = await world.open()
    assert opened.observation.text == COMPACT
    assert (opened.observation.url, opened.observation.title) == (f"{SHOP}/", "Shop")
    assert [element.id for element in opened.observation.elements] == list(range(1, 15))


async def test_the_webarena_text_of_a_page_and_its_ids_can_be_acted_on(world: World) -> None:
    opened = await world.open(observation_format="webarena-axtree")
    assert re.sub(r"\[\d+\]", "[n]", opened.observation.text) == WEBARENA
    outcome = await world.click(opened, "Cart", opened.session)
    assert (outcome.error, outcome.observation.title) == ("", "Cart")


async def test_ids_stay_while_the_document_lives_and_change_with_it(world: World) -> None:
    opened = await world.open()
    clicked = await world.click(opened, "Express", opened.session)
    assert [e.id for e in clicked.observation.elements] == [e.id for e in opened.observation.elements]
    await world.act(opened.session, f"goto [{SHOP}/cart]")
    again = await world.act(opened.session, f"goto [{SHOP}/]")
    assert find(again.observation, "Home") == 15


async def test_an_id_of_an_earlier_document_is_not_on_the_page(world: World) -> None:
    opened = await world.open()
    home = find(opened.observation, "Home")
    await world.act(opened.session, f"goto [{SHOP}/cart]")
    outcome = await world.act(opened.session, f"click [{home}]")
    assert outcome.error == f"[{home}] is not on the page"


async def test_observing_costs_no_request_and_changes_nothing(world: World) -> None:
    opened = await world.open()
    world.asked.clear()
    request = pb.ObserveRequest(session=opened.session, format="compact")
    seen = [(await world.stub.Observe(request)).observation.text for _ in range(3)]
    assert seen == [COMPACT] * 3
    assert world.asked == []


async def test_a_screenshot_is_a_small_jpeg_and_a_full_one_is_taller(world: World) -> None:
    opened = await world.open("/trouble", viewport_width=800, viewport_height=400)
    request = pb.TakeScreenshotRequest(session=opened.session)
    shot = await world.stub.TakeScreenshot(request)
    request.full_page = True
    whole = await world.stub.TakeScreenshot(request)
    assert shot.media_type == "image/jpeg"
    assert _size(shot.image) == (800, 400)
    width, height = _size(whole.image)
    assert width == 800
    assert height > 3000
    assert len(whole.image) < 1_000_000


def _size(jpeg: bytes) -> tuple[int, int]:
    """Width and height from the frame header."""
    assert jpeg[:2] == b"\xff\xd8"
    start = re.search(rb"\xff[\xc0\xc2]..\x08", jpeg, re.DOTALL)
    assert start is not None
    height, width = (int.from_bytes(jpeg[start.end() + i : start.end() + i + 2]) for i in (0, 2))
    return width, height
