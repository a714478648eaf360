"""One thread that waits for descriptors, signals and points in time. Knows nothing of instances."""

from __future__ import annotations

import heapq
import os
import selectors
import signal
from collections.abc import Callable

from tholos_supervisor.processes import boot_seconds

LONGEST_WAIT_S = 3600.0


class Timer:
    """A call that is due; ``cancel`` is the only way to be rid of it before."""

    __slots__ = ("call", "due", "order")

    def __init__(self, due: float, order: int, call: Callable[[], None]) -> None:
        self.due = due
        self.order = order
        self.call: Callable[[], None] | None = call

    def __lt__(self, other: Timer) -> bool:
        return (self.due, self.order) < (other.due, other.order)

    def cancel(self) -> None:
        self.call = None


class Loop:
    """Calls back in the order of events; a callback that raises ends the process, so none may."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: list[Timer] = []
        self._made = 0
        self._running = False
        self._signals: dict[int, Callable[[], None]] = {}
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector.register(self._wake_read, selectors.EVENT_READ, self._signalled)

    def after(self, delay_s: float, call: Callable[[], None]) -> Timer:
        self._made += 1
        timer = Timer(boot_seconds() + delay_s, self._made, call)
        heapq.heappush(self._timers, timer)
        return timer

    def watch(self, fd: int, call: Callable[[], None], *, write: bool = False) -> None:
        """Call when the descriptor can be read, or also when it can be written; replaces an earlier watch."""
        mask = selectors.EVENT_READ | (selectors.EVENT_WRITE if write else 0)
        if fd in self._selector.get_map():
            self._selector.modify(fd, mask, call)
        else:
            self._selector.register(fd, mask, call)

    def unwatch(self, fd: int) -> None:
        if fd in self._selector.get_map():
            self._selector.unregister(fd)

    def on_signal(self, number: int, call: Callable[[], None]) -> None:
        self._signals[number] = call
        signal.signal(number, lambda _number, _frame: None)

    def run(self) -> None:
        """Until ``stop``."""
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        self._running = True
        while self._running:
            for key, _ in self._selector.select(self._wait_s()):
                # An earlier callback of this round may have closed the descriptor of a later one.
                if self._selector.get_map().get(key.fd) is key:
                    key.data()
            self._run_due()
        signal.set_wakeup_fd(-1)

    def stop(self) -> None:
        self._running = False

    def close(self) -> None:
        self._selector.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _wait_s(self) -> float:
        while self._timers and self._timers[0].call is None:
            heapq.heappop(self._timers)
        if not self._timers:
            return LONGEST_WAIT_S
        return min(max(self._timers[0].due - boot_seconds(), 0.0), LONGEST_WAIT_S)

    def _run_due(self) -> None:
        now = boot_seconds()
        while self._timers and self._timers[0].due <= now:
            timer = heapq.heappop(self._timers)
            if timer.call is not None:
                timer.call()

    def _signalled(self) -> None:
        # One byte may stand for several signals of a kind, and several bytes for one occasion.
        for number in sorted(set(os.read(self._wake_read, 4096))):
            if number in self._signals:
                self._signals[number]()
