"""Objects of a mirror, read one after the other through one process of git's."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from tholos.sources.errors import (
    FetchFailed,
    MirrorDamaged,
)
from tholos.sources.git import Git


class Batch:
    """One ``git cat-file --batch-command``: objects are asked for and read one after the other."""

    def __init__(self, git: Git, mirror: Path, stop: threading.Event) -> None:
        self._stop = stop
        arguments = ["cat-file", "--batch-command"]
        self._process = subprocess.Popen(
            git.command(arguments, 3600, 1 << 30),
            cwd=mirror,
            env=git.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        self._process.wait()

    def look_up(self, name: str) -> tuple[str, str]:
        """Kind and id of an object; empty where there is none."""
        fields = self._ask("info", name)
        return (fields[1], fields[0]) if len(fields) == 3 and fields[2].isdecimal() else ("", "")

    def read_whole(self, name: str, kind: str) -> bytes:
        """A small object. Raises: FetchFailed."""
        with self.opened(name, kind) as body:
            return body.read_all()

    @contextmanager
    def opened(self, name: str, kind: str = "blob") -> Iterator[Body]:
        """An object's bytes, all of which are read when the block is left in order."""
        fields = self._ask("contents", name)
        if len(fields) != 3 or fields[1] != kind or not fields[2].isdecimal():
            raise damaged()
        body = Body(self._read, int(fields[2]))
        yield body
        body.skip()
        self._read(1)

    def _ask(self, command: str, name: str) -> list[str]:
        if self._stop.is_set():
            raise FetchFailed("Cannot fetch the repository: it was stopped.")
        if self._process.stdin is None or self._process.stdout is None:
            raise damaged()
        try:
            self._process.stdin.write(f"{command} {name}\n".encode())
            self._process.stdin.flush()
        except OSError as error:
            raise damaged() from error
        return self._process.stdout.readline(4096).decode("utf-8", "replace").split()

    def _read(self, size: int) -> bytes:
        data = self._process.stdout.read(size) if self._process.stdout is not None else b""
        if not data and size:
            raise damaged()
        return data


class Body:
    """The bytes of one object; reads no further."""

    def __init__(self, read: Callable[[int], bytes], size: int) -> None:
        self._read = read
        self._left = size
        self._first = b""

    def read(self, size: int, /) -> bytes:
        if self._first:
            data, self._first = self._first[:size], self._first[size:]
            return data
        wanted = min(size, self._left)
        data = self._read(wanted) if wanted else b""
        self._left -= len(data)
        return data

    def read_all(self) -> bytes:
        pieces = []
        while data := self.read(1 << 16):
            pieces.append(data)
        return b"".join(pieces)

    def begins_with(self, start: bytes) -> bool:
        """Whether it does; nothing is taken away."""
        while len(self._first) < len(start) and self._left:
            data = self._read(min(len(start) - len(self._first), self._left))
            self._left -= len(data)
            self._first += data
        return self._first.startswith(start)

    def skip(self) -> None:
        while self.read(1 << 16):
            pass


def damaged() -> MirrorDamaged:
    return MirrorDamaged("Cannot fetch the repository: what was fetched cannot be read.")
