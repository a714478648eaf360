"""What instances use and how they are used, read when somebody asks and not before."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tholos.instances.activity import Activity
from tholos.instances.models import Instance
from tholos.runtime import metering
from tholos.runtime.metering import Reading

FRESH_S = 1.0
"""However many ask, processes are looked at no more often."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one instance; None where no process runs."""

    cpu_s: float | None = None
    """Seconds of processors since it began."""
    cpu: float | None = None
    """Processors that it used lately: 1 is all of one."""
    memory: int | None = None
    """Bytes, what it shares with others counted by its share."""
    requests: int = 0
    """That began since this server did."""
    under_way: int = 0
    idle_s: float | None = None
    """Seconds since the last request ended; 0 while one is under way, None where there was none since this server began."""


NOTHING = Measured()


@dataclass(slots=True)
class Meter:
    """Remembers the last look, so that the next one tells what was used in between. For any thread."""

    activity: Activity | None = None
    read: Callable[[Collection[int]], dict[int, Reading]] = metering.read
    now: Callable[[], float] = time.monotonic
    look: Callable[[], None] = lambda: None
    """Has the activity be as of now."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _looks: dict[int, tuple[float, Reading, float]] = field(default_factory=dict)
    """By process: when, what was read, and the share of processors."""

    def measure(self, found: Sequence[Instance]) -> dict[str, Measured]:
        """By instance."""
        self.look()
        pids = {one.id: one.pid for one in found if one.pid is not None and one.ended_at is None}
        looks = self._look({*pids.values()})
        return {one.id: self._measured(one.id, looks.get(pids.get(one.id, -1))) for one in found}

    def _measured(self, instance_id: str, look: tuple[float, Reading, float] | None) -> Measured:
        used = self.activity
        requests = used.begun(instance_id) if used else 0
        under_way = used.under_way(instance_id) if used else 0
        idle_s = used.idle_s(instance_id) if used else None
        if look is None:
            return Measured(requests=requests, under_way=under_way, idle_s=idle_s)
        _, reading, share = look
        return Measured(reading.cpu_s, share, reading.memory, requests, under_way, idle_s)

    def _look(self, pids: Collection[int]) -> Mapping[int, tuple[float, Reading, float]]:
        with self._lock:
            now = self.now()
            for pid in [pid for pid, look in self._looks.items() if now - look[0] > 60 and pid not in pids]:
                del self._looks[pid]
            due = [pid for pid in pids if pid not in self._looks or now - self._looks[pid][0] >= FRESH_S]
            readings = self.read(due)
            for pid in due:
                before = self._looks.pop(pid, None)
                if pid in readings:
                    self._looks[pid] = (now, readings[pid], _share(now, readings[pid], before))
            return dict(self._looks)


def _share(now: float, reading: Reading, before: tuple[float, Reading, float] | None) -> float:
    if before is None or reading.age_s < before[1].age_s:  # another process has the number
        return reading.cpu_s / max(reading.age_s, FRESH_S)
    return max(reading.cpu_s - before[1].cpu_s, 0.0) / max(now - before[0], 0.001)
