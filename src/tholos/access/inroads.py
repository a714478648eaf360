"""Further ways to an app: addresses on the console's host that lead to what is served on a host of its own.

A person's browser is sent on to that host, where the app has an origin to itself. A program, which brings its token along
and keeps no cookies, is carried there. Where such addresses come from is for others to say.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tholos.gateway.model import Header, RequestHead
from tholos.paths.table import PathTable


@dataclass(frozen=True, slots=True)
class Inroad:
    """Where an address on the console's host leads."""

    name: str
    """Of the host: an app's, or one of its drafts'."""
    target: str
    """Path and query there."""


FindInroad = Callable[[RequestHead], Awaitable[Inroad | None]]
"""The way of a request to the console's host; None where it is the console's own."""

# What an app answers stands on the console's origin here: whoever opens it as a page after all runs nothing of it there.
CONFINED: tuple[Header, ...] = (
    (b"content-security-policy", b"sandbox"),
    (b"x-content-type-options", b"nosniff"),
)


@dataclass(frozen=True, slots=True)
class Inroads:
    """The paths that apps have of their own, and then a further way."""

    paths: PathTable
    further: FindInroad

    async def __call__(self, head: RequestHead) -> Inroad | None:
        led = self.paths.find_by_path(head.target)
        return Inroad(led.name, led.rest) if led else await self.further(head)


async def nowhere(_head: RequestHead) -> Inroad | None:
    """Every address is the console's own."""
    return None
