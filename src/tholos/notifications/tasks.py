"""The messenger: turns what was done into deliveries and sends those that are due. One per server.

It waits for notices and for the next moment at which something is due; it asks nobody in between. Every lane has at most
one message under way, so that a receiver that is slow or hangs holds up its own only.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from tholos import __version__
from tholos.audit import service as audit
from tholos.kit.clock import Clock
from tholos.kit.db import Database, WriteDb
from tholos.kit.errors import TholosError
from tholos.kit.log import get_logger
from tholos.kit.notices import Notices, wait
from tholos.kit.outgoing import NotDelivered, Reply
from tholos.kit.persistence import attempt, go_on
from tholos.kit.sealing import Sealer
from tholos.kit.threads import in_thread
from tholos.notifications import mail, outbox, signing
from tholos.notifications.mail import Mail, MailServer, NotSent
from tholos.notifications.models import Channel
from tholos.notifications.outbox import Due, Setup

AT_ONCE = 64
"""Messages that are under way at most."""
LONGEST_WAIT_S = 3600.0
EVERY_DAY = timedelta(days=1)
_mailing = ThreadPoolExecutor(8, "mail")


class Post(Protocol):
    """Sends a body to an address; see :class:`tholos.kit.outgoing.Outgoing`."""

    def __call__(self, url: str, content: bytes, headers: dict[str, str]) -> Awaitable[Reply]: ...


SendMail = Callable[[MailServer, Mail], None]


@dataclass(slots=True)
class Messenger:
    """Tells people and systems.

    Args:
        post: sends to webhooks.
        mail_server: None where mail is not set up.
        url: the console's origin, for links.
    """

    database: Database
    notices: Notices
    clock: Clock
    sealer: Sealer
    post: Post
    mail_server: MailServer | None
    url: str
    send_mail: SendMail = mail.send
    _busy: set[str] = field(default_factory=set)
    _looked_at: datetime | None = None

    async def run(self) -> None:
        """Tell until cancelled."""
        await go_on(partial(in_thread, self._begin))
        async with asyncio.TaskGroup() as group:
            await go_on(partial(self._tell_when_woken, group))

    def _begin(self) -> None:
        with self.database.write() as db:
            outbox.begin(db)

    async def _tell_when_woken(self, group: asyncio.TaskGroup) -> None:
        with self.notices.watch(audit.TOPIC) as woken:
            while True:
                await attempt(partial(in_thread, self._plan))
                next_at = await self._send_due(group, woken)
                await wait(woken, self._seconds_until(next_at))

    def _plan(self) -> None:
        """Read on in the record of deeds until there is nothing new; look daily at what ends by itself."""
        now = self.clock.now()
        if self._looked_at is None or now - self._looked_at >= EVERY_DAY:
            with self.database.write() as db:
                outbox.look_daily(db, now)
            self._looked_at = now
        with self.database.read() as db:
            has_more = outbox.has_news(db)
        setup = Setup(self.mail_server is not None, self.url)
        while has_more:
            with self.database.write() as db:
                has_more = outbox.plan_next(db, setup, now)

    async def _send_due(self, group: asyncio.TaskGroup, woken: asyncio.Event) -> datetime | None:
        """Begin to send what is due; returns when something is due next that nobody will tell of."""
        while len(self._busy) < AT_ONCE:
            due, next_at = await in_thread(self._take_due, frozenset(self._busy))
            for one in due:
                self._busy.add(one.delivery.lane)
                group.create_task(self._deliver(one, woken), name=one.delivery.id)
            if not due:
                return next_at
        return None  # whichever ends first wakes us

    def _take_due(self, busy: frozenset[str]) -> tuple[list[Due], datetime | None]:
        with self.database.read() as db:
            return outbox.take_due(db, self.sealer, self.clock.now(), busy, AT_ONCE - len(busy))

    def _seconds_until(self, moment: datetime | None) -> float:
        if moment is None:
            return LONGEST_WAIT_S
        return min(max((moment - self.clock.now()).total_seconds(), 0.05), LONGEST_WAIT_S)

    async def _deliver(self, due: Due, woken: asyncio.Event) -> None:
        """One attempt, and its end written down, however long the database takes to take it."""
        try:
            note = await self._attempt(due)
            await go_on(partial(in_thread, self._write, note))
        finally:
            self._busy.discard(due.delivery.lane)
            woken.set()

    async def _attempt(self, due: Due) -> Callable[[WriteDb], None]:
        """Send it once; returns what is to be noted of it."""
        delivery = due.delivery
        status, is_final = None, due.is_pointless
        try:
            send = self._send_mail if delivery.channel == Channel.MAIL else self._send_webhook
            status = await send(due)
        except TholosError as error:
            found = error.details.get("status")
            status = found if isinstance(found, int) else None
            is_final = is_final or (isinstance(error, NotSent) and error.is_final)
            reason = error.message
        except Exception as error:  # noqa: BLE001 - whatever breaks one delivery, the others go on
            get_logger().exception("delivery_broke", delivery=delivery.id)
            reason = f"Tholos made a mistake ({type(error).__name__}). The server's log has it all."
        else:
            get_logger().info("delivery_sent", delivery=delivery.id, target=delivery.target)
            return lambda db: outbox.note_delivered(db, delivery.id, status, self.clock.now())
        get_logger().info("delivery_failed", delivery=delivery.id, target=delivery.target, reason=reason)
        return lambda db: outbox.note_failed(
            db, delivery.id, status, reason, self.clock.now(), is_final=is_final
        )

    async def _send_webhook(self, due: Due) -> int | None:
        """Raises: AddressRefused, NotDelivered."""
        if due.secrets is None:
            raise NotDelivered(due.problem)
        body = json.dumps(
            due.delivery.body, ensure_ascii=False, separators=(",", ":"), sort_keys=True
        ).encode()
        timestamp = int(self.clock.now().timestamp())
        headers = {
            "content-type": "application/json",
            "user-agent": f"tholos/{__version__}",
            **signing.sign(due.secrets.secret, due.delivery.id, timestamp, body),
        }
        return (await self.post(due.secrets.url, body, headers)).status

    async def _send_mail(self, due: Due) -> int | None:
        """Raises: NotSent."""
        if self.mail_server is None:
            raise NotSent("Mail is not set up any more.", final=True)
        delivery = due.delivery
        message = Mail(
            delivery.target, str(delivery.body["subject"]), str(delivery.body["text"]), delivery.id
        )
        await asyncio.get_running_loop().run_in_executor(_mailing, self.send_mail, self.mail_server, message)
        return None

    def _write(self, note: Callable[[WriteDb], None]) -> None:
        with self.database.write() as db:
            note(db)
