"""What a session is opened with: language, place, time, permissions."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from ratchet.browser.v1 import browser_service_pb2 as pb
from services.common.errors import InvalidArgument
from tests.contract.browser.conftest import SHOP, World

pytestmark = pytest.mark.asyncio(loop_scope="module")

_NOW = """[Date.now(), +new Date(), Date.parse(Date()) + 0, performance.timeOrigin + performance.now()]
  .map(t => new Date(t).toISOString()).join()"""


async def test_language_and_time_zone_are_the_sessions_own(world: World) -> None:
    told = "[navigator.language, (1234.5).toLocaleString(), new Date(0).getHours()].join(' ')"
    there = await world.open(locale="de-DE", timezone_id="Asia/Tokyo")
    here = await world.open()
    assert await world.value(there.session, told) == "de-DE 1.234,5 9"
    assert await world.value(here.session, told) == "en-US 1,234.5 0"


_WHERE = """new Promise(done => navigator.geolocation.getCurrentPosition(
  p => done([p.coords.latitude, p.coords.longitude, p.coords.accuracy].join()), e => done('error ' + e.code)))"""


async def test_pages_are_told_a_place_only_where_one_was_given(world: World) -> None:
    place = pb.Geolocation(latitude=40.4432, longitude=-79.9428, accuracy_m=5)
    assert await world.value((await world.open(geolocation=place)).session, _WHERE) == "40.4432,-79.9428,5"
    assert await world.value((await world.open()).session, _WHERE) == "error 1"


async def test_permissions_are_those_that_were_given(world: World) -> None:
    state = "navigator.permissions.query({name: 'notifications'}).then(p => p.state)"
    assert await world.value((await world.open(permissions=["notifications"])).session, state) == "granted"
    assert await world.value((await world.open()).session, state) != "granted"


async def test_the_clock_starts_where_it_is_told_and_runs_on(world: World) -> None:
    start = datetime(2024, 3, 2, 9, 0, tzinfo=UTC)
    session = (await world.open(clock_start="2024-03-02T10:00:00+01:00")).session
    for _ in range(2):
        seen = [datetime.fromisoformat(text) for text in (await world.value(session, _NOW)).split(",")]
        assert all(timedelta(seconds=-1) <= moment - start < timedelta(minutes=2) for moment in seen)
        await world.act(session, f"goto [{SHOP}/frames]")
    elapsed = (
        "(async () => { const a = Date.now(); await new Promise(r => setTimeout(r, 60)); return Date.now() - a })()"
    )
    assert 50 <= float(await world.value(session, elapsed)) < 5_000
    later = datetime.fromisoformat((await world.value(session, _NOW)).split(",")[0])
    assert later > seen[0]


async def test_a_moved_clock_is_still_a_date(world: World) -> None:
    session = (await world.open(clock_start="2024-03-02T10:00:00Z")).session
    told = """[new Date(0).getTime(), new Date(2020, 1, 29).getDate(), new Date() instanceof Date, Date.name,
      Date.length,
      new (class extends Date {})() instanceof Date, new Date(new Date(7)).getTime(), Date.UTC(1970),
      new Date().constructor === Date, new Intl.DateTimeFormat('en-US').format(), typeof Date(),
      new Intl.DateTimeFormat('en-US').formatToParts(0).length].join()"""
    plain = (await world.open()).session
    moved, real = await asyncio.gather(world.value(session, told), world.value(plain, told))
    today = await world.value(plain, "new Intl.DateTimeFormat('en-US').format()")
    assert moved == real.replace(today, "3/2/2024")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"locale": "de DE"}, "locale is 'de DE'; use a language tag"),
        ({"timezone_id": "Mars"}, "Invalid timezone ID: Mars"),
        ({"timezone_id": "../etc"}, "timezone_id is '../etc'; use a name"),
        ({"geolocation": pb.Geolocation(latitude=91)}, "91, 0 is no place; use degrees"),
        ({"geolocation": pb.Geolocation(accuracy_m=-1)}, "an accuracy of -1 m is not possible"),
        ({"permissions": ["camera"]}, "'camera' cannot be given; use geolocation, notifications"),
        ({"clock_start": "yesterday"}, "clock_start is 'yesterday'; use RFC 3339"),
        ({"clock_start": "2024-03-02T10:00:00"}, "with an offset"),
        ({"clock_start": "1066-10-14T09:00:00Z"}, "clock_start is in 1066; use a year"),
    ],
)
async def test_a_bad_setting_is_named(world: World, fields: dict[str, object], told: str) -> None:
    with pytest.raises(InvalidArgument, match=told):
        await world.open(**fields)
