"""`upload`: a session's files into a page."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet.browser.v1 import browser_service_pb2 as pb
from services.common.errors import InvalidArgument
from tests.contract.browser.conftest import World, find

pytestmark = pytest.mark.asyncio(loop_scope="module")
FILES = [pb.File(name="note.txt", content=b"the note"), pb.File(name="a] [b.csv", content=b"x,y")]


async def test_a_file_goes_into_its_field_and_is_sent(world: World) -> None:
    opened = await world.open("/uploads", files=FILES)
    given = await world.act(opened.session, f"upload [{find(opened.observation, 'One')}] [note.txt]")
    assert given.error == ""
    log = "log.filter(line => !line.startsWith('click')).join()"
    path = "C:\\fakepath\\note.txt"
    assert await world.value(opened.session, log) == f"input one {path} real,change one {path} real"
    sent = await world.click(given, "Send", opened.session)
    assert "text 'one: note.txt: the note'" in sent.observation.text


async def test_a_field_of_several_takes_several(world: World) -> None:
    opened = await world.open("/uploads", files=FILES)
    number = find(opened.observation, "Many")
    outcome = await world.act(opened.session, f"upload [{number}] [note.txt] [a] [b.csv]")
    assert outcome.error.endswith(
        "cannot be given 'a': the session has no such file; its files are: note.txt, a] [b.csv"
    )
    assert (await world.act(opened.session, f"upload [{number}] [a] [b.csv]")).error == ""
    assert await world.value(opened.session, "many.files[0].name + many.files.length") == "a] [b.csv1"


@pytest.mark.parametrize("name", ["Attach", "Choose a file", "Read a file"])
async def test_a_control_that_opens_a_chooser_is_given_the_file(world: World, name: str) -> None:
    opened = await world.open("/uploads", files=FILES, observation_format="webarena-axtree")
    action = f"upload [{find(opened.observation, name)}] [note.txt]"
    outcome = await world.stub.Act(pb.ActRequest(session=opened.session, action=action))
    assert outcome.error == ""
    # A page reads a file in its own time.
    given = """(async () => {
      const told = () => document.title + [...hid.files, ...behind.files].map(f => f.name);
      while (told() === 'Uploads') await new Promise(done => setTimeout(done));
      return told();
    })()"""
    assert await world.value(opened.session, given) in ("Uploadsnote.txt", "the note")


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("Plain", "note.txt", "opens no file chooser"),
        ("Off", "note.txt", "is disabled"),
        ("One", "note.txt] [b.txt", "takes one file"),
        ("One", "/etc/passwd", "the session has no such file; its files are: note.txt, b.txt"),
        ("One", "../note.txt", "the session has no such file; its files are: note.txt, b.txt"),
    ],
)
async def test_what_cannot_be_uploaded_is_told(world: World, name: str, text: str, told: str) -> None:
    files = [FILES[0], pb.File(name="b.txt", content=b"b")]
    opened = await world.open("/uploads", files=files)
    number = find(opened.observation, name)
    outcome = await world.act(opened.session, f"upload [{number}] [{text}]")
    assert outcome.error.startswith(f"[{number}] button '{name}")
    assert outcome.error.endswith(told)
    assert await world.value(opened.session, "one.files.length + off.files.length") == "0"


async def test_a_session_without_files_says_so(world: World) -> None:
    opened = await world.open("/uploads")
    outcome = await world.act(opened.session, f"upload [{find(opened.observation, 'One')}] [note.txt]")
    assert outcome.error.endswith("the session has no such file; it was opened without files")


async def test_files_are_on_disk_only_while_the_session_lives_and_for_nobody_else(world: World) -> None:
    opened = await world.open("/uploads", files=FILES)
    context = world.registry.get(opened.session)._context
    assert context.files._directory is None
    await world.act(opened.session, f"upload [{find(opened.observation, 'One')}] [note.txt]")
    directory = Path(context.files._directory.name)
    assert directory.stat().st_mode & 0o077 == 0
    assert [path.name for path in directory.iterdir()] == ["note.txt"]
    await world.stub.DeleteSession(pb.DeleteSessionRequest(session=opened.session))
    assert not directory.exists()


@pytest.mark.parametrize("name", ["", " ", "..", "a/b", "a\\b", "C:x", " a", "a\n", "x" * 300])
async def test_a_file_with_a_bad_name_is_refused(world: World, name: str) -> None:
    with pytest.raises(InvalidArgument, match="files: "):
        await world.open("/uploads", files=[pb.File(name=name, content=b"x")])


async def test_files_that_are_twice_there_or_too_large_are_refused(world: World) -> None:
    with pytest.raises(InvalidArgument, match=r"'note\.txt' is there twice"):
        await world.open("/uploads", files=[FILES[0], FILES[0]])
    large = [pb.File(name=f"{number}", content=bytes(1024 * 1024)) for number in range(3)]
    with pytest.raises(InvalidArgument, match="3 of 3145728 bytes together; send at most 100 of 2097152 bytes"):
        await world.open("/uploads", files=large)
