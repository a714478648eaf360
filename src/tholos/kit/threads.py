"""The one way from the event loop to synchronous code."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


async def in_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a synchronous function in a worker thread. Cancelling the wait does not end the thread."""
    return await asyncio.to_thread(function, *args, **kwargs)
