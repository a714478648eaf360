"""Work that goes on whatever happens: a full disk or a process that does not come up ends one attempt, never the server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from tholos.kit.errors import TholosError
from tholos.kit.log import get_logger

PAUSE_S = 1.0


async def go_on(work: Callable[[], Awaitable[object]], *, pause_s: float = PAUSE_S) -> None:
    """Do it, and again after a pause when it fails; returns when it does."""
    while not await attempt(work):  # noqa: ASYNC110 - nothing tells when it may succeed
        await asyncio.sleep(pause_s)


async def attempt(work: Callable[[], Awaitable[object]]) -> bool:
    """Do it once; whether it came to its end. What went wrong is in the log."""
    name = _name_of(work)
    try:
        await work()
    except TholosError as error:
        get_logger().warning("work_failed", work=name, code=error.code, reason=error.message)
    except Exception:  # noqa: BLE001 - the edge of a task that nobody waits for
        get_logger().exception("work_broke", work=name)
    else:
        return True
    return False


def _name_of(work: object) -> str:
    """For the log: a bound method's own name, not all that its object holds."""
    inner = work.func if isinstance(work, partial) else work
    return str(getattr(inner, "__qualname__", type(inner).__name__))
