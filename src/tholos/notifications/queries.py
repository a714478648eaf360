"""Every SELECT of webhooks, deliveries and preferences."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Select, and_, bindparam, func, or_, select, text
from sqlalchemy.orm import defer

from tholos.accounts.models import Account, Token
from tholos.accounts.service import Actor
from tholos.apps.models import App
from tholos.apps.service import editable_ids
from tholos.kit.db import ReadDb
from tholos.notifications.errors import DeliveryNotFound, WebhookNotFound
from tholos.notifications.models import WAITING, Channel, Cursor, Delivery, Preference, Webhook

Reachable = Select[Webhook]

# Every page runs it: built once, since that takes longer than to run it.
_UNSEEN_OF = (
    select(func.count())
    .select_from(Delivery)
    .where(
        Delivery.account_id == bindparam("account_id"),
        text("channel = 'inbox'"),  # in the words of the index: a parameter would not find it
        Delivery.seen_at.is_(None),
    )
)


def changeable_by(actor: Actor, *, administers: bool) -> Reachable:
    """The webhooks of the apps that an actor may edit; for administrators also those of the whole installation."""
    chosen = select(Webhook).where(Webhook.organization_id == actor.organization_id)
    of_apps = Webhook.app_id.in_(editable_ids(actor))
    return chosen.where(or_(of_apps, Webhook.app_id.is_(None)) if administers else of_apps)


def get_webhook(db: ReadDb, reachable: Reachable, webhook_id: str) -> Webhook:
    found = db.scalar(reachable.where(Webhook.id == webhook_id))
    if found is None:
        raise WebhookNotFound(where="webhook")
    return found


def list_webhooks(db: ReadDb, reachable: Reachable, app_id: str | None = None) -> Sequence[Webhook]:
    chosen = reachable if app_id is None else reachable.where(Webhook.app_id == app_id)
    return db.scalars(chosen.order_by(Webhook.id)).all()


def list_of_installation(db: ReadDb, organization_id: str) -> Sequence[Webhook]:
    chosen = select(Webhook).where(Webhook.organization_id == organization_id, Webhook.app_id.is_(None))
    return db.scalars(chosen.order_by(Webhook.id)).all()


def count_by_state(db: ReadDb) -> dict[tuple[str, str], int]:
    """Deliveries that are kept, by channel and state."""
    chosen = select(Delivery.channel, Delivery.state, func.count()).group_by(Delivery.channel, Delivery.state)
    return {(channel, state): count for channel, state, count in db.execute(chosen)}


def list_owned(db: ReadDb, account_id: str) -> Sequence[Webhook]:
    return db.scalars(select(Webhook).where(Webhook.owner_id == account_id).order_by(Webhook.id)).all()


def list_active(db: ReadDb) -> Sequence[Webhook]:
    return db.scalars(select(Webhook).where(Webhook.is_active).order_by(Webhook.id)).all()


def count_webhooks(db: ReadDb, organization_id: str, app_id: str | None) -> int:
    of_it = Webhook.app_id.is_(None) if app_id is None else Webhook.app_id == app_id
    chosen = select(func.count()).select_from(Webhook).where(Webhook.organization_id == organization_id)
    return db.scalar(chosen.where(of_it)) or 0


def find_webhook(db: ReadDb, webhook_id: str) -> Webhook | None:
    return db.get(Webhook, webhook_id)


def list_orphans(db: ReadDb) -> Sequence[Webhook]:
    """Webhooks of apps that are gone, to which nothing is to be sent any more."""
    waiting = select(Delivery.webhook_id).where(
        Delivery.next_at.is_not(None), Delivery.webhook_id.is_not(None)
    )
    chosen = select(Webhook).where(Webhook.app_id.is_not(None), Webhook.app_id.not_in(select(App.id)))
    return db.scalars(chosen.where(Webhook.id.not_in(waiting))).all()


def app_names(db: ReadDb, app_ids: Collection[str]) -> dict[str, str]:
    rows = db.execute(select(App.id, App.name).where(App.id.in_(app_ids)))
    return {app_id: name for app_id, name in rows}  # noqa: C416 - rows are not pairs to the type checker


def list_deliveries(
    db: ReadDb, webhook_id: str, before: str | None, state: str, limit: int, *, with_bodies: bool
) -> Sequence[Delivery]:
    """The newest first."""
    chosen = select(Delivery).where(Delivery.webhook_id == webhook_id)
    if not with_bodies:
        chosen = chosen.options(defer(Delivery.body))
    if before is not None:
        chosen = chosen.where(Delivery.id < before)
    if state:
        chosen = chosen.where(Delivery.state == state)
    return db.scalars(chosen.order_by(Delivery.id.desc()).limit(limit)).all()


def last_of_webhooks(db: ReadDb, webhook_ids: Collection[str]) -> dict[str, Delivery]:
    """The newest delivery to each webhook that has one."""
    newest = (
        select(func.max(Delivery.id))
        .where(Delivery.webhook_id.in_(webhook_ids))
        .group_by(Delivery.webhook_id)
    )
    chosen = select(Delivery).where(Delivery.id.in_(newest)).options(defer(Delivery.body))
    return {str(one.webhook_id): one for one in db.scalars(chosen)}


def get_delivery(db: ReadDb, delivery_id: str) -> Delivery:
    found = db.get(Delivery, delivery_id)
    if found is None:
        raise DeliveryNotFound(where="delivery")
    return found


def list_waiting_of(db: ReadDb, webhook_id: str) -> Sequence[Delivery]:
    chosen = select(Delivery).where(Delivery.webhook_id == webhook_id, Delivery.state.in_(WAITING))
    return db.scalars(chosen).all()


def first_due(db: ReadDb, now: datetime, busy: Collection[str], limit: int) -> Sequence[Delivery]:
    """Of each lane that is not busy, the oldest delivery that is due."""
    firsts = (
        select(func.min(Delivery.id))
        .where(Delivery.next_at <= now, Delivery.lane.not_in(busy))
        .group_by(Delivery.lane)
        .limit(limit)
    )
    return db.scalars(select(Delivery).where(Delivery.id.in_(firsts)).order_by(Delivery.id)).all()


def next_due_at(db: ReadDb, busy: Collection[str]) -> datetime | None:
    chosen = select(Delivery.next_at).where(Delivery.next_at.is_not(None), Delivery.lane.not_in(busy))
    return db.scalar(chosen.order_by(Delivery.next_at).limit(1))


def list_ended_before(db: ReadDb, moment: datetime, limit: int) -> Sequence[Delivery]:
    chosen = select(Delivery).where(Delivery.created_at < moment, Delivery.next_at.is_(None))
    return db.scalars(chosen.limit(limit)).all()


def list_inbox(db: ReadDb, account_id: str, before: str | None, limit: int) -> Sequence[Delivery]:
    chosen = select(Delivery).where(Delivery.account_id == account_id, Delivery.channel == Channel.INBOX)
    if before is not None:
        chosen = chosen.where(Delivery.id < before)
    return db.scalars(chosen.order_by(Delivery.id.desc()).limit(limit)).all()


def list_unseen(db: ReadDb, account_id: str, last: str) -> Sequence[Delivery]:
    chosen = select(Delivery).where(
        Delivery.account_id == account_id, Delivery.channel == Channel.INBOX, Delivery.seen_at.is_(None)
    )
    return db.scalars(chosen.where(Delivery.id <= last) if last else chosen).all()


def count_unseen(db: ReadDb, account_id: str) -> int:
    return db.scalar(_UNSEEN_OF, {"account_id": account_id}) or 0


def muted(db: ReadDb, account_ids: Collection[str]) -> frozenset[tuple[str, str, str]]:
    """Account, action and channel of what is muted."""
    chosen = select(Preference.account_id, Preference.action, Preference.channel)
    rows = db.execute(chosen.where(Preference.account_id.in_(account_ids), Preference.is_muted))
    return frozenset((account_id, action, channel) for account_id, action, channel in rows)


def find_preference(db: ReadDb, account_id: str, action: str, channel: str) -> Preference | None:
    return db.get(Preference, (account_id, action, channel))


def find_cursor(db: ReadDb, name: str) -> Cursor | None:
    return db.get(Cursor, name)


def list_readers(db: ReadDb, account_ids: Collection[str]) -> dict[str, Account]:
    """Accounts that may be told something."""
    chosen = select(Account).where(Account.id.in_(account_ids), Account.is_disabled.is_(False))
    return {account.id: account for account in db.scalars(chosen)}


def find_account_named(db: ReadDb, organization_id: str, name: str) -> Account | None:
    return db.scalar(select(Account).where(Account.organization_id == organization_id, Account.name == name))


def list_ending_tokens(db: ReadDb, after: datetime, until: datetime) -> list[tuple[Token, Account]]:
    """Tokens in use that end in this span, with their accounts."""
    chosen = (
        select(Token, Account)
        .join(Account, Account.id == Token.account_id)
        .where(
            and_(Token.expires_at > after, Token.expires_at <= until, Token.revoked_at.is_(None)),
            Account.is_disabled.is_(False),
        )
        .order_by(Token.expires_at, Token.id)
    )
    return [(token, account) for token, account in db.execute(chosen)]
