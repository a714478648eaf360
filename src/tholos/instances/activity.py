"""What is known of how instances are used: the seam that sleeping and scaling decide by, whoever carries the requests."""

from __future__ import annotations

from typing import Protocol


class Activity(Protocol):
    """Told by what carries requests; kept in memory, so a server that starts knows nothing and counts that as use."""

    def under_way(self, instance_id: str, /) -> int:
        """How many requests, streams and tunnels are under way."""
        ...

    def begun(self, instance_id: str, /) -> int:
        """How many ever began."""
        ...

    def idle_s(self, instance_id: str, /) -> float | None:
        """Seconds since the last one ended; 0 while one is under way, None where none is known of."""
        ...

    def forget(self, instance_id: str, /) -> None:
        """Nothing is asked of this instance again."""
        ...
