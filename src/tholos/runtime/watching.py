"""Waiting for a file to appear or to change: the system tells; where it cannot, one looks again and again.

A user may have only so many inotify instances (128 by default, inotify(7)), and other programs take their part: an
event loop has one, while anybody watches.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from asyncinotify import Event, Inotify, Mask
from asyncinotify import Watch as Watched

from tholos.kit.notices import wait

LOOK_ANYWAY_S = 60.0
"""Network file systems do not tell what other machines write."""
LOOK_OFTEN_S = 0.25

_MOST_AT_ONCE = 1000
_NONE_LEFT = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOSPC})


@dataclass(frozen=True, slots=True, eq=False)
class _Interest:
    """Who is woken by what happens at a path."""

    woken: asyncio.Event
    name: str
    """In a folder: of the entry that it is about; empty for all of them."""


class _Teller:
    """The one inotify instance of an event loop; it goes with the last interest."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._inotify = Inotify(sync_timeout=0)
        self._interests: dict[int, list[_Interest]] = {}  # by watch descriptor
        self._users = 0
        loop.add_reader(self._inotify.fd, self._read)

    def enter(self) -> None:
        self._users += 1

    def leave(self) -> None:
        self._users -= 1
        if not self._users:
            del _tellers[self._loop]
            self._loop.remove_reader(self._inotify.fd)
            self._inotify.close()

    def add(self, path: Path, mask: Mask, interest: _Interest) -> Watched:
        """What to take the interest away from. All watches of one file are one to the system, hence ``MASK_ADD``."""
        watched = self._inotify.add_watch(path, mask | Mask.MASK_ADD)
        self._interests.setdefault(watched.wd, []).append(interest)
        return watched

    def remove(self, watched: Watched, interest: _Interest) -> None:
        interests = self._interests.get(watched.wd, [])
        if interest in interests:
            interests.remove(interest)
            if not interests:
                del self._interests[watched.wd]
                with contextlib.suppress(OSError):  # the file went, and its watch with it
                    self._inotify.rm_watch(watched)

    def _read(self) -> None:
        for _ in range(_MOST_AT_ONCE):  # the rest in the loop's next round
            event = self._inotify.sync_get()
            if event is None:
                return
            self._tell(event)

    def _tell(self, event: Event) -> None:
        watch = event.watch
        if watch is None:  # more happened than the system remembers
            self._wake([one for interests in self._interests.values() for one in interests])
            return
        found = self._interests.get(watch.wd, [])
        if Mask.IGNORED in event:
            self._interests.pop(watch.wd, None)
        name = event.name.name if event.name else ""
        self._wake([one for one in found if not one.name or not name or one.name == name])

    def _wake(self, interests: list[_Interest]) -> None:
        for interest in interests:
            interest.woken.set()


_tellers: dict[asyncio.AbstractEventLoop, _Teller] = {}


def _entered() -> _Teller | None:
    """The running loop's; None where the system has none left."""
    loop = asyncio.get_running_loop()
    try:
        teller = _tellers.get(loop) or _tellers.setdefault(loop, _Teller(loop))
    except OSError as error:
        if error.errno not in _NONE_LEFT:
            raise
        return None
    teller.enter()
    return teller


@dataclass(slots=True)
class Watch:
    """Wakes whoever waits."""

    woken: asyncio.Event
    _teller: _Teller | None
    _added: list[tuple[Watched, _Interest]] = field(default_factory=list)
    _is_told_all: bool = True

    def add(self, path: Path, mask: Mask, name: str = "") -> None:
        """Watch a file, or a folder for the entry of that name.

        Raises: OSError: it is not there.
        """
        if self._teller is None:
            path.stat()
            return
        interest = _Interest(self.woken, name)
        try:
            self._added.append((self._teller.add(path, mask, interest), interest))
        except OSError as error:
            if error.errno not in _NONE_LEFT:
                raise
            self._is_told_all = False

    async def wait(self) -> None:
        """Return when something may have changed, or the event was set by somebody else."""
        is_told = self._teller is not None and self._is_told_all
        await wait(self.woken, LOOK_ANYWAY_S if is_told else LOOK_OFTEN_S)

    def close(self) -> None:
        if self._teller is not None:
            for watched, interest in self._added:
                self._teller.remove(watched, interest)
            self._teller.leave()


@contextmanager
def watching(woken: asyncio.Event | None = None) -> Iterator[Watch]:
    """A watch for a while; with an event of one's own to be woken by more than files."""
    watch = Watch(woken or asyncio.Event(), _entered())
    try:
        yield watch
    finally:
        watch.close()
