"""Waking whoever waits for a change: topics with waiters, within this process.

A notice carries no data: what changed is in the database, and a waiter reads it there. That is what lets a second
server's notices arrive by another way (LISTEN and NOTIFY, say) without any waiter changing.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class Notices:
    """Publish from any thread; wait on the event loop it was made for."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiters: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._counts: Counter[str] = Counter()
        self._counting = threading.Lock()

    def publish(self, topic: str) -> None:
        """Wake all who watch the topic, soon. Called after the commit of what changed, never before."""
        with self._counting:
            self._counts[topic] += 1
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake, topic)

    def count(self, topic: str) -> int:
        """How often a topic was published: whoever reads this first and the database then has read at least so much."""
        return self._counts[topic]

    @contextmanager
    def watch(self, *topics: str) -> Iterator[asyncio.Event]:
        """An event that is set at each notice of a topic; clear it before reading, so that no change is missed between."""
        event = asyncio.Event()
        for topic in topics:
            self._waiters[topic].add(event)
        try:
            yield event
        finally:
            for topic in topics:
                self._waiters[topic].discard(event)
                if not self._waiters[topic]:
                    del self._waiters[topic]

    def _wake(self, topic: str) -> None:
        for event in self._waiters.get(topic, ()):
            event.set()


async def wait(event: asyncio.Event, seconds: float) -> bool:
    """Whether the event was set in time; it is cleared either way."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    event.clear()
    return True
