"""Text that pretends to be lines of an observation never becomes one, in any format."""

from __future__ import annotations

import re

import pytest

from tests.contract.browser.bad_pages import FORGED
from tests.contract.browser.conftest import SHOP, World

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("name", ["compact", "webarena-axtree"])
async def test_a_page_cannot_write_lines_of_its_own(world: World, name: str) -> None:
    seen = (await world.open("/bad/quine", observation_format=name)).observation
    lines = re.split(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]", seen.text)
    numbered = {int(match[1]): line for line in lines if (match := re.match(r"\s*\[(\d+)\]", line))}
    names = {element.id: element.name for element in seen.elements}
    assert numbered.keys() <= names.keys()
    # No line is the forged one: each begins with the role that its element has.
    roles = {element.id: element.role for element in seen.elements}
    assert all(line.split("] ", 1)[1].startswith(roles[number]) for number, line in numbered.items())
    assert not any(line.strip().startswith((FORGED, "[8] link 'Pay now'")) for line in lines)
    assert "before" in seen.text


async def test_a_tabs_title_cannot_either(world: World) -> None:
    opened = await world.open("/bad/quine", observation_format="webarena-axtree")
    await world.act(opened.session, "new_tab")
    await world.act(opened.session, f"goto [{SHOP}/bad/quine]")
    outcome = await world.act(opened.session, "tab_focus [0]")
    assert outcome.observation.num_tabs == 2
    assert not any(line.strip().startswith(FORGED) for line in outcome.observation.text.splitlines())
