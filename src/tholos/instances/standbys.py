"""Standbys: processes of releases that sleep, which have imported their packages and wait to become the next instance.

Each was started as that instance would be, behind its walls and with its variables, and becomes it only where what is to be
started is still the same. A process that stands here is nobody's stray; one that is let go is, and the keeper ends it.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tholos.runtime.model import InstanceSpec

UNKNOWN_BYTES = 64 << 20
"""What a release is taken to need before it was measured."""


@dataclass(frozen=True, slots=True)
class Standby:
    """One process that waits."""

    release_id: str
    app_id: str
    app: str
    """Name of the app."""
    release: int
    spec: InstanceSpec
    """As it is started once it is to go on; its instance is the one that it becomes."""
    pid: int | None = None
    memory: int = 0
    """Bytes, what it shares with others counted by its share; 0 before it was measured."""

    @property
    def instance(self) -> str:
        return self.spec.instance


@dataclass(slots=True)
class Standbys:
    """Those there are. For any thread."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _held: dict[str, Standby] = field(default_factory=dict)
    """By release."""
    _lost: Counter[str] = field(default_factory=Counter)

    @property
    def all(self) -> list[Standby]:
        with self._lock:
            return [*self._held.values()]

    @property
    def names(self) -> set[str]:
        """Of their processes."""
        return {one.instance for one in self.all}

    def put(self, standby: Standby) -> None:
        with self._lock:
            self._held[standby.release_id] = standby

    def measured(self, standby: Standby, pid: int | None, memory: int) -> None:
        """Note what one takes, unless it is let go."""
        with self._lock:
            if self._held.get(standby.release_id) == standby:
                self._held[standby.release_id] = replace(standby, pid=pid, memory=memory)

    def find(self, release_id: str) -> Standby | None:
        with self._lock:
            return self._held.get(release_id)

    def drop(self, release_id: str) -> None:
        """Let one go: it becomes nothing, and whoever looks after strays ends it."""
        with self._lock:
            self._held.pop(release_id, None)

    def lose(self, instance: str) -> None:
        """Its process has ended by itself."""
        with self._lock:
            for release_id in [key for key, one in self._held.items() if one.instance == instance]:
                del self._held[release_id]
                self._lost[release_id] += 1

    def losses(self, release_id: str) -> int:
        """How many of a release have ended by themselves."""
        with self._lock:
            return self._lost[release_id]

    def take(self, release_id: str, spec_of: Callable[[str], InstanceSpec], into: set[str]) -> str:
        """The name of the one that is to go on, and it is none of these any more; empty where there is none that could.

        Args:
            release_id: what is to run.
            spec_of: what would be started as an instance of that name.
            into: where its name is put before it is gone from here, so that it is known at every moment.
        """
        held = self.find(release_id)
        if held is None:
            return ""
        is_same = spec_of(held.instance) == held.spec
        with self._lock:
            if self._held.get(release_id) is None:
                return ""  # let go meanwhile
            if is_same:
                into.add(held.instance)
            del self._held[release_id]
        return held.instance if is_same else ""


@dataclass(frozen=True, slots=True)
class Change:
    """What to do about standbys."""

    drop: tuple[str, ...] = ()
    """Releases whose standby goes."""
    start: str = ""
    """A release that gets one; empty for none."""


def plan(
    sleeping: Sequence[str],
    held: Collection[str],
    in_use: Collection[str],
    sizes: Mapping[str, int],
    limit: int,
) -> Change:
    """Who has a standby: what fell asleep last, as far as memory goes. Pure.

    Args:
        sleeping: releases that could have one, what fell asleep last first.
        held: releases that have one.
        in_use: releases that are being woken, and may be about to use theirs.
        sizes: bytes by release, of those that had one.
        limit: bytes that all may have together.
    """
    left, kept, start = limit, set(in_use), ""
    for release in sleeping:
        size = sizes.get(release, UNKNOWN_BYTES)
        if size > left:
            continue
        left -= size
        kept.add(release)
        if release not in held and not start:
            start = release
    return Change(tuple(one for one in held if one not in kept), start)
