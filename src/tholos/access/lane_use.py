"""How instances are used by both ways to them: what the carrier tells, and what the proxy in front counted meanwhile.

The proxy tells no one of a request: that would cost each of them more than carrying it does. It counts, and is asked when
somebody wants to know (:meth:`LaneUse.look`): what was used between two looks counts as used at the second one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tholos.gateway.counting import APP
from tholos.gateway.errors import ProxySilent
from tholos.gateway.lane_counts import LaneCount
from tholos.instances.activity import Activity
from tholos.instances.serving import ServingTable
from tholos.kit.metrics import Labels

_NOTHING = LaneCount()


@dataclass(slots=True)
class _Known:
    count: LaneCount
    app: str
    begun: int = 0
    """That were seen to begin."""
    used_at: float | None = None


@dataclass(slots=True)
class LaneUse:
    """An :class:`Activity` of both ways; for any thread.

    Args:
        carried: what the carrier tells.
    """

    carried: Activity
    now: Callable[[], float] = time.monotonic
    answered: dict[Labels, float] = field(default_factory=dict)
    """Requests that the server did not see, as :class:`tholos.gateway.counting.Requests` has the others; replaced, never changed."""
    _read: Callable[[], Mapping[str, LaneCount]] | None = None
    _serving: ServingTable | None = None
    _known: dict[str, _Known] = field(default_factory=dict)
    _has_looked: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, read: Callable[[], Mapping[str, LaneCount]], serving: ServingTable) -> None:
        """There is a proxy in front from here on.

        Args:
            read: asks it. Raises ProxySilent.
            serving: whose the instances are.
        """
        self._read, self._serving = read, serving

    def look(self) -> None:
        """Ask the proxy. Blocking. Where it is silent nothing is known, and everything counts as used."""
        if self._read is None:
            return
        with self._lock:
            try:
                found = self._read()
            except ProxySilent:
                for known in self._known.values():
                    known.used_at = self.now()
                return
            self._take(found)

    def _take(self, found: Mapping[str, LaneCount]) -> None:
        names = self._names()
        known: dict[str, _Known] = {}
        answered = self.answered.copy()
        for instance, count in found.items():
            one = self._known.get(instance)
            if one is None:
                # What was counted before the first look is not told of, and may have been a moment ago.
                one = _Known(_NOTHING, "") if self._has_looked else _Known(count, "", used_at=self.now())
            one.app = names.get(instance, one.app)
            for status, more in self._grow(one, count).items():
                key = (APP, one.app, status)
                answered[key] = answered.get(key, 0) + more
            known[instance] = one
        self._known, self.answered, self._has_looked = known, answered, True

    def _grow(self, one: _Known, count: LaneCount) -> dict[str, int]:
        """What was answered since the last look, by class of status."""
        before = one.count if count.begun >= one.count.begun else _NOTHING  # the proxy began anew
        more = count.begun - before.begun
        if more or count.under_way:
            one.used_at = self.now()
        one.begun += more
        one.count = count
        return {status: number - before.answered.get(status, 0) for status, number in count.answered.items()}

    def _names(self) -> dict[str, str]:
        rows = self._serving.rows() if self._serving else []
        return {one.instance: row.name.partition("--")[0] for row in rows for one in row.ready}

    # As of the last look

    def under_way(self, instance_id: str, /) -> int:
        known = self._known.get(instance_id)
        return self.carried.under_way(instance_id) + (known.count.under_way if known else 0)

    def begun(self, instance_id: str, /) -> int:
        known = self._known.get(instance_id)
        return self.carried.begun(instance_id) + (known.begun if known else 0)

    def idle_s(self, instance_id: str, /) -> float | None:
        known = self._known.get(instance_id)
        found = [self.carried.idle_s(instance_id)]
        if known is not None and known.used_at is not None:
            found.append(0.0 if known.count.under_way else self.now() - known.used_at)
        return min((one for one in found if one is not None), default=None)

    def forget(self, instance_id: str, /) -> None:
        """What the proxy counts it forgets itself."""
        self.carried.forget(instance_id)
