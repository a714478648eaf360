"""How long one call goes on trying while the server is away."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0


@dataclass(frozen=True, slots=True)
class Patience:
    """A budget of seconds per outage; pauses double from 0.1 s to 2 s, with jitter.

    ``clock`` and ``sleep`` are arguments so that tests need no time.
    """

    seconds: float = 3.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def begin(self) -> Outage:
        """A fresh outage, which starts to count at its first failure."""
        return Outage(self)


class Outage:
    """One outage: it begins with the first failure and ends with ``over``."""

    __slots__ = ("_failures", "_patience", "_since")

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._failures = 0
        self._since = 0.0

    def over(self) -> None:
        """The server answered: the next failure begins a new outage."""
        self._failures = 0

    def pause(self, hint: float | None = None) -> bool:
        """Wait before the next try.

        Args:
            hint: the seconds that the server asked for (``Retry-After``).

        Returns:
            False, without waiting, when the wait would exceed the budget.
        """
        now = self._patience.clock()
        if not self._failures:
            self._since = now
        delay = hint if hint is not None else min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self._failures, 10))
        delay *= 1 + jitter() / 4 if hint is not None else 0.5 + jitter() / 2
        if now - self._since + delay > self._patience.seconds:
            return False
        self._failures += 1
        self._patience.sleep(delay)
        return True


def jitter() -> float:
    """A number from 0 to 1, so that clients that failed together do not come back together."""
    return os.urandom(1)[0] / 255
