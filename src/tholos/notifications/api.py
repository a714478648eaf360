"""HTTP of webhooks, inboxes and preferences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Query, Response

from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.accounts.service import Actor
from tholos.apps import service as apps
from tholos.kit.db import ReadDb
from tholos.kit.outgoing import Outgoing
from tholos.kit.paging import MOST, USUAL
from tholos.kit.sealing import Sealer
from tholos.kit.versions import to_tag
from tholos.notifications import schemas
from tholos.notifications import service as notifications
from tholos.notifications.models import Webhook
from tholos.notifications.plan import PERSONAL

routes = Routes(prefix="/api/v1", tags=["notifications"])

Limit = Annotated[int, Query(ge=1, le=MOST)]
Cursor = Annotated[str, Query(max_length=200)]
STATES = r"^(queued|delivered|failed|given_up)?$"


@routes.declare("GET", "/webhooks", permission=Permission.PUBLISH)
def list_webhooks(
    call: Calling, app: Annotated[str, Query(max_length=40, description="Only those of this app.")] = ""
) -> schemas.WebhookList:
    """The webhooks that you may change: those of your apps; for administrators those of all apps, and of none."""
    with call.read() as db:
        of_app = apps.get_editable(db, call.actor, app) if app else None
        return schemas.WebhookList(items=shown(db, notifications.list_webhooks(db, call.actor, of_app)))


@routes.declare("POST", "/webhooks", permission=Permission.PUBLISH, status_code=201, is_creating=True)
def create_webhook(call: Calling, body: schemas.WebhookIn) -> schemas.WebhookMade:
    """A new webhook. Its secret is in this answer only."""
    with call.write() as db:
        webhook, secret = notifications.create_webhook(
            db, call.get(Sealer), call.actor, body.app, body.wish(), call.get(Outgoing).allowed, call.now
        )
        return call.kept(db, schemas.WebhookMade(webhook=shown(db, [webhook])[0], secret=secret))


@routes.declare("GET", "/webhooks/{webhook_id}", permission=Permission.PUBLISH)
def get_webhook(call: Calling, response: Response, webhook_id: str) -> schemas.WebhookOut:
    """One webhook, all but its secret."""
    with call.read() as db:
        found = shown(db, [notifications.get_webhook(db, call.actor, webhook_id)])[0]
    response.headers["etag"] = to_tag(found.version)
    return found


@routes.declare("PATCH", "/webhooks/{webhook_id}", permission=Permission.PUBLISH)
def change_webhook(
    call: Calling, response: Response, webhook_id: str, body: schemas.WebhookChange
) -> schemas.WebhookOut:
    """Change what is given. With If-Match, only if nobody has changed it since."""
    with call.write() as db:
        webhook = notifications.change_webhook(
            db, call.get(Sealer), call.actor, webhook_id, body.wish(), call.seen_version,
            call.get(Outgoing).allowed, call.now,
        )  # fmt: skip
        found = shown(db, [webhook])[0]
    response.headers["etag"] = to_tag(found.version)
    return found


@routes.declare("DELETE", "/webhooks/{webhook_id}", permission=Permission.PUBLISH, status_code=204)
def remove_webhook(call: Calling, webhook_id: str) -> None:
    """Tell it nothing any more."""
    with call.write() as db:
        notifications.remove_webhook(db, call.actor, webhook_id, call.now)


@routes.declare(
    "POST", "/webhooks/{webhook_id}/test", permission=Permission.PUBLISH, status_code=202, is_creating=True
)
def test_webhook(call: Calling, webhook_id: str) -> schemas.DeliveryOut:
    """Send a word there now; the delivery tells how it went."""
    with call.write() as db:
        sent = notifications.send_test(db, call.actor, webhook_id, call.site.url, call.now)
        return call.kept(db, schemas.delivery_out(sent), 202)


@routes.declare("GET", "/webhooks/{webhook_id}/deliveries", permission=Permission.PUBLISH)
def list_deliveries(
    call: Calling,
    webhook_id: str,
    cursor: Cursor = "",
    limit: Limit = USUAL,
    state: Annotated[str, Query(pattern=STATES)] = "",
) -> schemas.DeliveryList:
    """What was sent there and how it went, the newest first."""
    with call.read() as db:
        page = notifications.list_deliveries(db, call.actor, webhook_id, cursor, state, limit)
        return schemas.DeliveryList(
            items=[schemas.delivery_out(one) for one in page.items], next=page.next or None
        )


@routes.declare("GET", "/webhooks/{webhook_id}/deliveries/{delivery_id}", permission=Permission.PUBLISH)
def get_delivery(call: Calling, webhook_id: str, delivery_id: str) -> schemas.DeliveryWhole:
    """One delivery with the body that was sent."""
    with call.read() as db:
        return schemas.delivery_whole(notifications.get_delivery(db, call.actor, webhook_id, delivery_id))


@routes.declare(
    "POST",
    "/webhooks/{webhook_id}/deliveries/{delivery_id}/repeat",
    permission=Permission.PUBLISH,
    status_code=202,
    is_creating=True,
)
def repeat_delivery(call: Calling, webhook_id: str, delivery_id: str) -> schemas.DeliveryOut:
    """Send the same body again, as a delivery of its own."""
    with call.write() as db:
        again = notifications.repeat_delivery(db, call.actor, webhook_id, delivery_id, call.now)
        return call.kept(db, schemas.delivery_out(again), 202)


@routes.declare("GET", "/notifications", permission=Permission.SIGNED_IN)
def list_notifications(call: Calling, cursor: Cursor = "", limit: Limit = USUAL) -> schemas.NoticeList:
    """Your inbox, the newest first."""
    call.actor.needs_all_apps()
    with call.read() as db:
        page = notifications.list_inbox(db, call.actor, cursor, limit)
        return schemas.NoticeList(
            items=[schemas.notice_out(one) for one in page.items],
            next=page.next or None,
            unseen=notifications.count_unseen(db, call.actor),
        )


@routes.declare("POST", "/notifications/seen", permission=Permission.SIGNED_IN, status_code=204)
def mark_seen(call: Calling, body: schemas.SeenIn) -> None:
    """Note that the inbox was read."""
    with call.write(unrecorded="reading one's own inbox is no deed") as db:
        notifications.mark_seen(db, call.actor, body.until, call.now)


@routes.declare("GET", "/notification-preferences", permission=Permission.SIGNED_IN)
def list_preferences(call: Calling) -> schemas.PreferenceList:
    """What you are told, by which channel, and what of it is muted."""
    with call.read() as db:
        return schemas.PreferenceList(items=preferences(db, call.actor))


@routes.declare("PUT", "/notification-preferences", permission=Permission.SIGNED_IN)
def set_preferences(call: Calling, body: schemas.PreferencesIn) -> schemas.PreferenceList:
    """Mute or unmute; what is not named stays as it is."""
    wanted = [(one.action, one.channel, one.is_muted) for one in body.items]
    with call.write() as db:
        notifications.set_preferences(db, call.actor, wanted, call.now)
        return schemas.PreferenceList(items=preferences(db, call.actor))


def preferences(db: ReadDb, actor: Actor) -> list[schemas.PreferenceOut]:
    muted = notifications.muted(db, actor.account_id)
    return [
        schemas.PreferenceOut(action=action, text=text, channel=channel, is_muted=(action, channel) in muted)
        for action, text in PERSONAL.items()
        for channel in notifications.MUTABLE
    ]


def shown(db: ReadDb, webhooks: Sequence[Webhook]) -> list[schemas.WebhookOut]:
    """Webhooks as JSON, with two queries however many they are."""
    names = notifications.app_names(db, webhooks)
    last = notifications.last_deliveries(db, webhooks)
    return [schemas.webhook_out(one, names.get(one.app_id or "", ""), last.get(one.id)) for one in webhooks]


def list_shown(call: Call, app_name: str = "") -> list[schemas.WebhookOut]:
    """The webhooks of one app, or those of the whole installation."""
    with call.read() as db:
        if app_name:
            app = apps.get_editable(db, call.actor, app_name)
            return shown(db, notifications.list_webhooks(db, call.actor, app))
        return shown(db, notifications.list_of_installation(db, call.actor))
