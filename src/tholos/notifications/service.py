"""Use cases of webhooks, inboxes and preferences. What is sent, and when, is ``outbox``'s."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from tholos.accounts.models import Role, Scope
from tholos.accounts.service import Actor
from tholos.apps import service as apps
from tholos.apps.models import App
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.kit import ids
from tholos.kit.db import JsonObject, ReadDb, WriteDb
from tholos.kit.outgoing import AddressRefused, Network, check_url
from tholos.kit.paging import Page, from_cursor, to_cursor
from tholos.kit.sealing import Sealer
from tholos.kit.versions import check_version
from tholos.notifications import queries, signing
from tholos.notifications.errors import (
    DeliveryNotFound,
    DeliveryWaits,
    PreferenceInvalid,
    TooManyWebhooks,
    WebhookInvalid,
)
from tholos.notifications.models import (
    WAITING,
    Channel,
    Delivery,
    DeliveryState,
    Form,
    Preference,
    Webhook,
)
from tholos.notifications.plan import PERSONAL, TEST, Deed, Receiver, to_webhook

MOST_WEBHOOKS = 20
"""Of one app, and of the whole installation."""
MOST_LABEL = 80
MUTABLE = (Channel.INBOX, Channel.MAIL)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a webhook is to be; None leaves what is there."""

    url: str | None = None
    label: str | None = None
    form: str | None = None
    actions: Sequence[str] | None = None
    is_active: bool | None = None


@dataclass(frozen=True, slots=True)
class Secrets:
    """What is sealed of a webhook."""

    url: str
    secret: str


def administers(actor: Actor) -> bool:
    """Whether an actor may change webhooks of the whole installation."""
    is_all = actor.scope.includes(Scope.FULL) and not actor.object_id
    return is_all and actor.role.includes(Role.ADMINISTRATOR)


def list_webhooks(db: ReadDb, actor: Actor, app: App | None = None) -> Sequence[Webhook]:
    """Those that an actor may change, of one app or of all."""
    return queries.list_webhooks(db, _changeable(actor), app.id if app else None)


def list_of_installation(db: ReadDb, actor: Actor) -> Sequence[Webhook]:
    """Raises: RoleTooLow, ScopeTooNarrow."""
    _need_administration(actor)
    return queries.list_of_installation(db, actor.organization_id)


def get_webhook(db: ReadDb, actor: Actor, webhook_id: str) -> Webhook:
    """Raises: WebhookNotFound: also where it is somebody else's."""
    return queries.get_webhook(db, _changeable(actor), webhook_id)


def app_names(db: ReadDb, webhooks: Sequence[Webhook]) -> dict[str, str]:
    return queries.app_names(db, [one.app_id for one in webhooks if one.app_id])


def last_deliveries(db: ReadDb, webhooks: Sequence[Webhook]) -> dict[str, Delivery]:
    return queries.last_of_webhooks(db, [one.id for one in webhooks])


def create_webhook(
    db: WriteDb,
    sealer: Sealer,
    actor: Actor,
    app_name: str,
    wish: Wish,
    allowed: Sequence[Network],
    now: datetime,
) -> tuple[Webhook, str]:
    """A new webhook and its secret, which is shown once.

    Raises: AppNotFound, NotAnEditor, RoleTooLow, WebhookInvalid, AddressRefused, TooManyWebhooks.
    """
    app = apps.get_editable(db, actor, app_name) if app_name else None
    if app is None:
        _need_administration(actor)
    app_id = app.id if app else None
    if queries.count_webhooks(db, actor.organization_id, app_id) >= MOST_WEBHOOKS:
        raise TooManyWebhooks(
            f"Cannot make another webhook: there are {MOST_WEBHOOKS} already.",
            fix="Remove one of them first.",
        )
    secret, url = signing.new_secret(), wish.url or ""
    webhook = Webhook(
        id=ids.new_id("whk"),
        organization_id=actor.organization_id,
        app_id=app_id,
        owner_id=actor.account_id,
        url=_shown_url(url, allowed),
        label=_check_label(wish.label or ""),
        form=_check_form(wish.form or Form.PLAIN),
        actions=check_actions(wish.actions or ()),
        is_active=wish.is_active is not False,
        created_at=now,
        version=1,
    )
    webhook.sealed = _seal(sealer, webhook.id, Secrets(url, secret))
    db.add(webhook)
    db.flush()
    audit.record(db, actor, Action.WEBHOOK_MADE, subject_of(webhook), now, after=_facts(webhook))
    return webhook, secret


def change_webhook(
    db: WriteDb,
    sealer: Sealer,
    actor: Actor,
    webhook_id: str,
    wish: Wish,
    seen: int | None,
    allowed: Sequence[Network],
    now: datetime,
) -> Webhook:
    """Raises: WebhookNotFound, EditedMeanwhile, WebhookInvalid, AddressRefused."""
    webhook = get_webhook(db, actor, webhook_id)
    check_version(seen, webhook.version)
    before = _facts(webhook)
    if wish.url:
        webhook.url = _shown_url(wish.url, allowed)
        webhook.sealed = _seal(sealer, webhook.id, Secrets(wish.url, open_secrets(sealer, webhook).secret))
    if wish.label is not None:
        webhook.label = _check_label(wish.label)
    if wish.form is not None:
        webhook.form = _check_form(wish.form)
    if wish.actions is not None:
        webhook.actions = check_actions(wish.actions)
    if wish.is_active is not None:
        webhook.is_active = wish.is_active
    webhook.version += 1
    audit.record(
        db, actor, Action.WEBHOOK_CHANGED, subject_of(webhook), now, before=before, after=_facts(webhook)
    )
    return webhook


def remove_webhook(db: WriteDb, actor: Actor, webhook_id: str, now: datetime) -> Webhook:
    """Remove it; what was still to be sent there is not. Raises: WebhookNotFound."""
    webhook = get_webhook(db, actor, webhook_id)
    for delivery in queries.list_waiting_of(db, webhook.id):
        delivery.state, delivery.next_at, delivery.ended_at = DeliveryState.GIVEN_UP, None, now
        delivery.last_error = "Its webhook was removed."
    audit.record(db, actor, Action.WEBHOOK_REMOVED, subject_of(webhook), now, before=_facts(webhook))
    db.delete(webhook)
    return webhook


def count_by_state(db: ReadDb) -> dict[tuple[str, str], int]:
    """Deliveries that are kept, by channel and state."""
    return queries.count_by_state(db)


def list_owned(db: ReadDb, account_id: str) -> Sequence[Webhook]:
    """Those whose owner is told when nothing arrives."""
    return queries.list_owned(db, account_id)


def hand_over(
    db: WriteDb, actor: Actor, from_id: str, to_id: str, names: tuple[str, str], now: datetime
) -> Sequence[Webhook]:
    """Let another account be told when nothing arrives at the webhooks of one; who may do that, the caller has asked."""
    found = queries.list_owned(db, from_id)
    for webhook in found:
        webhook.owner_id = to_id
        audit.record(
            db, actor, Action.WEBHOOK_CHANGED, subject_of(webhook), now,
            before={"owner": names[0]}, after={"owner": names[1]},
        )  # fmt: skip
    return found


def send_test(db: WriteDb, actor: Actor, webhook_id: str, url: str, now: datetime) -> Delivery:
    """Send a word there now, whatever it is told otherwise. Raises: WebhookNotFound."""
    webhook = get_webhook(db, actor, webhook_id)
    deed = Deed(
        0, now, TEST, actor.account_id, actor.name, "webhook", webhook.id, webhook.label or webhook.url, None, None,
        "This is a test: deliveries from here arrive.",
    )  # fmt: skip
    message = to_webhook(deed, receiver_of(webhook), url)
    delivery = new_delivery(
        db, webhook.organization_id, TEST, message.body, now,
        channel=Channel.WEBHOOK, lane=webhook.id, target=message.target, webhook_id=webhook.id,
    )  # fmt: skip
    audit.record(db, actor, Action.WEBHOOK_TESTED, subject_of(webhook), now, after={"delivery": delivery.id})
    return delivery


def list_deliveries(
    db: ReadDb,
    actor: Actor,
    webhook_id: str,
    cursor: str,
    state: str,
    limit: int,
    *,
    with_bodies: bool = False,
) -> Page[Delivery]:
    """The newest first; what was sent is read only where it is asked for.

    Raises: WebhookNotFound, CursorInvalid.
    """
    webhook = get_webhook(db, actor, webhook_id)
    found = queries.list_deliveries(db, webhook.id, _key(cursor), state, limit + 1, with_bodies=with_bodies)
    return _page(found, limit)


def get_delivery(db: ReadDb, actor: Actor, webhook_id: str, delivery_id: str) -> Delivery:
    """With what was sent. Raises: WebhookNotFound, DeliveryNotFound."""
    webhook = get_webhook(db, actor, webhook_id)
    delivery = queries.get_delivery(db, delivery_id)
    if delivery.webhook_id != webhook.id:
        raise DeliveryNotFound(where="delivery")
    return delivery


def repeat_delivery(db: WriteDb, actor: Actor, webhook_id: str, delivery_id: str, now: datetime) -> Delivery:
    """Send the same body once more, as a delivery of its own.

    Raises: WebhookNotFound, DeliveryNotFound, DeliveryWaits.
    """
    webhook = get_webhook(db, actor, webhook_id)
    old = get_delivery(db, actor, webhook_id, delivery_id)
    if old.state in WAITING:
        raise DeliveryWaits(
            "Cannot send this again: it is still to be sent.", fix="Wait for its end, or change the webhook."
        )
    new = new_delivery(
        db, webhook.organization_id, old.action, old.body, now,
        channel=Channel.WEBHOOK, lane=webhook.id, target=_host_of(webhook.url), webhook_id=webhook.id,
        audit_id=old.audit_id,
    )  # fmt: skip
    after: JsonObject = {"delivery": new.id, "again": old.id}
    audit.record(db, actor, Action.DELIVERY_REPEATED, subject_of(webhook), now, after=after)
    return new


def new_delivery(
    db: WriteDb,
    organization_id: str,
    action: str,
    body: JsonObject,
    now: datetime,
    *,
    channel: Channel,
    lane: str,
    target: str,
    webhook_id: str = "",
    account_id: str = "",
    audit_id: int | None = None,
) -> Delivery:
    """A row of something to be sent; in an inbox it has arrived with it."""
    has_arrived = channel == Channel.INBOX
    delivery = Delivery(
        id=ids.new_id("dlv"),
        organization_id=organization_id,
        channel=channel,
        lane=lane,
        webhook_id=webhook_id or None,
        account_id=account_id or None,
        audit_id=audit_id,
        action=action,
        target=target,
        body=body,
        state=DeliveryState.DELIVERED if has_arrived else DeliveryState.QUEUED,
        next_at=None if has_arrived else now,
        created_at=now,
        ended_at=now if has_arrived else None,
    )
    db.add(delivery)
    db.flush()
    return delivery


def list_inbox(db: ReadDb, actor: Actor, cursor: str, limit: int) -> Page[Delivery]:
    """Raises: CursorInvalid."""
    return _page(queries.list_inbox(db, actor.account_id, _key(cursor), limit + 1), limit)


def count_unseen(db: ReadDb, actor: Actor) -> int:
    return queries.count_unseen(db, actor.account_id)


def mark_seen(db: WriteDb, actor: Actor, last: str, now: datetime) -> int:
    """Note that an inbox was read, all of it or up to one message; returns how many were new."""
    found = queries.list_unseen(db, actor.account_id, last)
    for one in found:
        one.seen_at = now
    return len(found)


def muted(db: ReadDb, account_id: str) -> frozenset[tuple[str, str]]:
    """Action and channel of what an account has muted."""
    return frozenset((action, channel) for _, action, channel in queries.muted(db, [account_id]))


def email_of(db: ReadDb, actor: Actor) -> str:
    """Where an actor's mail goes; empty where that is not known."""
    found = queries.list_readers(db, [actor.account_id])
    return (found[actor.account_id].email if actor.account_id in found else None) or ""


def set_preferences(
    db: WriteDb, actor: Actor, wanted: Collection[tuple[str, str, bool]], now: datetime
) -> None:
    """Mute or unmute: triples of action, channel and whether it is muted.

    Raises: PreferenceInvalid.
    """
    before = muted(db, actor.account_id)
    for action, channel, is_muted in wanted:
        if action not in PERSONAL or channel not in MUTABLE:
            raise PreferenceInvalid(
                f'Cannot mute "{action[:40]}" by "{channel[:20]}": nobody is told of it so.',
                fix=f"Actions: {', '.join(PERSONAL)}. Channels: {', '.join(MUTABLE)}.",
                where="action" if action not in PERSONAL else "channel",
            )
        _set_preference(db, actor.account_id, action, channel, is_muted=is_muted)
    db.flush()
    after = muted(db, actor.account_id)
    if after != before:
        subject = audit.Subject("account", actor.account_id, actor.name)
        audit.record(
            db, actor, Action.PREFERENCE_CHANGED, subject, now,
            before={"muted": _as_words(before)}, after={"muted": _as_words(after)},
        )  # fmt: skip


def open_secrets(sealer: Sealer, webhook: Webhook) -> Secrets:
    """Raises: CannotOpen."""
    url, secret = json.loads(sealer.open(webhook.sealed, f"webhook {webhook.id}"))
    return Secrets(url, secret)


def receiver_of(webhook: Webhook) -> Receiver:
    return Receiver(
        webhook.id,
        webhook.app_id or "",
        _host_of(webhook.url),
        Form(webhook.form),
        frozenset(webhook.actions),
    )


def subject_of(webhook: Webhook) -> audit.Subject:
    """A webhook as the record of deeds names it."""
    return audit.Subject("webhook", webhook.id, name_of(webhook))


def name_of(webhook: Webhook) -> str:
    """What people call it: its label, or the host that it is sent to."""
    return webhook.label or _host_of(webhook.url)


def check_actions(actions: Collection[str]) -> list[str]:
    """Raises: WebhookInvalid."""
    unknown = sorted(set(actions) - set(Action))
    if unknown:
        raise WebhookInvalid(
            f'Cannot tell of "{unknown[0][:60]}": there is no such action.',
            fix="Leave it empty for all that is worth telling, or take actions of the audit record.",
            where="actions",
        )
    return sorted(set(actions))


def _set_preference(db: WriteDb, account_id: str, action: str, channel: str, *, is_muted: bool) -> None:
    found = queries.find_preference(db, account_id, action, channel)
    if found is not None:
        found.is_muted = is_muted
    elif is_muted:
        db.add(Preference(account_id=account_id, action=action, channel=channel, is_muted=True))
        db.flush()


def _as_words(pairs: Collection[tuple[str, str]]) -> list[str]:
    return sorted(f"{action} by {channel}" for action, channel in pairs)


def _changeable(actor: Actor) -> queries.Reachable:
    return queries.changeable_by(actor, administers=administers(actor))


def _need_administration(actor: Actor) -> None:
    actor.needs(Role.ADMINISTRATOR)
    actor.needs_scope(Scope.FULL)
    actor.needs_all_apps()


def _seal(sealer: Sealer, webhook_id: str, secrets: Secrets) -> str:
    return sealer.seal(json.dumps([secrets.url, secrets.secret]), f"webhook {webhook_id}")


def _shown_url(url: str, allowed: Sequence[Network]) -> str:
    """As much of an address as is no secret. Raises: AddressRefused."""
    parsed = check_url(url, allowed)
    if not url:
        raise AddressRefused(
            "Cannot make a webhook without an address.",
            fix="Give one, such as https://hooks.example.org/x.",
            where="url",
        )
    rest = "/…" if parsed.raw_path not in {b"", b"/"} else "/"
    return f"{parsed.scheme}://{parsed.netloc.decode('ascii')}{rest}"


def _host_of(url: str) -> str:
    return url.partition("://")[2].partition("/")[0]


def _check_form(form: str) -> Form:
    if form not in set(Form):
        raise WebhookInvalid(
            f'Cannot write a webhook\'s body as "{form[:40]}".',
            fix=f"One of {', '.join(Form)}.",
            where="form",
        )
    return Form(form)


def _check_label(label: str) -> str:
    return " ".join(label.split())[:MOST_LABEL]


def _facts(webhook: Webhook) -> JsonObject:
    return {
        "url": webhook.url,
        "label": webhook.label,
        "form": str(webhook.form),
        "actions": list(webhook.actions),
        "is_active": webhook.is_active,
        "app": webhook.app_id,
    }


def _key(cursor: str) -> str | None:
    found = from_cursor(cursor, str)
    return str(found[0]) if found else None


def _page(found: Sequence[Delivery], limit: int) -> Page[Delivery]:
    return Page(found[:limit], to_cursor(found[limit - 1].id) if len(found) > limit else "")
