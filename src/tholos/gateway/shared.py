"""What all connections of one carrier have in common: who decides, the limits, the counts and where to report."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import TYPE_CHECKING

from tholos.gateway.answers import plain_answer
from tholos.gateway.limits import Limits
from tholos.gateway.model import Answer, Decide, Ended, RequestHead
from tholos.gateway.tally import Tally
from tholos.kit.errors import TholosError

if TYPE_CHECKING:
    from tholos.gateway.connection import Connection
    from tholos.gateway.exchange import Exchange
    from tholos.gateway.upstreams import Pool

_log = logging.getLogger(__name__)

RenderError = Callable[[RequestHead, TholosError], Answer]
OnError = Callable[[RequestHead, BaseException], None]
OnDone = Callable[[Ended], None]


def all_of(*told: OnDone) -> OnDone:
    """Several that are told, one after the other."""

    def tell(ended: Ended) -> None:
        for one in told:
            one(ended)

    return tell


def render_plainly(_head: RequestHead, error: TholosError) -> Answer:
    """The rendering of an error where none was injected."""
    return plain_answer(500, error.message)


def log_error(head: RequestHead, error: BaseException) -> None:
    """The report of an unexpected error where none was injected."""
    _log.error("Cannot decide %s %s", head.method, head.host, exc_info=error)


@dataclass(slots=True)
class Shared:
    """State and seams of one carrier, for one event loop."""

    loop: asyncio.AbstractEventLoop
    decide: Decide
    limits: Limits
    pool: Pool
    render_error: RenderError
    on_done: OnDone | None
    on_error: OnError
    connections: set[Connection] = field(default_factory=set)
    exchanges: set[Exchange] = field(default_factory=set)
    under_way: Tally = field(default_factory=Tally)
    """Of exchanges, by the label of their decision."""
    everything: Tally = field(default_factory=Tally)
    """Of ``exchange`` and ``connection``."""
    access_changes: int = 0
    """How often access changed, so that a decision that was made meanwhile is looked at again."""
    closing: bool = False
    date: bytes = b""

    def refresh_date(self) -> None:
        """The Date header's value, made once a second and not once an answer."""
        self.date = formatdate(usegmt=True).encode("ascii")

    def render(self, head: RequestHead, error: TholosError, status: int | None = None) -> Answer:
        """An error as an answer; with its own status where the carrier knows better than the error's kind."""
        try:
            answer = self.render_error(head, error)
        except Exception as failure:  # noqa: BLE001 - injected code; the client still gets an answer
            self.on_error(head, failure)
            answer = plain_answer(500, error.message)
        return answer if status is None else replace(answer, status=status)
