"""The way to a process that waits: it says that it is prepared, and is told to go on.

It is the process's standard input, a socket. Whoever finds its other end closed was not told anything: the supervisor ended.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from tholos_supervisor.loop import Loop

GO = b"g"


class Word:
    """Our end, and until it is given away the process's.

    Raises:
        OSError: there are no descriptors left.
    """

    def __init__(self, loop: Loop, when_warm: Callable[[], None]) -> None:
        self._loop = loop
        self._when_warm = when_warm
        self._ours, self._theirs = socket.socketpair()
        self._ours.setblocking(False)
        loop.watch(self._ours.fileno(), self._heard)

    @property
    def theirs(self) -> int:
        """The descriptor that the process gets."""
        return self._theirs.fileno()

    def give_away(self) -> None:
        """The process has its end, or there is no process."""
        self._theirs.close()

    def say(self) -> None:
        """Raises: OSError: nobody is there to hear it."""
        self._ours.send(GO)

    def close(self) -> None:
        if self._ours.fileno() >= 0:
            self._loop.unwatch(self._ours.fileno())
            self._ours.close()
            self._theirs.close()

    def _heard(self) -> None:
        try:
            said = self._ours.recv(1)
        except BlockingIOError:
            return
        except OSError:
            said = b""
        self._loop.unwatch(self._ours.fileno())  # it says one thing
        if said:
            self._when_warm()
