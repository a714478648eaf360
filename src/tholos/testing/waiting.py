"""Waiting for what tells nobody when it becomes true."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(claim: Callable[[], T], seconds: float = 30.0) -> T:
    """The first true answer of a claim.

    Raises: AssertionError: it did not become true within so many seconds.
    """
    limit = time.monotonic() + seconds
    while not (answer := claim()):
        assert time.monotonic() < limit, "it did not become true in time"
        time.sleep(0.005)
    return answer
