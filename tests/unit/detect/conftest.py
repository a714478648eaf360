"""A folder in memory, and detection over it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import pytest

from tholos.detect.core import detect
from tholos.detect.model import Detection, Overrides

Files = Mapping[str, str | bytes]


class MemoryTree:
    """Files by path, as a ``FileTree``."""

    def __init__(self, files: Files) -> None:
        self.files = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
        self.reads: list[str] = []

    def paths(self) -> list[str]:
        return list(self.files)

    def read(self, path: str, limit: int = 1 << 20) -> bytes:
        self.reads.append(path)
        return self.files[path][:limit]


@pytest.fixture(scope="session")
def tree() -> Callable[[Files], MemoryTree]:
    return MemoryTree


def _notebook(*cells: str, **metadata: object) -> str:
    written = [
        {"cell_type": "code", "source": cell.splitlines(keepends=True), "metadata": {}, "outputs": []}
        for cell in cells
    ]
    return json.dumps({"cells": written, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}, indent=1)


@pytest.fixture(scope="session")
def notebook() -> Callable[..., str]:
    """A notebook of code cells."""
    return _notebook


@pytest.fixture(scope="session")
def run() -> Callable[..., Detection]:
    def over(files: Files, **overrides: object) -> Detection:
        return detect(MemoryTree(files), Overrides(**overrides))  # type: ignore[arg-type]

    return over
