"""A job's directory on two machines, by way of a place that both reach: s3://bucket/prefix or file:///directory.

Invariant: a file appears there, and here, whole or not at all; what is being written here (.new, .part) stays here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, ObjectStore, from_url

from services.common.errors import InvalidArgument, Unavailable

Wanted = Callable[[str], bool]
_UNFINISHED = (".new", ".part")


class SharedFiles:
    """One job's files. Every method blocks, and raises Unavailable when the place does not do its part."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("file", "s3"):
            raise InvalidArgument(f"training.job.files_url {url!r} is neither file:///directory nor s3://bucket/prefix")
        self._url = url
        self._directory = Path(unquote(parts.path)) if parts.scheme == "file" else None
        # What is known of a file on either side, by name: it is not copied again.
        self._here: dict[str, tuple[int, int]] = {}
        self._there: dict[str, tuple[int, object]] = {}

    def push(self, directory: Path, wanted: Wanted) -> None:
        """Copy there what is new here, the oldest first: a checkpoint comes after the weights that it names."""
        found = {path: _stamp(path) for path in _files(directory) if wanted(path.relative_to(directory).as_posix())}
        for path, stamp in sorted(found.items(), key=lambda item: item[1]):
            name = path.relative_to(directory).as_posix()
            if self._here.get(name) == stamp:
                continue
            try:
                obstore.put(self._store, name, path)
            except FileNotFoundError:  # the next checkpoint took its place
                continue
            except (OSError, BaseError) as error:
                raise self._unavailable(error) from error
            self._here[name] = stamp

    def pull(self, directory: Path, wanted: Wanted) -> None:
        """Copy here what is new there."""
        try:
            for batch in obstore.list(self._store):
                for item in batch:
                    stamp = (item["size"], item.get("e_tag") or item["last_modified"])
                    if wanted(item["path"]) and self._there.get(item["path"]) != stamp:
                        self._fetch(item["path"], directory / item["path"])
                        self._there[item["path"]] = stamp
        except (OSError, BaseError) as error:
            raise self._unavailable(error) from error

    def has(self, names: Collection[str]) -> bool:
        """Whether one of these is there."""
        try:
            return any(item["path"] in names for batch in obstore.list(self._store) for item in batch)
        except (OSError, BaseError) as error:
            raise self._unavailable(error) from error

    def prune(self, directory: Path, wanted: Wanted) -> None:
        """Remove there what was pushed and is no longer here."""
        for name in [name for name in self._here if wanted(name) and not (directory / name).exists()]:
            try:
                obstore.delete(self._store, name)
            except (FileNotFoundError, NotFoundError):
                pass
            except (OSError, BaseError) as error:
                raise self._unavailable(error) from error
            del self._here[name]

    def _fetch(self, name: str, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(path.name + ".part")
        with scratch.open("wb") as file:
            for chunk in obstore.get(self._store, name).stream():
                file.write(chunk)
        scratch.replace(path)
        self._here[name] = _stamp(path)

    @cached_property
    def _store(self) -> ObjectStore:
        if self._directory is None:
            return from_url(self._url)
        return LocalStore(self._directory, mkdir=True)

    def _unavailable(self, error: Exception) -> Unavailable:
        return Unavailable(f"the job's files at {self._url} cannot be had: {error}; check the store and its keys")


def _files(directory: Path) -> Iterator[Path]:
    return (path for path in directory.rglob("*") if path.is_file() and path.suffix not in _UNFINISHED)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except FileNotFoundError:
        return (0, 0)
    return (status.st_mtime_ns, status.st_size)
