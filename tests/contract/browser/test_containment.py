"""What pages try, and what becomes of it."""

from __future__ import annotations

import asyncio

import pytest

from tests.contract.browser.conftest import SHOP, World

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("link", ["Other origin", "Away by redirect"])
async def test_a_link_that_leaves_the_sites_is_refused_and_the_page_stays(world: World, link: str) -> None:
    opened = await world.open("/trouble")
    world.asked.clear()
    outcome = await world.click(opened, link, opened.session)
    assert outcome.events == [f"refused {world.other}/secret: outside the sites"]
    assert (outcome.error, outcome.observation.url) == ("", f"{SHOP}/trouble")
    assert "/secret" not in world.asked


@pytest.mark.parametrize(
    "url", ["http://evil.example/", "file:///etc/passwd", "data:text/html,hello", "chrome://crash"]
)
async def test_an_agent_cannot_go_outside(world: World, url: str) -> None:
    opened = await world.open()
    outcome = await world.act(opened.session, f"goto [{url}]")
    assert outcome.error.endswith(f"outside the sites that can be reached: {SHOP}")
    assert outcome.observation.url == f"{SHOP}/"


async def test_a_redirect_of_the_agents_own_goto_is_refused(world: World) -> None:
    opened = await world.open()
    outcome = await world.act(opened.session, f"goto [{SHOP}/away]")
    assert outcome.error
    assert world.site not in outcome.error
    assert outcome.events == [f"refused {world.other}/secret: outside the sites"]
    assert outcome.observation.url == f"{SHOP}/"


_ATTEMPTS = """(async other => {
  const tries = [
    () => fetch(other + '/secret', {mode: 'no-cors'}), () => fetch(other.replace('127.0.0.1', 'localhost') + '/secret'),
    () => fetch('file:///etc/passwd'), () => navigator.sendBeacon(other + '/secret'),
    () => new Promise((ok, no) => { const i = new Image(); i.onload = ok; i.onerror = no; i.src = other + '/secret' }),
    () => new Promise((ok, no) => { const w = new WebSocket(other.replace('http', 'ws'));
      w.onopen = ok; w.onerror = no }),
    () => new Promise((ok, no) => { const f = document.createElement('iframe');
      f.onload = ok; f.src = other + '/secret'; document.body.append(f) }),
    () => new Promise((ok, no) => { const code = `fetch('${other}/secret', {mode: 'no-cors'}).finally(() => close())`;
      const w = new Worker(URL.createObjectURL(new Blob([code]))); setTimeout(ok, 200) }),
  ];
  const late = () => new Promise(r => setTimeout(r, 300));
  for (const attempt of tries) { try { await Promise.race([attempt(), late()]) } catch { } }
  return 'tried ' + tries.length;
})('OTHER')"""


async def test_no_script_reaches_another_origin(world: World) -> None:
    opened = await world.open("/trouble")
    world.asked.clear()
    assert await world.value(opened.session, _ATTEMPTS.replace("OTHER", world.other)) == "tried 8"
    assert world.asked == []
    outcome = await world.act(opened.session, "scroll [up]")
    assert len([event for event in outcome.events if event.startswith("refused")]) >= 5


async def test_a_script_cannot_navigate_to_a_file_or_a_data_url(world: World) -> None:
    opened = await world.open("/trouble")
    for url in ("file:///etc/passwd", "data:text/html,<h1>hello</h1>"):
        await world.value(opened.session, f"void (location.href = '{url}')")
        assert (await world.act(opened.session, "scroll [up]")).observation.url == f"{SHOP}/trouble"


async def test_a_storm_of_alerts_is_dismissed_and_told(world: World) -> None:
    opened = await world.open("/trouble")
    outcome = await world.click(opened, "Storm", opened.session)
    assert outcome.events == [f"dismissed alert: storm {number}" for number in range(30)]


async def test_an_endless_storm_of_alerts_is_stopped(world: World) -> None:
    opened = await world.open("/trouble")
    outcome = await world.click(opened, "Endless storm", opened.session)
    assert outcome.events == ["dismissed alert: for ever"] * 30
    assert outcome.error.endswith("its script was stopped")
    assert (await world.click(opened, "Far below", opened.session)).observation.title == "reached"


@pytest.mark.parametrize("name", ["Popup", "Window"])
async def test_a_popup_becomes_a_tab_in_front(world: World, name: str) -> None:
    opened = await world.open("/trouble", headers={"x-episode": "e1"})
    outcome = await world.click(opened, name, opened.session)
    assert outcome.events == [f"opened a new tab: {SHOP}/cart"]
    assert (outcome.observation.num_tabs, outcome.observation.active_tab) == (2, 1)
    assert "text 'Episode: e1'" in outcome.observation.text


async def test_a_popup_outside_the_sites_is_refused_without_waiting_for_it(world: World) -> None:
    opened = await world.open("/trouble")
    outcome = await world.click(opened, "Out", opened.session)
    assert outcome.events == [f"refused {world.other}/secret: outside the sites"]
    assert (outcome.observation.num_tabs, outcome.observation.url) == (1, f"{SHOP}/trouble")
    assert outcome.elapsed_s < 2.0


async def test_popups_beyond_the_twentieth_tab_are_closed(world: World) -> None:
    opened = await world.open("/trouble")
    await world.click(opened, "Windows", opened.session)
    # Popups that were slow to come are counted by the next action.
    outcome = await world.act(opened.session, "tab_focus [0]")
    assert 2 < outcome.observation.num_tabs <= 20
    context = world.registry.get(opened.session)._context
    await context.settled()
    assert len(context.tabs) == 20


@pytest.mark.parametrize("name", ["Download", "Attachment"])
async def test_a_download_is_refused(world: World, name: str) -> None:
    opened = await world.open("/trouble")
    outcome = await world.click(opened, name, opened.session)
    events = list(outcome.events)
    async with asyncio.timeout(20):
        # A link that only downloads leaves the page as it is; Chromium tells of it in its own time.
        while not events:
            events += (await world.act(opened.session, "scroll [up]")).events
    assert events == ["refused to download file.bin"]
    assert outcome.observation.url == f"{SHOP}/trouble"


async def test_a_page_that_closes_itself_leaves_an_empty_tab(world: World) -> None:
    opened = await world.open("/trouble")
    await world.value(opened.session, "setTimeout(() => window.close())")
    outcome = await world.act(opened.session, "scroll [up]")
    assert outcome.observation.num_tabs == 1


@pytest.mark.parametrize("scheme", ["data", "file", "view-source", "chrome"])
async def test_a_link_to_another_scheme_leads_nowhere(world: World, scheme: str) -> None:
    opened = await world.open("/bad/schemes")
    outcome = await world.click(opened, scheme, opened.session)
    assert outcome.observation.url == f"{SHOP}/bad/schemes"


@pytest.mark.parametrize(("scheme", "title"), [("blob", "Blob"), ("javascript", "ran")])
async def test_a_link_to_the_pages_own_making_is_followed_inside_the_fence(
    world: World, scheme: str, title: str
) -> None:
    opened = await world.open("/bad/schemes")
    outcome = await world.click(opened, scheme, opened.session)
    assert outcome.observation.title == title
    world.asked.clear()
    await world.value(opened.session, f"fetch('{world.other}/secret', {{mode: 'no-cors'}}).catch(() => 0)")
    assert world.asked == []


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "blob:http://x/1", "view-source:http://shop.test/", "about:blank"]
)
async def test_an_agent_cannot_go_to_another_scheme(world: World, url: str) -> None:
    opened = await world.open()
    outcome = await world.act(opened.session, f"goto [{url}]")
    assert outcome.error.endswith(f"outside the sites that can be reached: {SHOP}")


async def test_a_service_worker_stays_inside(world: World) -> None:
    opened = await world.open("/bad/plain")
    world.asked.clear()
    await world.act(opened.session, f"goto [{SHOP}/bad/worker]")
    asked = "(async () => { while (!/asked|no worker/.test(document.title)) await new Promise(setTimeout) })()"
    await world.value(opened.session, asked)
    await world.value(opened.session, f"fetch('{world.other}/secret', {{mode: 'no-cors'}}).catch(() => 0)")
    assert "/bad/worker.js" in world.asked
    assert "/secret" not in world.asked
    events = (await world.act(opened.session, "scroll [up]")).events
    assert f"refused {world.other}/secret: outside the sites" in events


async def test_sockets_and_event_sources_are_refused(world: World) -> None:
    opened = await world.open("/bad/plain")
    world.asked.clear()
    await world.act(opened.session, f"goto [{SHOP}/bad/sockets]")
    ended = "(async () => { while (ended.length < 2) await new Promise(setTimeout); return ended.sort().join() })()"
    assert await world.value(opened.session, ended) == "refused socket,refused source"
    assert "/secret" not in world.asked
