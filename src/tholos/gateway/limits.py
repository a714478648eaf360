"""How much a carrier takes and how long it waits: values only, for every other module of the carrier."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one carrier; times in seconds, sizes in bytes."""

    max_connections: int = 10_000
    max_line: int = 16 * 1024
    """Of a request line; longer ones are answered 414."""
    max_head: int = 64 * 1024
    """Of a request's whole header block; larger ones are answered 431."""
    max_headers: int = 200
    max_answer_head: int = 256 * 1024
    buffer: int = 64 * 1024
    """What may wait in memory for a slow side before the fast side is no longer read."""
    head_timeout: float = 20.0
    """From a connection or the first byte of a request to the end of its head."""
    keep_alive: float = 75.0
    """Between two requests of a client."""
    answer_timeout: float = 300.0
    """From the last byte that went upstream to the head of the answer; then 504."""
    idle_timeout: float | None = None
    """Between two bytes of an answer or a tunnel; None never ends a stream."""
    connect_timeout: float = 5.0
    max_attempts: int = 1000
    """Openings of one request's connection, after which it is answered 502 whatever is decided."""
    pool_size: int = 64
    """Idle connections kept for one address."""
    pool_idle: float = 1.5
    """Shorter than the keep-alive of common servers (gunicorn 2, uvicorn and node 5), so that they seldom close first."""
    linger: float = 2.0
    """How long a body that nobody wants is read and thrown away without a pause, so that its sender reads the answer."""
    linger_total: float = 15.0
    half_close_grace: float = 0.25
    """A client that stopped sending on TCP looks like one that left: its answer may still take this long."""
    tunnel_linger: float = 30.0
    """How long the other direction of a tunnel stays open after one side ended its own."""

    @property
    def tick(self) -> float:
        """How often timeouts are looked at: a quarter of the shortest, between 10 ms and 1 s."""
        times = [self.head_timeout, self.keep_alive, self.answer_timeout, self.pool_idle, self.linger]
        if self.idle_timeout is not None:
            times.append(self.idle_timeout)
        return max(0.01, min(1.0, min(times) / 4))
