"""The ways from the event loop to synchronous code: short work, and long work that must not keep short work waiting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

SHORT = 16
LONG = 6
_long = ThreadPoolExecutor(LONG, "long")


def prepare(loop: asyncio.AbstractEventLoop) -> None:
    """Give a loop enough threads for short work: most of it waits for the database, not for a processor."""
    loop.set_default_executor(ThreadPoolExecutor(SHORT, "short"))


async def in_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a synchronous function that takes milliseconds. Cancelling the wait does not end the thread."""
    return await asyncio.to_thread(function, *args, **kwargs)


async def in_long_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a synchronous function that may take seconds or minutes: builds, checkouts, searches of logs.

    At most ``LONG`` run at once; further ones wait, and nobody's short work waits with them.
    """
    return await begin_long(function, *args, **kwargs)


def begin_long(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[R]:
    """The same, for whoever must know how it ended even if nobody waits for it any more."""
    return asyncio.get_running_loop().run_in_executor(_long, partial(function, *args, **kwargs))


async def in_pieces(first: bytes, rest: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Bytes that a thread makes one after the other, behind those that are there already."""
    yield first
    while piece := await in_thread(next, rest, b""):
        yield piece
