"""What the store keeps, as values: chunks, files, trees. No I/O.

Blobs are named by the SHA-256 of their bytes, in lower-case hexadecimal, so that anyone can check one by hand.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NewType

Sha256 = NewType("Sha256", str)
SnapshotId = NewType("SnapshotId", str)
Scope = NewType("Scope", str)
"""Whose content it is. *Do you have this?* is only ever answered within one scope."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a file, 1 byte to 8 MiB."""

    sha256: Sha256
    size: int


@dataclass(frozen=True, slots=True)
class File:
    """A regular file of a tree; its chunks in order make its bytes (an empty file has none)."""

    path: str
    size: int
    sha256: Sha256
    executable: bool
    chunks: tuple[Chunk, ...]

    def to_json(self) -> dict[str, object]:
        return {
            "path": self.path,
            "size": self.size,
            "sha256": self.sha256,
            "executable": self.executable,
            "chunks": [[chunk.sha256, chunk.size] for chunk in self.chunks],
        }


@dataclass(frozen=True)
class Tree:
    """An immutable tree of files, sorted by path; its id names the content and nothing else."""

    files: tuple[File, ...]

    @classmethod
    def of(cls, files: Iterable[File]) -> Tree:
        return cls(tuple(sorted(files, key=lambda file: file.path.encode())))

    @cached_property
    def id(self) -> SnapshotId:
        """SHA-256 of path, size, hash and executable bit of every file: how a file was cut into chunks has no part in it."""
        facts = [[file.path, file.size, file.sha256, file.executable] for file in self.files]
        text = json.dumps(facts, ensure_ascii=False, separators=(",", ":"))
        return SnapshotId(hashlib.sha256(text.encode()).hexdigest())

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)
