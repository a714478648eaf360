"""A stranger's archive into the store: tar (plain, gzip, bzip2, xz) as it arrives, zip from a temporary file.

Nothing is ever written under a name that the archive chose: every path is checked, links inside become the files they
point to, and only then is there a snapshot. What was stored of a refused archive belongs to nothing and is collected.
"""

from __future__ import annotations

import re
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import IO, Protocol

from tholos.store import decompressing, links, paths, tarballs, zips
from tholos.store.chunking import Reader, read_fully
from tholos.store.errors import BadArchive, TooMuch
from tholos.store.intake import Intake
from tholos.store.model import File, Scope, SnapshotId, Tree
from tholos.store.tarballs import Entry

_ZIPS = (b"PK\x03\x04", b"PK\x05\x06")
_DRIVE = re.compile(r"[A-Za-z]:")
_MAC_FOLDER = "__MACOSX"
_IN_MEMORY = 1024 * 1024
_PIECE = 256 * 1024
_HEADERS = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an archive may hold: entries, bytes of all files, bytes as sent, and how many times it may grow."""

    entries: int = 50_000
    size: int = 4 * 1024**3
    packed: int = 2 * 1024**3
    ratio: int = 200


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What became of an archive; `notes` are sentences for its sender."""

    snapshot: SnapshotId
    tree: Tree
    notes: tuple[str, ...]


class SnapshotStore(Protocol):
    """The part of the store that unpacking needs."""

    def intake(self, scope: Scope) -> Intake: ...

    def add_snapshot(self, scope: Scope, tree: Tree) -> SnapshotId: ...


def unpack(
    store: SnapshotStore, scope: Scope, stream: Reader, *, limits: Limits | None = None, strip: bool = True
) -> Unpacked:
    """Bring an archive into the store as a snapshot of the scope.

    With `strip`, a single folder that holds everything (as in downloads from GitHub and source distributions) is left out.

    Raises:
        BadArchive: it is damaged, not an archive, or has an entry that is refused; `where` names the entry.
        TooMuch: it is larger than a limit.
    """
    bounds = limits or Limits()
    return gather(store, scope, _entries(stream, bounds), bounds, strip=strip)


def gather(
    store: SnapshotStore,
    scope: Scope,
    entries: Iterable[tuple[Entry, Reader]],
    limits: Limits,
    *,
    strip: bool = False,
) -> Unpacked:
    """Bring entries from wherever into the store as a snapshot of the scope; each body is read before the next is asked for.

    Raises: BadArchive, TooMuch.
    """
    intake = store.intake(scope)
    gathered = _Gathered(intake, limits)
    for entry, body in entries:
        gathered.add(entry, body)
    intake.finish()
    tree = gathered.finish(strip=strip)
    twins = paths.find_case_twins(file.path for file in tree.files)
    notes = tuple(f"{a} and {b} differ in case only; some disks cannot hold both." for a, b in twins)
    return Unpacked(store.add_snapshot(scope, tree), tree, notes)


def _entries(stream: Reader, limits: Limits) -> Iterator[tuple[Entry, Reader]]:
    magic = read_fully(stream, decompressing.MAGIC_SIZE)
    packed = decompressing.Peeked(magic, stream, limits.packed)
    if magic.startswith(_ZIPS):
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as spool:
            yield from _zip_entries(packed, spool, limits)
        return
    plain = decompressing.Plain(packed, magic, limit=2 * limits.size + _HEADERS, ratio=limits.ratio)
    head = read_fully(plain, 512)
    if not tarballs.looks_like_tar(head):
        raise BadArchive(
            "Cannot unpack this: it is neither a tar (plain, gzip, bzip2 or xz) nor a zip.",
            fix="Send one of these.",
        )
    yield from tarballs.read(decompressing.Peeked(head, plain, 2 * limits.size + _HEADERS))
    # The checksum of a compressed stream stands at its end, behind the tar's own end mark.
    while plain.read(_PIECE):
        pass


def _zip_entries(packed: Reader, spool: IO[bytes], limits: Limits) -> Iterator[tuple[Entry, Reader]]:
    size = 0
    while data := packed.read(_PIECE):
        size += len(data)
        spool.write(data)
    total = 0
    for entry, body in zips.read(spool, limits.entries):
        total += entry.size
        decompressing.check_ratio(total, size, limits.ratio)
        yield entry, body


class _Gathered:
    """What an archive held so far, under checked names."""

    def __init__(self, intake: Intake, limits: Limits) -> None:
        self._intake = intake
        self._limits = limits
        self._files: dict[str, File] = {}
        self._links: dict[str, str] = {}
        self._folders: set[str] = set()
        self._entries = 0
        self._size = 0

    def add(self, entry: Entry, body: Reader) -> None:
        self._entries += 1
        if self._entries > self._limits.entries:
            raise TooMuch(f"Cannot unpack the archive: it has more than {self._limits.entries} entries.")
        if entry.kind == "folder" and not entry.path.strip("/"):
            return  # the root itself: Python's tarfile writes it so for an archive whose names begin there
        path = _clean(entry.path)
        if not path or path.split("/")[0] == _MAC_FOLDER:
            return
        if entry.kind == "folder":
            self._folders.update((path, *paths.parents(path)))
            return
        if path in self._files or path in self._links:
            raise _bad(entry.path, "it occurs twice")
        if entry.kind == "file":
            self._add_file(path, entry, body)
        else:
            is_hard = entry.kind == "hard link"
            self._links[path] = links.hard_link_target(path, entry.target) if is_hard else entry.target
        self._folders.update(paths.parents(path))

    def finish(self, *, strip: bool) -> Tree:
        both = min(self._folders & (self._files.keys() | self._links.keys()), default="")
        if both:
            raise _bad(both, "it is both a file and a folder")
        room = self._limits.entries - len(self._files)
        made = list(links.resolve(self._files, self._folders, self._links, room))
        files = [*self._files.values(), *made]
        if not files:
            raise BadArchive(
                "Cannot unpack the archive: there are no files in it.", fix="Pack the files of the app."
            )
        for file in made:
            self._size += file.size
            self._check_size(file.path)
            _clean(file.path)
        top = _find_top(self._files.keys() | self._links.keys(), self._folders) if strip else ""
        return Tree.of(replace(file, path=file.path[len(top) :]) for file in files)

    def _add_file(self, path: str, entry: Entry, body: Reader) -> None:
        self._size += entry.size
        self._check_size(entry.path)
        file = self._intake.add_file(path, body, executable=entry.executable)
        if file.size != entry.size:
            raise _bad(entry.path, f"it has {file.size} bytes where {entry.size} were announced")
        self._files[path] = file

    def _check_size(self, path: str) -> None:
        if self._size > self._limits.size:
            raise TooMuch(
                f"Cannot unpack {path!r}: with it the archive holds more than {self._limits.size} bytes.",
                where=path,
            )


def _clean(path: str) -> str:
    """The entry's path in canonical form, empty for the root itself."""
    if _DRIVE.match(path):
        raise _bad(path, "its path has a drive letter")
    cleaned = path.rstrip("/") if path.strip("/") else path
    while cleaned.startswith("./"):
        cleaned = cleaned[2:].lstrip("/")
    if cleaned in {"", "."}:
        return ""
    if not cleaned.isascii():
        cleaned = unicodedata.normalize("NFC", cleaned)
    fault = paths.find_fault(cleaned)
    if fault:
        raise _bad(path, fault)
    return cleaned


def _find_top(names: set[str], folders: set[str]) -> str:
    """The one folder that all entries lie in, with its slash; empty if there is none."""
    tops = {name.partition("/")[0] for name in names | folders}
    top = tops.pop()
    return "" if tops or top in names else top + "/"


def _bad(path: str, reason: str) -> BadArchive:
    return BadArchive(
        f"Cannot unpack {path!r}: {reason}.",
        fix="Pack it without that entry, or rename it.",
        where=paths.shown(path),
    )
