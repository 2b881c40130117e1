"""Archives of an adapter's files: the same bytes for the same files, and nothing unpacked that is not one of them."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from services.common.archives import BadArchive, pack, unpack


def archive(path: Path, *members: tuple[str, bytes], kind: bytes = tarfile.REGTYPE) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.type, member.size = kind, len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def test_the_same_files_give_the_same_bytes_and_come_back(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights").write_bytes(bytes(range(256)) * 1000)
        (tmp_path / name / "config").write_text("{}")
        pack(tmp_path / name, tmp_path / f"{name}.tar")
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    unpack(tmp_path / "one.tar", tmp_path / "back", required=("config", "weights"))
    assert (tmp_path / "back" / "weights").read_bytes() == bytes(range(256)) * 1000


@pytest.mark.parametrize("name", ["../outside", "/outside", "folder/file", ".hidden"])
def test_a_file_that_would_lie_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadArchive, match="only plain files"):
        unpack(archive(tmp_path / "a.tar", (name, b"x")), tmp_path / "there")
    assert not list((tmp_path / "there").iterdir())


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_what_is_no_file_is_refused(tmp_path: Path, kind: bytes) -> None:
    with pytest.raises(BadArchive, match="only plain files"):
        unpack(archive(tmp_path / "a.tar", ("link", b""), kind=kind), tmp_path / "there")


def test_a_file_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadArchive, match="'config' twice"):
        unpack(archive(tmp_path / "a.tar", ("config", b"1"), ("config", b"2")), tmp_path / "there")


def test_an_archive_cut_in_half_is_refused(tmp_path: Path) -> None:
    whole = archive(tmp_path / "a.tar", ("weights", b"x" * 100_000))
    whole.write_bytes(whole.read_bytes()[:50_000])
    with pytest.raises(BadArchive, match="not a whole tar archive"):
        unpack(whole, tmp_path / "there")


def test_a_file_that_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadArchive, match="lacks weights"):
        unpack(archive(tmp_path / "a.tar", ("config", b"1")), tmp_path / "there", required=("config", "weights"))
