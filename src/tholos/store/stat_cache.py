"""Remembers the hashes of files that did not change, so that scanning an untouched folder reads none of them.

A hash is only trusted if the file was old when it was read: a clock that ticks coarsely gives two versions one time.
"""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from pathlib import Path

from tholos.store.model import Chunk, File, Sha256

_VERSION = 1
_FINE_TICK = 50_000_000
_COARSE_TICK = 2_000_000_000

Row = list[object]


def stamp(status: os.stat_result) -> list[int]:
    """What changes when the content changes, as far as a file system tells."""
    return [status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns]


class StatCache:
    """Rows by path, of one folder, in one JSON file; anything wrong with that file costs time only."""

    def __init__(self, path: Path | None, root: str) -> None:
        self._path = path
        self._root = root
        self._old: dict[str, Row] = self._load() if path else {}
        self._new: dict[str, Row] = {}

    def find(self, path: str, status: os.stat_result) -> tuple[Sha256, tuple[Chunk, ...]] | None:
        row = self._old.get(path)
        if row is None or row[:4] != stamp(status):
            return None
        try:
            sha256, chunks = _parse(row)
        except (TypeError, ValueError):
            return None
        self._new[path] = row
        return sha256, chunks

    def add(self, file: File, status: os.stat_result, read_at_ns: int) -> None:
        """Remember what was read, unless the file is so young that it may still change within the clock's tick."""
        tick = _FINE_TICK if status.st_ctime_ns % 1_000_000 else _COARSE_TICK
        if max(status.st_mtime_ns, status.st_ctime_ns) + tick < read_at_ns:
            several = [[chunk.sha256, chunk.size] for chunk in file.chunks] if len(file.chunks) > 1 else 0
            self._new[file.path] = [*stamp(status), file.sha256, several]

    def save(self) -> None:
        """Write what this scan found; a folder that cannot be written to is scanned slowly, not refused."""
        if not self._path or self._new == self._old:
            return
        temporary = self._path.with_name(f".{self._path.name}.{secrets.token_hex(8)}")
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            try:
                text = {"version": _VERSION, "root": self._root, "files": self._new}
                temporary.write_text(json.dumps(text, separators=(",", ":")), encoding="utf-8")
                temporary.rename(self._path)
            finally:
                temporary.unlink(missing_ok=True)

    def _load(self) -> dict[str, Row]:
        try:
            stored = json.loads(self._path.read_bytes()) if self._path else {}
            if stored["version"] != _VERSION or stored["root"] != self._root:
                return {}
            return {
                path: row for path, row in stored["files"].items() if isinstance(row, list) and len(row) == 6
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}


def _parse(row: Row) -> tuple[Sha256, tuple[Chunk, ...]]:
    size, sha256, several = row[0], row[4], row[5]
    if not isinstance(sha256, str) or not isinstance(size, int):
        raise TypeError
    name = Sha256(sha256)
    if isinstance(several, list):
        return name, tuple(Chunk(Sha256(each), int(length)) for each, length in several)
    return name, (Chunk(name, size),) if size else ()
