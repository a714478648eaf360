"""Objects as files in a local folder.

Written to a temporary file, flushed to the disk and renamed, with the folder flushed after it: an object that was
acknowledged survives a power cut, one that was not leaves nothing under its name.
"""

from __future__ import annotations

import errno
import io
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from tholos.store.backends.protocol import Blob, check_name
from tholos.store.errors import StoreFull, StoreUnusable, UnknownBlob

_UNFINISHED = ".unfinished"
_ABANDONED_AFTER = 3600.0
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_BUFFER = 256 * 1024


class LocalBackend:
    """A `Backend` in a folder, which is made if it is missing."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._unfinished = root / _UNFINISHED
        with self._explained("open"):
            self._unfinished.mkdir(parents=True, exist_ok=True)
            self._clear_abandoned()

    def put(self, name: str, parts: Iterable[bytes]) -> int:
        target = self._path(name)
        temporary = self._unfinished / secrets.token_hex(16)
        with self._explained("write to"):
            try:
                size = _write(temporary, parts)
                self._make_folder(target.parent)
                temporary.rename(target)
                _flush_folder(target.parent)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
        return size

    def open(self, name: str, offset: int = 0, length: int | None = None) -> BinaryIO:
        with self._explained("read from", name):
            source = self._path(name).open("rb", buffering=0)
            window = _Window(source, offset, length)
            return cast(
                "BinaryIO", io.BufferedReader(window, _BUFFER if length is None else min(length + 1, _BUFFER))
            )

    def blobs(self, prefix: str = "") -> Iterator[Blob]:
        start = prefix.rpartition("/")[0]
        for path in _walk(self._root / start if start else self._root):
            name = path.relative_to(self._root).as_posix()
            if name.startswith(prefix) and not name.startswith(_UNFINISHED):
                with suppress(FileNotFoundError):
                    status = path.stat()
                    yield Blob(name, status.st_size, status.st_mtime)

    def delete(self, name: str) -> None:
        with self._explained("delete from"):
            self._path(name).unlink(missing_ok=True)

    def exists(self, name: str) -> bool:
        return self._path(name).is_file()

    def size(self, name: str) -> int:
        with self._explained("read from", name):
            return self._path(name).stat().st_size

    def _path(self, name: str) -> Path:
        return self._root / check_name(name)

    def _make_folder(self, folder: Path) -> None:
        """Make the folder so that it survives a power cut: a new name is only durable once its parent is flushed."""
        if folder.is_dir():
            return
        self._make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _flush_folder(folder.parent)

    def _clear_abandoned(self) -> None:
        """Remove what killed writers left; a living one has written within the hour."""
        oldest = time.time() - _ABANDONED_AFTER
        for path in self._unfinished.iterdir():
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < oldest:
                    path.unlink()

    @contextmanager
    def _explained(self, doing: str, name: str = "") -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            if not name:
                raise self._unusable(doing, error) from error
            raise UnknownBlob(f"Cannot read {name}: the store has no such object.", where=name) from error
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise StoreFull(
                    f"Cannot store this: the disk of {self._root} is full.",
                    fix="Free some space on it or remove old releases, then try again; nothing was changed.",
                ) from error
            raise self._unusable(doing, error) from error

    def _unusable(self, doing: str, error: OSError) -> StoreUnusable:
        return StoreUnusable(
            f"Cannot {doing} the store in {self._root}: {error.strerror or error}.",
            fix="Check that the folder is there, that its disk works and that this account may write to it.",
        )


class _Window(io.RawIOBase):
    """A part of a file; closing it closes the file."""

    def __init__(self, source: io.FileIO, offset: int, length: int | None) -> None:
        super().__init__()
        self._source = source
        self._left = length
        source.seek(offset)

    def readable(self) -> bool:
        return True

    def readinto(self, target: memoryview) -> int:  # type: ignore[override]  # only BufferedReader calls it
        if self._left is None:
            return self._source.readinto(target) or 0
        count = self._source.readinto(memoryview(target)[: self._left]) or 0
        self._left -= count
        return count

    def close(self) -> None:
        self._source.close()
        super().close()


def _write(path: Path, parts: Iterable[bytes]) -> int:
    with path.open("xb", buffering=_BUFFER) as file:
        for part in parts:
            file.write(part)
        file.flush()
        os.fsync(file.fileno())
        return file.tell()


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _walk(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        for name in names:
            yield Path(parent, name)
