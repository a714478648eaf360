"""What the store needs of a place for bytes; a folder and an object store both offer it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*(?:/[a-z0-9][a-z0-9._-]*)*")


@dataclass(frozen=True, slots=True)
class Blob:
    """An object as a listing shows it; `modified` in seconds since the epoch."""

    name: str
    size: int
    modified: float


class Backend(Protocol):
    """Named immutable objects. Names are lower-case words, `.`, `_` and `-`, separated by `/`.

    Every method raises `StoreUnusable` where the place cannot be used, and may be called from many threads and processes.
    """

    def put(self, name: str, parts: Iterable[bytes]) -> int:
        """Keep the parts under the name and return their size; all of it, durably, or nothing.

        Raises:
            StoreFull: there is no room; nothing is left behind.
        """
        ...

    def open(self, name: str, offset: int = 0, length: int | None = None) -> BinaryIO:
        """Open a range of an object for reading (to its end without a length); the caller closes it.

        Raises:
            UnknownBlob: there is no such object.
        """
        ...

    def blobs(self, prefix: str = "") -> Iterator[Blob]:
        """Every object whose name begins with the prefix, in any order; half-written ones never appear."""
        ...

    def delete(self, name: str) -> None:
        """Remove the object; nothing happens if there is none."""
        ...

    def exists(self, name: str) -> bool: ...

    def size(self, name: str) -> int:
        """The size in bytes.

        Raises:
            UnknownBlob: there is no such object.
        """
        ...


def check_name(name: str) -> str:
    """Names are made by our own code, so a bad one is a bug and not somebody's input."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"not the name of an object: {name!r}")
    return name
