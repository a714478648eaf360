"""Use cases of the outbox: what was done becomes deliveries, exactly once; a delivery ends delivered or given up.

Where reading has come to and what follows from it are written in one transaction. A delivery that was sent and not yet
noted when the server ended is sent again, under the same id.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tholos.accounts import service as accounts
from tholos.accounts.models import Role
from tholos.apps import service as apps
from tholos.apps.errors import ReleaseNotFound
from tholos.apps.models import App
from tholos.apps.service import Rank
from tholos.audit import reading
from tholos.audit import service as audit
from tholos.audit.models import Action, AuditEntry
from tholos.kit.db import ReadDb, WriteDb
from tholos.kit.sealing import CannotOpen, Sealer
from tholos.notifications import queries
from tholos.notifications import service as notifications
from tholos.notifications.models import (
    DELIVERY_TRANSITIONS,
    Cursor,
    Delivery,
    DeliveryState,
    Webhook,
)
from tholos.notifications.plan import FAILURES, PERSONAL, Deed, Facts, Reader, Receiver, next_try, tell
from tholos.notifications.service import Secrets
from tholos.sharing import service as sharing
from tholos.sharing.models import Level

DEEDS = "deeds"
"""The cursor of what was read of the record of deeds."""
TOKENS = "tokens"
"""The cursor of the token ends that were told, in milliseconds since 1970."""
BATCH = 200
TOKEN_NOTICE = timedelta(days=7)
KEPT = timedelta(days=90)
"""How long ended deliveries are kept."""
_OF_APPS = frozenset(
    {
        *FAILURES,
        Action.SCHEDULE_STOPPED,
        Action.APP_FAILING,
        Action.ACCESS_REQUESTED,
        Action.ACCESS_GRANTED,
        Action.ACCESS_REFUSED,
    }
)


@dataclass(frozen=True, slots=True)
class Setup:
    """What decides how is told."""

    can_mail: bool
    url: str
    """The console's origin."""


@dataclass(frozen=True, slots=True)
class Due:
    """One delivery to be sent now, with all that this takes."""

    delivery: Delivery
    secrets: Secrets | None
    """Of its webhook; None for mail, and where it cannot be sent."""
    problem: str = ""
    """Why it cannot be sent."""
    is_pointless: bool = False
    """Whether it never can be."""


def begin(db: WriteDb) -> None:
    """The first time: what was done before anybody could be told is not told."""
    if queries.find_cursor(db, DEEDS) is None:
        db.add(Cursor(name=DEEDS, position=reading.newest_id(db)))


def has_news(db: ReadDb) -> bool:
    cursor = queries.find_cursor(db, DEEDS)
    return cursor is None or reading.newest_id(db) > cursor.position


def plan_next(db: WriteDb, setup: Setup, now: datetime) -> bool:
    """Turn the next deeds into deliveries; returns whether there may be more."""
    cursor = queries.find_cursor(db, DEEDS)
    if cursor is None:
        begin(db)
        return False
    entries = reading.list_after(db, cursor.position, BATCH)
    if not entries:
        return False
    receivers = _receivers(db)
    for entry in entries:
        _plan(db, entry, receivers, setup, now)
    cursor.position = entries[-1].id
    return len(entries) == BATCH


def _receivers(db: ReadDb) -> Mapping[str, list[Receiver]]:
    """The webhooks that are switched on, by organization."""
    found: dict[str, list[Receiver]] = {}
    for webhook in queries.list_active(db):
        found.setdefault(webhook.organization_id, []).append(notifications.receiver_of(webhook))
    return found


def _plan(
    db: WriteDb, entry: AuditEntry, receivers: Mapping[str, list[Receiver]], setup: Setup, now: datetime
) -> None:
    readers = _readers(db, entry)
    facts = Facts(
        readers,
        queries.muted(db, [one.account_id for one in readers]) if readers else frozenset(),
        is_repeated=_is_repeated(db, entry),
        can_mail=setup.can_mail,
        url=setup.url,
    )
    for message in tell(_deed(entry), facts, receivers.get(entry.organization_id, ())):
        notifications.new_delivery(
            db, entry.organization_id, entry.action, message.body, now,
            channel=message.channel, lane=message.lane, target=message.target, webhook_id=message.webhook_id,
            account_id=message.account_id, audit_id=entry.id,
        )  # fmt: skip


def _deed(entry: AuditEntry) -> Deed:
    return Deed(
        entry.id, entry.at, entry.action, entry.actor_id or "", entry.actor_name, entry.subject_kind, entry.subject_id,
        entry.subject_name, entry.before, entry.after, entry.note,
    )  # fmt: skip


def _is_repeated(db: ReadDb, entry: AuditEntry) -> bool:
    """Whether an app failed already, and has not served since."""
    if entry.action != Action.APP_FAILING:
        return False
    last = reading.find_last(db, entry, (Action.APP_FAILING, Action.APP_SERVING))
    return last is not None and last.action == Action.APP_FAILING


def _readers(db: ReadDb, entry: AuditEntry) -> Sequence[Reader]:
    """Whom a deed concerns, and in what part; nobody is told what they did themselves a moment ago."""
    if entry.action not in PERSONAL:
        return ()
    parts = _parts(db, entry)
    found = queries.list_readers(db, parts)
    return [
        Reader(account_id, found[account_id].name, found[account_id].email or "", why)
        for account_id, why in parts.items()
        if account_id in found
    ]


def _parts(db: ReadDb, entry: AuditEntry) -> dict[str, str]:
    """Account and part of everybody whom a deed concerns."""
    if entry.action == Action.WEBHOOK_GIVEN_UP:
        webhook = queries.find_webhook(db, entry.subject_id)
        return {webhook.owner_id: "the owner of the webhook"} if webhook else {}
    if entry.action == Action.TOKEN_EXPIRES:
        return dict.fromkeys(_named(db, entry), "the owner of the token")
    app = apps.find_app(db, entry.subject_id)
    if entry.action not in _OF_APPS or app is None:
        return {}
    if entry.action in {Action.ACCESS_GRANTED, Action.ACCESS_REFUSED}:
        return dict.fromkeys(_named(db, entry), "who asked for it")
    is_failure = entry.action in FAILURES
    told = _looking_after(db, app, _author(db, app, entry) if is_failure else {})
    if not is_failure:
        told.pop(entry.actor_id or "", None)
    return told


def _looking_after(db: ReadDb, app: App, author: Mapping[str, str]) -> dict[str, str]:
    """An app's owner and editors, and the author of a release as long as they may see it; the part of each."""
    levels = {account_id: level for (_, account_id), level in sharing.all_levels(db, [app.id]).items()}
    given = {one for one, level in levels.items() if level == Level.EDITOR}
    told: dict[str, str] = {}
    for account in queries.list_readers(db, {*author, *given}).values():
        rank = apps.rank_of(app, accounts.actor_for(account), levels.get(account.id))
        if account.id in author and (rank or Role(account.role).includes(Role.ADMINISTRATOR)):
            told[account.id] = author[account.id]
        elif rank >= Rank.EDITOR:
            told[account.id] = f"an editor of {app.name}"
    return {**told, app.owner_id: f"the owner of {app.name}"}


def _author(db: ReadDb, app: App, entry: AuditEntry) -> dict[str, str]:
    if entry.action != Action.RELEASE_FAILED:
        return dict.fromkeys(filter(None, [entry.actor_id]), "who asked for it")
    number = (entry.after or {}).get("release")
    if not isinstance(number, int):
        return dict.fromkeys([*_named(db, entry), *filter(None, [entry.actor_id])], "who published it")
    try:
        return {apps.get_release_numbered(db, app.id, number).author_id: "who published it"}
    except ReleaseNotFound:
        return {}


def _named(db: ReadDb, entry: AuditEntry) -> Collection[str]:
    """The account that a deed names: by its id, else by its name."""
    after = entry.after or {}
    account_id, name = after.get("account_id"), after.get("account")
    if isinstance(account_id, str):
        return [account_id]
    found = queries.find_account_named(db, entry.organization_id, name) if isinstance(name, str) else None
    return [found.id] if found else []


def take_due(
    db: ReadDb, sealer: Sealer, now: datetime, busy: Collection[str], limit: int
) -> tuple[list[Due], datetime | None]:
    """What is to be sent now, one of each lane that is not busy; and when there is something next, if nothing is now."""
    found = queries.first_due(db, now, busy, limit)
    if not found:
        return [], queries.next_due_at(db, busy)
    return [_due(db, sealer, one) for one in found], None


def _due(db: ReadDb, sealer: Sealer, delivery: Delivery) -> Due:
    if delivery.webhook_id is None:
        return Due(delivery, None)
    webhook = queries.find_webhook(db, delivery.webhook_id)
    if webhook is None or not (webhook.is_active or delivery.audit_id is None):
        return Due(delivery, None, "Its webhook is switched off, or gone.", is_pointless=True)
    try:
        return Due(delivery, notifications.open_secrets(sealer, webhook))
    except CannotOpen as error:
        return Due(delivery, None, error.message)


def note_delivered(db: WriteDb, delivery_id: str, status: int | None, now: datetime) -> None:
    delivery = queries.get_delivery(db, delivery_id)
    if delivery.next_at is None:
        return  # it was given up meanwhile
    _move(delivery, DeliveryState.DELIVERED)
    delivery.attempts += 1
    delivery.next_at, delivery.ended_at = None, now
    delivery.last_status, delivery.last_error = status, ""
    webhook = _webhook_of(db, delivery)
    if webhook is not None:
        webhook.failing_since = webhook.given_up_at = None


def note_failed(
    db: WriteDb, delivery_id: str, status: int | None, reason: str, now: datetime, *, is_final: bool = False
) -> None:
    """A failure: it is tried again later, or given up."""
    delivery = queries.get_delivery(db, delivery_id)
    if delivery.next_at is None:
        return
    delivery.attempts += 1
    delivery.last_status, delivery.last_error = status, reason
    delivery.next_at = None if is_final else next_try(delivery.attempts, now)
    _move(delivery, DeliveryState.GIVEN_UP if delivery.next_at is None else DeliveryState.FAILED)
    webhook = _webhook_of(db, delivery)
    if webhook is not None:
        webhook.failing_since = webhook.failing_since or now
    if delivery.next_at is None:
        delivery.ended_at = now
        if webhook is not None:
            _give_up(db, webhook, delivery, now)


def _give_up(db: WriteDb, webhook: Webhook, delivery: Delivery, now: datetime) -> None:
    """Of a time in which nothing arrives, the first that is given up is told."""
    if webhook.given_up_at is not None or not webhook.is_active:
        return
    webhook.given_up_at = now
    subject = notifications.subject_of(webhook)
    audit.record(
        db, audit.ITSELF, Action.WEBHOOK_GIVEN_UP, subject, now,
        after={"delivery": delivery.id, "attempts": delivery.attempts}, note=delivery.last_error,
    )  # fmt: skip


def _webhook_of(db: ReadDb, delivery: Delivery) -> Webhook | None:
    return queries.find_webhook(db, delivery.webhook_id) if delivery.webhook_id else None


def _move(delivery: Delivery, state: DeliveryState) -> None:
    if state not in DELIVERY_TRANSITIONS[DeliveryState(delivery.state)]:
        msg = f"delivery {delivery.id} cannot become {state}: it is {delivery.state}"
        raise RuntimeError(msg)
    delivery.state = state


def look_daily(db: WriteDb, now: datetime) -> None:
    """Tell of tokens that end soon, each once; forget what is long over."""
    _tell_of_tokens(db, now)
    for webhook in queries.list_orphans(db):
        db.delete(webhook)
    for delivery in queries.list_ended_before(db, now - KEPT, 10_000):
        db.delete(delivery)


def _tell_of_tokens(db: WriteDb, now: datetime) -> None:
    cursor = queries.find_cursor(db, TOKENS)
    until = now + TOKEN_NOTICE
    told_until = datetime.fromtimestamp(cursor.position / 1000, UTC) if cursor else now
    for token, account in queries.list_ending_tokens(db, max(told_until, now), until):
        if token.expires_at - token.created_at <= TOKEN_NOTICE:
            continue  # its maker knows
        audit.record(
            db, audit.ITSELF, Action.TOKEN_EXPIRES, audit.Subject("token", token.id, token.label), now,
            after={"account": account.name, "account_id": account.id},
            note=f"It ends on {token.expires_at:%Y-%m-%d at %H:%M} UTC. Make another one before that.",
        )  # fmt: skip
    position = int(until.timestamp() * 1000)
    if cursor is None:
        db.add(Cursor(name=TOKENS, position=position))
    else:
        cursor.position = position
