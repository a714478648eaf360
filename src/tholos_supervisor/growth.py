"""Being told once when a file that one has open grows: inotify(7). What does not grow costs nothing."""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Callable

from tholos_supervisor import native
from tholos_supervisor.loop import Loop

EVENT = struct.Struct("iIII")
"""Watch, what happened, cookie, bytes of the name that follows."""
MOST_AT_ONCE = 16 << 10


class Growth:
    """Calls once for each file that was asked about, then no more until asked again."""

    def __init__(self, loop: Loop) -> None:
        self._calls: dict[int, Callable[[], None]] = {}
        self._fd: int | None = None
        try:
            self._fd = native.inotify_init()
        except OSError as error:
            print(f"Cannot be told when logs grow: {error}.", file=sys.stderr, flush=True)  # noqa: T201
        else:
            loop.watch(self._fd, self._read)

    def tell_once(self, fd: int, call: Callable[[], None]) -> int | None:
        """Call when the open file is written to.

        Returns:
            What to forget it by; ``None`` where the system does not tell, and one has to look.
        """
        if self._fd is None:
            return None
        try:
            # By its descriptor: its name may be another file's by now.
            watch = native.inotify_watch_once(self._fd, f"/proc/self/fd/{fd}")
        except OSError:
            return None
        if watch in self._calls:
            return None
        self._calls[watch] = call
        return watch

    def forget(self, watch: int) -> None:
        if self._calls.pop(watch, None) and self._fd is not None:
            native.inotify_forget(self._fd, watch)

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _read(self) -> None:
        if self._fd is None:
            return
        data = os.read(self._fd, MOST_AT_ONCE)
        at = 0
        while at < len(data):
            watch, _, _, length = EVENT.unpack_from(data, at)
            at += EVENT.size + length
            if watch == -1:  # more happened than the system remembers
                self._tell(*self._calls)
            else:
                self._tell(watch)

    def _tell(self, *watches: int) -> None:
        for watch in watches:
            call = self._calls.pop(watch, None)
            if call is not None:
                call()
