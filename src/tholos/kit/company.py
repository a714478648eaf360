"""Tasks that end with whoever wanted them, where a task group is not right.

A group may not stand around the ``yield`` of a generator, which may be left from another task than it was entered
in, and it wraps what its tasks raise. What is begun here is cancelled and awaited by the one that began it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

A = TypeVar("A")
B = TypeVar("B")


async def first_of(one: Coroutine[object, object, A], other: Coroutine[object, object, B]) -> A | B:
    """What the first of two to end returns or raises; the first named where both have. The other is ended."""
    first, second = asyncio.create_task(one), asyncio.create_task(other)
    try:
        await asyncio.wait({first, second}, return_when=asyncio.FIRST_COMPLETED)
        ended: asyncio.Task[A] | asyncio.Task[B] = first if first.done() else second
    finally:
        await _end(first, second)
    return ended.result()


@asynccontextmanager
async def beside(work: Coroutine[object, object, A]) -> AsyncIterator[asyncio.Task[A]]:
    """Work that goes on beside a block, at most until the block is left. What it raises, only who awaits it gets."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        await _end(task)


async def _end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks and wait until they have ended; who is cancelled meanwhile waits for them all the same."""
    cancelled: asyncio.CancelledError | None = None
    for task in tasks:
        task.cancel()
    while not all(task.done() for task in tasks):
        try:
            await asyncio.wait(tasks)
        except asyncio.CancelledError as error:
            cancelled = error
    for task in tasks:
        if not task.cancelled():
            task.exception()  # looked at: whoever wanted it has it, or did not wait for it
    if cancelled is not None:
        raise cancelled
