"""What is larger than a message travels by blob, and pictures carry marks."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from benchmarks.websites import serving
from ratchet.browser.v1 import browser_service_pb2 as pb
from services.browser.blobs import Blobs
from services.browser.errors import BlobGone, NotObserved, SessionGone
from services.browser.settings import BrowserSettings
from services.common.errors import InvalidArgument
from tests.contract.browser.conftest import SHOP, Opener, World, _world, find

pytestmark = pytest.mark.asyncio(loop_scope="module")

WORDS = "what Zoë says € of it "
# 5 MB of text in 12,000 lines of 400 characters.
LONG = "<title>Long</title>" + "".join(f"<p>{n} {WORDS * 17}</p>" for n in range(12_000)) + "<a href=/>more</a>" * 40
LINKS = f"<title>Links</title>{f'<a href=/x>{WORDS * 5}</a>' * 12_000}"
# Noise does not compress.
NOISE = """<title>Noise</title><style>body {margin: 0} canvas {display: block}</style>
<canvas width=1280 height=3000></canvas><script>
const pen = document.querySelector('canvas').getContext('2d'), noise = pen.createImageData(1280, 3000);
for (let i = 0, n = 1; i < noise.data.length; i++) noise.data[i] = (n = n * 48271 % 2147483647) & 255;
pen.putImageData(noise, 0, 0);</script>"""
MARKED = """<title>Marked</title><style>body {margin: 0} button, a {position: absolute; width: 100px; height: 40px;
border: 0; background: #fff}</style><button style="left:200px;top:100px">One</button>
<button style="left:600px;top:100px">Under</button><div style="position:absolute;left:580px;top:80px;width:200px;
height:100px;background:#eee">Over</div><button style="left:200px;top:1500px">Below</button>
<iframe src="OTHER/inner" style="position:absolute;left:300px;top:300px;width:300px;height:200px;border:0"></iframe>
<h1 style="margin-top:600px">Heading</h1>"""
INNER = """<title>Inner</title><body style="margin:0"><button style="position:absolute;left:100px;top:50px;width:80px;
height:30px">Two</button>"""
PAGES = {"long": LONG, "links": LINKS, "noise": NOISE, "marked": MARKED, "inner": INNER}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A room with time for large pages."""
    settings = BrowserSettings(load_timeout_s=60.0, call_timeout_s=60.0)
    async with _world(tmp_path_factory.mktemp("room"), settings) as world:
        yield world


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sites() -> AsyncIterator[list[pb.Site]]:
    other = ""

    async def page(request: Request) -> HTMLResponse:
        return HTMLResponse("<!doctype html>" + PAGES[request.path_params["name"]].replace("OTHER", other))

    app = Starlette(routes=[Route("/{name}", page)])
    async with serving(app) as site, serving(app) as second:
        other = second.replace("127.0.0.1", "localhost")
        yield [pb.Site(display_url=SHOP, real_url=site), pb.Site(display_url="http://other.test", real_url=other)]


async def start(world: World, sites: list[pb.Site], path: str, format_name: str = "") -> pb.CreateSessionResponse:
    request = pb.CreateSessionRequest(sites=sites, start_url=f"{SHOP}/{path}", observation_format=format_name)
    return await world.stub.CreateSession(request)


async def read(world: World, blob: pb.Blob) -> bytes:
    chunks = [reply.chunk async for reply in world.stub.ReadBlob(pb.ReadBlobRequest(name=blob.name))]
    data = b"".join(chunks)
    assert len(chunks) > 1
    assert len(data) == blob.size_bytes
    assert blob.name.endswith(f"/blobs/{hashlib.sha256(data).hexdigest()}")
    return data


@pytest.mark.parametrize("format_name", ["compact", "webarena-axtree"])
async def test_text_of_more_than_four_megabytes_comes_whole_by_blob(
    world: World, sites: list[pb.Site], format_name: str
) -> None:
    seen = (await start(world, sites, "long", format_name)).observation
    whole = (await read(world, seen.text_blob)).decode()
    assert len(whole.encode()) > 4 * 1024 * 1024
    lines = seen.text.split("\n")
    assert lines[-1] == "(the page has more than is shown here)"
    assert whole.split("\n")[: len(lines) - 1] == lines[:-1]
    assert len(seen.text) > 2_000_000
    assert (seen.num_elements_left_out > 0) == (format_name != "compact")


async def test_json_of_more_than_four_megabytes_comes_whole_by_blob(world: World, sites: list[pb.Site]) -> None:
    seen = (await start(world, sites, "long", "json")).observation
    whole = await read(world, seen.text_blob)
    assert whole.decode().startswith(seen.text)
    assert json.loads(whole)["root"]["name"] == "Long"


async def test_elements_without_room_are_counted_and_can_be_acted_on(world: World, sites: list[pb.Site]) -> None:
    started = await start(world, sites, "links", "compact")
    seen = started.observation
    text = (await read(world, seen.text_blob)).decode() if seen.HasField("text_blob") else seen.text
    assert len(seen.elements) + seen.num_elements_left_out == 12_000
    assert 1_000 < len(seen.elements) < 10_000
    last = int(text.split("\n")[-1].removeprefix("[").partition("]")[0])
    assert last > seen.elements[-1].id
    assert (await world.act(started.session, f"hover [{last}]")).error == ""


async def test_short_texts_and_pictures_have_no_blob(world: World) -> None:
    started = await world.open("/")
    assert not started.observation.HasField("text_blob")
    assert started.observation.num_elements_left_out == 0
    picture = await world.stub.TakeScreenshot(pb.TakeScreenshotRequest(session=started.session))
    assert not picture.HasField("image_blob")


async def test_content_that_a_probe_reads_comes_whole_by_blob(world: World, sites: list[pb.Site]) -> None:
    session = (await start(world, sites, "marked")).session
    request = pb.ProbeRequest(session=session, url="last", locator="'ä'.repeat(3e6) + 'end'")
    probed = await world.stub.Probe(request)
    assert probed.error == ""
    assert (await read(world, probed.content_blob)).decode() == "ä" * 3_000_000 + "end"
    assert set(probed.content) == {"ä"}
    assert len(probed.content.encode()) > 2_000_000


async def test_a_large_picture_comes_at_full_quality_by_blob(world: World, sites: list[pb.Site]) -> None:
    session = (await start(world, sites, "noise")).session
    picture = await world.stub.TakeScreenshot(pb.TakeScreenshotRequest(session=session, full_page=True))
    full = await read(world, picture.image_blob)
    assert len(picture.image) <= 1_000_000 < len(full)
    assert (picture.media_type, picture.image_blob.media_type) == ("image/jpeg", "image/jpeg")
    for data in filter(None, (picture.image, full)):
        with Image.open(io.BytesIO(data)) as image:
            assert image.size == (1280, 3000)


async def test_a_blob_lives_as_long_as_its_session(world: World, sites: list[pb.Site]) -> None:
    started = await start(world, sites, "long", "compact")
    name = started.observation.text_blob.name
    await world.stub.DeleteSession(pb.DeleteSessionRequest(session=started.session))
    with pytest.raises(SessionGone, match="was deleted"):
        await anext(aiter(world.stub.ReadBlob(pb.ReadBlobRequest(name=name))))


async def test_a_session_drops_its_oldest_blobs_and_says_so(opened: Opener) -> None:
    world = await opened(max_blob_bytes=8 * 1024**2)
    session = (await world.open("/")).session

    async def probe(letter: str) -> pb.Blob:
        locator = f"'{letter}'.repeat(3e6)"
        return (await world.stub.Probe(pb.ProbeRequest(session=session, url="last", locator=locator))).content_blob

    first, second = await probe("a"), await probe("b")
    assert await read(world, first)
    await probe("c")
    with pytest.raises(BlobGone, match="probe or photograph again"):
        await read(world, first)
    assert set(await read(world, second)) == {ord("b")}
    locator = "'d'.repeat(9e6)"
    too_large = await world.stub.Probe(pb.ProbeRequest(session=session, url="last", locator=locator))
    assert (too_large.content_blob.name, too_large.content_blob.size_bytes) == ("", 9_000_000)
    assert len(too_large.content) == 2_500_000


async def test_a_name_that_is_none_of_a_blob_is_refused(world: World) -> None:
    for name in ("", "sessions/a/blobs/xyz", "blobs/" + "0" * 64):
        with pytest.raises(InvalidArgument, match="is not a blob's name"):
            await anext(aiter(world.stub.ReadBlob(pb.ReadBlobRequest(name=name))))


async def test_the_same_bytes_are_held_once_and_stay_longest() -> None:
    blobs = Blobs("sessions/s", 10)
    first = blobs.put(b"12345", "text/plain")
    second = blobs.put(b"67890", "text/plain")
    assert blobs.put(b"12345", "text/plain") == first
    blobs.put(b"x", "text/plain")
    assert blobs.get(first.name.rpartition("/")[2]) == b"12345"
    with pytest.raises(BlobGone):
        blobs.get(second.name.rpartition("/")[2])


async def test_marks_are_drawn_for_what_is_seen_and_never_on_the_page(world: World, sites: list[pb.Site]) -> None:
    started = await start(world, sites, "marked", "compact")
    ask = pb.TakeScreenshotRequest(session=started.session, marks=True)
    before = await world.value(started.session, "document.documentElement.outerHTML")
    marked = await world.stub.TakeScreenshot(ask)
    plain = await world.stub.TakeScreenshot(pb.TakeScreenshotRequest(session=started.session))
    assert await world.value(started.session, "document.documentElement.outerHTML") == before
    boxes = {mark.id: [mark.box.x, mark.box.y, mark.box.width, mark.box.height] for mark in marked.marks}
    one, two = find(started.observation, "One"), find(started.observation, "Two")
    assert boxes == {one: [200, 100, 100, 40], two: [400, 350, 80, 30]}
    assert differ(marked.image, plain.image, (198, 98, 302, 142))
    assert differ(marked.image, plain.image, (398, 348, 482, 382))
    assert not differ(marked.image, plain.image, (560, 60, 800, 200))


async def test_marks_of_a_full_page_are_of_all_of_it(world: World, sites: list[pb.Site]) -> None:
    started = await start(world, sites, "marked", "webarena-axtree")
    await world.act(started.session, "scroll [down]")
    await world.stub.Observe(pb.ObserveRequest(session=started.session, format="webarena-axtree"))
    ask = pb.TakeScreenshotRequest(session=started.session, marks=True, full_page=True)
    found = {mark.id: mark.box.y for mark in (await world.stub.TakeScreenshot(ask)).marks}
    places = {"One": 100, "Two": 350, "Under": 100, "Below": 1500}
    assert found == {
        element.id: places[element.name] for element in started.observation.elements if element.role == "button"
    }


async def test_marks_without_an_observation_are_refused(world: World) -> None:
    started = await world.open("/", observation_format="compact")
    await world.stub.Act(pb.ActRequest(session=started.session, action=f"goto [{SHOP}/cart]"))
    with pytest.raises(NotObserved, match="observe it first"):
        await world.stub.TakeScreenshot(pb.TakeScreenshotRequest(session=started.session, marks=True))


def differ(one: bytes, other: bytes, area: tuple[int, int, int, int]) -> bool:
    """Whether two pictures show something else in a part, more than their compression does."""
    with Image.open(io.BytesIO(one)) as a, Image.open(io.BytesIO(other)) as b:
        pairs = zip(a.convert("L").crop(area).tobytes(), b.convert("L").crop(area).tobytes(), strict=True)
        return sum(abs(x - y) > 60 for x, y in pairs) > 50
