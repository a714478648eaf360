"""A folder on this machine as a tree: what is sent, what is not and why, and its chunks again when they are asked for.

Imports little, because every publish begins here. Links are sent as the content they point to, never as links.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tholos.store import paths
from tholos.store.chunking import hash_of, measure
from tholos.store.errors import FileChanged
from tholos.store.model import File, Sha256, Tree
from tholos.store.stat_cache import StatCache, stamp
from tholos.store.walking import Found, Ignored, Limits, Walk, unreadable

_TRIES = 3


@dataclass(frozen=True)
class Scan:
    """A folder as it was found.

    Attributes:
        notes: sentences that a person should read, for instance that a `.env` is not sent.
        sources: the file on disk of every path of the tree.
    """

    tree: Tree
    notes: tuple[str, ...]
    ignored: tuple[Ignored, ...]
    sources: dict[str, str] = field(repr=False)

    def read_chunks(self, hashes: Iterable[Sha256]) -> Iterator[tuple[Sha256, bytes]]:
        """Read chunks of the tree again, in the order asked.

        Raises:
            FileChanged: the file no longer has these bytes.
        """
        places = self._places()
        for sha256 in hashes:
            path, offset, size = places[sha256]
            with _opened(self.sources[path], path) as descriptor:
                data = os.pread(descriptor, size, offset)
            if hash_of(data) != sha256:
                raise _changed(path)
            yield sha256, data

    def _places(self) -> dict[Sha256, tuple[str, int, int]]:
        places: dict[Sha256, tuple[str, int, int]] = {}
        for file in self.tree.files:
            offset = 0
            for chunk in file.chunks:
                places[chunk.sha256] = (file.path, offset, chunk.size)
                offset += chunk.size
        return places


def scan(root: Path, *, cache: Path | None = None, limits: Limits | None = None) -> Scan:
    """Read a folder into a tree; `cache` is a file that remembers hashes from one scan to the next.

    Raises:
        BadFolder: a link leads out of the folder, nowhere or in circles; a file or folder cannot be read.
        BadPath: a name cannot be part of a snapshot.
        TooMuch: more files or bytes than the limits; names the largest.
        FileChanged: a file changes all the time.
    """
    walk = Walk(root, limits or Limits())
    walk.run()
    hashes = StatCache(cache, walk.root)
    tree = Tree.of(_read(found, hashes) for found in walk.found.values())
    hashes.save()
    twins = paths.find_case_twins(file.path for file in tree.files)
    notes = [f"{a} and {b} differ in case only; some disks cannot hold both." for a, b in twins]
    return Scan(
        tree,
        (*walk.notes, *notes),
        tuple(walk.ignored),
        {path: found.source for path, found in walk.found.items()},
    )


def _read(found: Found, cache: StatCache) -> File:
    known = cache.find(found.path, found.status)
    if known:
        return File(found.path, found.status.st_size, known[0], _is_executable(found.status), known[1])
    for _ in range(_TRIES):
        file = _read_once(found, cache)
        if file:
            return file
    raise _changed(found.path)


def _read_once(found: Found, cache: StatCache) -> File | None:
    """Read a file, or None if it changed meanwhile."""
    now = time.time_ns()
    with _opened(found.source, found.path) as descriptor:
        before = os.fstat(descriptor)
        try:
            with open(descriptor, "rb", buffering=0, closefd=False) as stream:
                file = measure(found.path, stream, executable=_is_executable(before))
        except OSError as error:
            raise unreadable(found.path, error) from error
        after = os.fstat(descriptor)
    if stamp(before) != stamp(after) or file.size != after.st_size:
        return None
    cache.add(file, after, now)
    return file


class _opened:  # noqa: N801  # reads as a function; a generator would cost more than opening the file
    """Opens a file that is a regular one, not a link and not a pipe that was put in its place."""

    def __init__(self, source: str, path: str) -> None:
        try:
            self._descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise unreadable(path, error) from error

    def __enter__(self) -> int:
        return self._descriptor

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def _is_executable(status: os.stat_result) -> bool:
    return bool(status.st_mode & stat.S_IXUSR)


def _changed(path: str) -> FileChanged:
    return FileChanged(
        f"Cannot read {path}: it changes while it is being read.",
        fix="Try again when it is finished.",
        where=path,
    )
