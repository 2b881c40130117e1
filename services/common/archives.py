"""Directories of plain files as tar archives: the same files give the same bytes, and unpacking writes nowhere else."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

from services.common.errors import InvalidArgument

MAX_FILES = 32
MAX_BYTES = 8 * 1024**3


class BadArchive(InvalidArgument):
    """Not an archive of the wanted files, or not the one that was named."""

    reason = "BAD_ARCHIVE"


def pack(directory: Path, archive: Path) -> None:
    """Write a directory's files, by name, without owner and time."""
    with tarfile.open(archive, "w", format=tarfile.USTAR_FORMAT) as tar:
        for path in sorted(path for path in directory.iterdir() if path.is_file()):
            member = tarfile.TarInfo(path.name)
            member.size, member.mode = path.stat().st_size, 0o644
            with path.open("rb") as file:
                tar.addfile(member, file)


def unpack(archive: Path, target: Path, required: tuple[str, ...] = ()) -> None:
    """Extract into a new directory. Raises BadArchive for anything but a few plain files, the required among them."""
    target.mkdir()
    try:
        with tarfile.open(archive, "r:") as tar:
            members = tar.getmembers()
            for member in members:
                if not member.isreg() or "/" in member.name or member.name.startswith("."):
                    raise BadArchive(f"the archive holds {member.name!r}; only plain files at its top are taken")
            if len(members) > MAX_FILES or sum(member.size for member in members) > MAX_BYTES:
                raise BadArchive(f"the archive holds more than {MAX_FILES} files or {MAX_BYTES} bytes")
            # Not extractall: its safe filter came with Python 3.11.4.
            for member in members:
                with tar.extractfile(member) as packed, (target / member.name).open("xb") as file:  # type: ignore[union-attr]
                    shutil.copyfileobj(packed, file)
    except FileExistsError as error:
        raise BadArchive(f"the archive holds {Path(error.filename).name!r} twice") from error
    except tarfile.TarError as error:
        raise BadArchive(f"not a whole tar archive: {error}; store it again") from error
    lacking = [name for name in required if not (target / name).is_file()]
    if lacking:
        raise BadArchive(f"the archive lacks {' and '.join(lacking)}; it must be a directory that PEFT saved")
