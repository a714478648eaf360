"""One file per instance, replaced whole and made durable before anybody is told. What is in it is ``model``'s."""

from __future__ import annotations

import json
import os
import sys
import zlib
from pathlib import Path

from tholos_supervisor.model import Record, Refused, record_from_json, record_to_json


class Records:
    """The folder of records; not for two supervisors at a time."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self._folder = folder
        self._fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)

    @property
    def mark(self) -> str:
        """A short name of the folder, not another one's on this machine."""
        return f"{zlib.crc32(os.fsencode(self._folder.absolute())):08x}"

    def write(self, record: Record) -> None:
        """Durable when it returns.

        Raises:
            OSError: the disk is full or gone; what was written before still stands.
        """
        name = f"{record.spec.instance}.json"
        data = json.dumps(record_to_json(record), separators=(",", ":")).encode()
        fd = os.open(f"{name}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600, dir_fd=self._fd)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(fd)
            os.rename(f"{name}.new", name, src_dir_fd=self._fd, dst_dir_fd=self._fd)
            os.fsync(self._fd)
        except OSError:
            self._discard(f"{name}.new")
            raise

    def remove(self, instance: str) -> None:
        """Drop a record. One that a broken disk keeps would only be an ended instance that is told once more."""
        self._discard(f"{instance}.json")

    def load(self) -> list[Record]:
        """Every record; a file that is none is put aside as ``NAME.bad`` and reported, it must not stop the rest."""
        records = []
        for path in sorted(self._folder.glob("*.json")):
            try:
                record = record_from_json(json.loads(path.read_bytes()))
            except (Refused, ValueError, KeyError, TypeError, RecursionError) as error:
                print(f"Cannot read {path}: {error}. It is put aside.", file=sys.stderr, flush=True)  # noqa: T201
                path.rename(path.with_suffix(".bad"))
            else:
                records.append(record)
        return records

    def close(self) -> None:
        os.close(self._fd)

    def _discard(self, name: str) -> None:
        try:
            os.unlink(name, dir_fd=self._fd)
        except OSError:
            return
