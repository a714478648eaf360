"""A request's way, as values: what the carrier reads, and what it is told to do. No I/O."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

Header = tuple[bytes, bytes]
"""Name in lower case, value as it came."""


@dataclass(frozen=True, slots=True)
class RequestHead:
    """A request before its body, checked for form: one host, one length, no folded header."""

    method: str
    target: str
    """Path and query, as sent."""
    host: str
    """The Host header in lower case, port included."""
    headers: Sequence[Header]
    peer: str
    """Address of the client, empty for a unix socket."""
    upgrade: str
    """The protocol asked for, in lower case (``websocket``); empty for a plain request."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The request is answered here, without its body being read."""

    status: int
    headers: Sequence[Header] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Carry:
    """The request is carried to a process that listens at an address."""

    address: str
    """``unix:/path`` or ``tcp:host:port``."""
    label: str
    """Whose it is, for the log and for counting what is under way: an instance id, or ``console``."""
    target: str = ""
    """Path and query to ask for, where they are others than those that were sent."""
    remove_cookies: frozenset[bytes] = frozenset()
    remove_headers: frozenset[bytes] = frozenset()
    """Names in lower case."""
    remove_prefixes: tuple[bytes, ...] = ()
    """Every header whose name begins so is removed; names with an underscore always are."""
    set_headers: Sequence[Header] = ()
    answer_headers: Sequence[Header] = ()
    """Headers added to the answer, 101 included: a renewed pass, say."""
    still_allowed: Callable[[], bool] | None = None
    """Asked when access changed anywhere: False ends this exchange within five seconds. None is always allowed."""
    max_body: int = 0
    """Bytes that the request's body may have; with more it is answered 413. 0 bounds none."""
    details: Mapping[str, str] = field(default_factory=dict)
    """For the access log: app, release, account."""


Decision = Answer | Carry


class Ended(NamedTuple):
    """A request that is over, for the access log and whoever counts."""

    head: RequestHead
    decision: Decision | None
    status: int
    """499 is a client that left first."""
    received: int
    """Bytes of bodies and tunnels, as are those that were sent."""
    sent: int
    seconds: float


class Decide(Protocol):
    """Who may go where. ``attempt`` counts from 0: after a connection that could not be opened the carrier asks again."""

    def __call__(self, head: RequestHead, attempt: int) -> Awaitable[Decision]: ...
