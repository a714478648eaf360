"""Asking an instance whether it answers: one small request over its socket, without a client library."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from asyncinotify import Mask

from tholos.kit.threads import in_thread
from tholos.runtime.watching import watching

READY_BELOW = 500
"""Any answer below this is one of an app that runs (design 3.4)."""

_NOT_YET = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, IndexError)
"""No connection yet, and answers that are no HTTP."""
_PAUSES_S = (0.005, 0.01, 0.02, 0.05)


async def wait_for_socket(path: Path) -> None:
    """Return once something has made the socket's file; the folder tells, nobody looks again and again."""
    with watching() as watch:
        watch.add(path.parent, Mask.CREATE | Mask.MOVED_TO, path.name)
        while not await in_thread(path.exists):
            await watch.wait()


async def first_status(path: Path, host: str, timeout_s: float) -> int:
    """The status of the first answer to ``GET /``, from when the socket is there.

    A refused connection is tried again, since a socket's file is there before the process listens on it.

    Raises: TimeoutError.
    """
    async with asyncio.timeout(timeout_s):
        await wait_for_socket(path)
        attempt = 0
        while True:
            with contextlib.suppress(*_NOT_YET):
                return await _ask(path, host)
            await asyncio.sleep(_PAUSES_S[min(attempt, len(_PAUSES_S) - 1)])
            attempt += 1


async def accepts(path: Path, timeout_s: float) -> bool:
    """Whether something accepts connections on the socket; it is asked nothing."""
    try:
        async with asyncio.timeout(timeout_s):
            _, writer = await asyncio.open_unix_connection(str(path))
    except (OSError, TimeoutError):
        return False
    await _close(writer)
    return True


async def _ask(path: Path, host: str) -> int:
    reader, writer = await asyncio.open_unix_connection(str(path))
    try:
        writer.write(
            f"GET / HTTP/1.1\r\nHost: {host}\r\nUser-Agent: tholos-probe\r\nConnection: close\r\n\r\n".encode()
        )
        line = await reader.readuntil(b"\n")
        return int(line.split(None, 2)[1])
    finally:
        await _close(writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
