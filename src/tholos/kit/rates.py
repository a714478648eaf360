"""How often somebody may do something: a bucket of tries for each key, which fills again with time.

Kept in this server's memory: a restart forgets what was taken, and a second server counts for itself.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from tholos.kit.errors import Unavailable

KEYS_AT_MOST = 10_000
"""Keys that are remembered; of more than these, the ones with the most left are forgotten."""


class TooManyRequests(Unavailable):
    """Cannot do that just now: there were too many requests of the kind lately."""

    code = "too_many_requests"


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once, and again as many within a time."""

    most: int
    within: timedelta

    @property
    def each_s(self) -> float:
        """Seconds until one more may be done."""
        return self.within.total_seconds() / self.most


class Buckets:
    """Counts what is done under each key.

    Args:
        rate: how often each key may do it.
        told: the sentence for whom it was too often.
    """

    def __init__(self, rate: Rate, told: str = "") -> None:
        self._rate = rate
        self._told = told
        self._left: dict[str, tuple[float, datetime]] = {}
        self._lock = threading.Lock()

    def check(self, key: str, now: datetime) -> None:
        """Nothing is taken: for what is counted only once it turned out wrong.

        Raises: TooManyRequests.
        """
        with self._lock:
            self._need_one(key, now)

    def take(self, key: str, now: datetime) -> None:
        """Raises: TooManyRequests."""
        with self._lock:
            left = self._need_one(key, now)
            if key not in self._left and len(self._left) >= KEYS_AT_MOST:
                self._forget_some(now)
            self._left[key] = (left - 1.0, now)

    def _need_one(self, key: str, now: datetime) -> float:
        left = self._left_of(key, now)
        if left < 1.0:
            wait_s = max(1, -int(-(1.0 - left) * self._rate.each_s // 1))
            raise TooManyRequests(self._told, fix=f"Try again in {_words(wait_s)}.", retry_after_s=wait_s)
        return left

    def _left_of(self, key: str, now: datetime) -> float:
        if key not in self._left:
            return float(self._rate.most)
        left, at = self._left[key]
        # A clock that was set back gives nothing and takes nothing.
        gained = max(0.0, (now - at).total_seconds()) / self._rate.each_s
        return min(float(self._rate.most), left + gained)

    def _forget_some(self, now: datetime) -> None:
        """Those that have the least left stay: forgetting them would let them begin anew."""
        ordered = sorted(self._left, key=lambda key: self._left_of(key, now))
        self._left = {key: self._left[key] for key in ordered[: KEYS_AT_MOST // 2]}


def _words(seconds: int) -> str:
    return f"{seconds} s" if seconds < 120 else f"{-(-seconds // 60)} minutes"
