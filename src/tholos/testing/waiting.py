"""Waiting for what tells nobody when it becomes true."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

FIRST_S, LONGEST_S = 0.005, 0.05
"""Between two looks. Who looks oftener at what takes seconds keeps the machine from getting on with it."""


def until(claim: Callable[[], T], seconds: float = 30.0) -> T:
    """The first true answer of a claim.

    Raises: AssertionError: it did not become true within so many seconds.
    """
    limit, pause = time.monotonic() + seconds, FIRST_S
    while not (answer := claim()):
        assert time.monotonic() < limit, "it did not become true in time"
        time.sleep(pause)
        pause = min(pause * 1.3, LONGEST_S)
    return answer


async def until_async(claim: Callable[[], T], seconds: float = 30.0) -> T:
    """The same for who waits on an event loop: it goes on meanwhile, and the claim is asked in a thread."""
    return await asyncio.to_thread(until, claim, seconds)
