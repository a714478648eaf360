"""One holder at a time of a file's lock (flock(2)); it ends with the process, however that ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tholos.kit.errors import Conflict


class Locked(Conflict):
    """Somebody else holds the lock."""

    code = "locked"


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock of a file while the block runs.

    Raises: Locked: at once, if somebody else holds it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Locked(
                f"Cannot use {path.parent}: another server uses it.", fix="Stop that one first."
            ) from None
        yield
    finally:
        os.close(descriptor)
