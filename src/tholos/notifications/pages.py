"""Pages of webhooks with their deliveries, and of what one is told oneself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Form, Query
from starlette.responses import RedirectResponse, Response

from tholos.accounts.pages import Frame, account_of
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import api as apps_api
from tholos.apps import schemas as app_schemas
from tholos.apps import service as apps
from tholos.audit.models import Action
from tholos.audit.words import words_of
from tholos.kit.db import JsonObject
from tholos.kit.errors import Conflict, Invalid, TholosError
from tholos.kit.outgoing import Outgoing
from tholos.kit.pages import Pages
from tholos.kit.paging import USUAL
from tholos.kit.sealing import Sealer
from tholos.notifications import api, schemas
from tholos.notifications import service as notifications
from tholos.notifications.models import Channel, Means
from tholos.notifications.plan import PERSONAL
from tholos.notifications.service import Wish

routes = Routes(include_in_schema=False)

Text = Annotated[str, Form(max_length=2000)]
Texts = Annotated[Sequence[str], Form(max_length=200)]
_NOTHING: Mapping[str, str] = {}
_NONE: Sequence[str] = ()
_OF_APPS = frozenset({"app", "access", "release", "variable", "secret"})


@dataclass(frozen=True, slots=True)
class ActionChoice:
    action: str
    text: str
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhooksPage(Frame):
    app: app_schemas.AppOut | None
    webhooks: Sequence[schemas.WebhookOut]
    made: schemas.WebhookMade | None
    action_url: str
    choices: Sequence[ActionChoice]
    values: Mapping[str, str]
    errors: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sent:
    """A delivery, and its body as lines of JSON."""

    delivery: schemas.DeliveryOut
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookPage(Frame):
    app: app_schemas.AppOut | None
    webhook: schemas.WebhookOut
    name: str
    deliveries: Sequence[Sent]
    next_url: str
    choices: Sequence[ActionChoice]
    values: Mapping[str, str]
    errors: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PreferenceRow:
    action: str
    text: str
    by_inbox: bool
    by_mail: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationsPage(Frame):
    notices: Sequence[schemas.NoticeOut]
    next_url: str
    preferences: Sequence[PreferenceRow]
    email: str
    can_mail: bool


@routes.declare("GET", "/admin/webhooks", permission=Permission.ADMINISTER)
def show_webhooks(call: Calling) -> Response:
    return _webhooks_page(call, "")


@routes.declare("POST", "/admin/webhooks", permission=Permission.ADMINISTER)
def make_webhook(
    call: Calling,
    url: Text = "",
    label: Text = "",
    form: Text = "plain",
    actions: Texts = _NONE,
) -> Response:
    return _make(call, "", Wish(url.strip(), label, form, actions))


@routes.declare("GET", "/apps/{name}/webhooks", permission=Permission.APP_EDIT)
def show_app_webhooks(call: Calling, name: str) -> Response:
    return _webhooks_page(call, name)


@routes.declare("POST", "/apps/{name}/webhooks", permission=Permission.APP_EDIT)
def make_app_webhook(
    call: Calling,
    name: str,
    url: Text = "",
    label: Text = "",
    form: Text = "plain",
    actions: Texts = _NONE,
) -> Response:
    return _make(call, name, Wish(url.strip(), label, form, actions))


@routes.declare("GET", "/webhooks/{webhook_id}", permission=Permission.PUBLISH)
def show_webhook(
    call: Calling, webhook_id: str, cursor: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    return _webhook_page(call, webhook_id, cursor=cursor)


@routes.declare("POST", "/webhooks/{webhook_id}", permission=Permission.PUBLISH)
def change_webhook(
    call: Calling,
    webhook_id: str,
    url: Text = "",
    label: Text = "",
    form: Text = "plain",
    actions: Texts = _NONE,
    is_active: Text = "",
    version: Text = "",
) -> Response:
    wish = Wish(url.strip() or None, label, form, actions, bool(is_active))
    seen = int(version) if version.isdecimal() and len(version) < 10 else None
    try:
        with call.write() as db:
            notifications.change_webhook(
                db, call.get(Sealer), call.actor, webhook_id, wish, seen, call.get(Outgoing).allowed, call.now
            )
    except (Invalid, Conflict) as error:
        typed = {"url": url, "label": label, "form": form, "is_active": is_active}
        return _webhook_page(
            call, webhook_id, typed=typed, chosen=actions, wrong=_wrong(error), status=_status(error)
        )
    return RedirectResponse(f"/webhooks/{webhook_id}", 303)


@routes.declare("POST", "/webhooks/{webhook_id}/remove", permission=Permission.PUBLISH)
def remove_webhook(call: Calling, webhook_id: str, name: Text = "") -> Response:
    """What ends for good is asked for by its name."""
    with call.read() as db:
        expected = notifications.name_of(notifications.get_webhook(db, call.actor, webhook_id))
    if name.strip() != expected:
        wrong = {"name": f'Type "{expected}" to remove it.'}
        return _webhook_page(call, webhook_id, typed={"name": name}, wrong=wrong, status=400)
    with call.write() as db:
        webhook = notifications.remove_webhook(db, call.actor, webhook_id, call.now)
        names = notifications.app_names(db, [webhook])
    name = names.get(webhook.app_id or "", "")
    return RedirectResponse(f"/apps/{name}/webhooks" if name else "/admin/webhooks", 303)


@routes.declare("POST", "/webhooks/{webhook_id}/test", permission=Permission.PUBLISH)
def test_webhook(call: Calling, webhook_id: str) -> Response:
    api.test_webhook(call, webhook_id)
    return RedirectResponse(f"/webhooks/{webhook_id}#deliveries", 303)


@routes.declare(
    "POST", "/webhooks/{webhook_id}/deliveries/{delivery_id}/repeat", permission=Permission.PUBLISH
)
def repeat_delivery(call: Calling, webhook_id: str, delivery_id: str) -> Response:
    api.repeat_delivery(call, webhook_id, delivery_id)
    return RedirectResponse(f"/webhooks/{webhook_id}#deliveries", 303)


@routes.declare("GET", "/account/notifications", permission=Permission.SIGNED_IN)
def show_notifications(call: Calling, cursor: Annotated[str, Query(max_length=200)] = "") -> Response:
    return _notifications_page(call, cursor)


@routes.declare("POST", "/account/notifications/seen", permission=Permission.SIGNED_IN)
def mark_seen(call: Calling, until: Annotated[str, Form(max_length=40)] = "") -> Response:
    api.mark_seen(call, schemas.SeenIn(until=until))
    return RedirectResponse("/account/notifications", 303)


@routes.declare("POST", "/account/notifications/preferences", permission=Permission.SIGNED_IN)
def set_preferences(
    call: Calling,
    inbox: Texts = _NONE,
    mail: Texts = _NONE,
) -> Response:
    """What is ticked is told; what is not is muted."""
    ticked = {Channel.INBOX: {*inbox}, Channel.MAIL: {*mail}}
    wanted = [(action, channel, action not in ticked[channel]) for action in PERSONAL for channel in ticked]
    with call.write() as db:
        notifications.set_preferences(db, call.actor, wanted, call.now)
    return _notifications_page(call, "", notice="It is kept.")


def _make(call: Call, app_name: str, wish: Wish) -> Response:
    typed = {"url": wish.url or "", "label": wish.label or "", "form": wish.form or ""}
    try:
        with call.write() as db:
            webhook, secret = notifications.create_webhook(
                db, call.get(Sealer), call.actor, app_name, wish, call.get(Outgoing).allowed, call.now
            )
            made = schemas.WebhookMade(webhook=api.shown(db, [webhook])[0], secret=secret)
    except (Invalid, Conflict) as error:
        return _webhooks_page(
            call, app_name, typed=typed, chosen=wish.actions or (), wrong=_wrong(error), status=_status(error)
        )
    return _webhooks_page(call, app_name, made=made)


def _webhooks_page(
    call: Call,
    app_name: str,
    *,
    made: schemas.WebhookMade | None = None,
    typed: Mapping[str, str] = _NOTHING,
    chosen: Sequence[str] = (),
    wrong: Mapping[str, str] = _NOTHING,
    status: int = 200,
) -> Response:
    page = WebhooksPage(
        title=f"{app_name}: webhooks" if app_name else "Webhooks",
        account=account_of(call),
        app=_app(call, app_name),
        webhooks=api.list_shown(call, app_name),
        made=made,
        json_url=f"/api/v1/webhooks?{urlencode({'app': app_name})}" if app_name else "/api/v1/webhooks",
        action_url=f"/apps/{app_name}/webhooks" if app_name else "/admin/webhooks",
        choices=_choices(chosen, of_app=bool(app_name)),
        values={"url": "", "label": "", "form": "plain", **typed},
        errors=wrong,
    )
    return call.get(Pages).answer("webhooks.html", page, status)


def _webhook_page(
    call: Call,
    webhook_id: str,
    *,
    cursor: str = "",
    typed: Mapping[str, str] = _NOTHING,
    chosen: Sequence[str] | None = None,
    wrong: Mapping[str, str] = _NOTHING,
    status: int = 200,
) -> Response:
    with call.read() as db:
        known = notifications.get_webhook(db, call.actor, webhook_id)
        webhook = api.shown(db, [known])[0]
        found = notifications.list_deliveries(db, call.actor, webhook_id, cursor, "", USUAL, with_bodies=True)
        deliveries = [Sent(schemas.delivery_out(one), _lines(one.body)) for one in found.items]
    now = {"label": webhook.label, "form": webhook.form, "is_active": "yes" if webhook.is_active else ""}
    page = WebhookPage(
        title=webhook.label or webhook.url,
        account=account_of(call),
        json_url=f"/api/v1/webhooks/{webhook_id}",
        app=_app(call, webhook.app),
        webhook=webhook,
        name=notifications.name_of(known),
        deliveries=deliveries,
        next_url=f"/webhooks/{webhook_id}?{urlencode({'cursor': found.next})}" if found.next else "",
        choices=_choices(webhook.actions if chosen is None else chosen, of_app=bool(webhook.app)),
        values={"url": "", "name": "", **now, **typed},
        errors=wrong,
    )
    return call.get(Pages).answer("webhook.html", page, status)


def _notifications_page(call: Call, cursor: str, notice: str = "") -> Response:
    found = api.list_notifications(call, cursor, USUAL)
    with call.read() as db:
        muted = notifications.muted(db, call.actor.account_id)
        email = notifications.email_of(db, call.actor)
    page = NotificationsPage(
        title="Notifications",
        account=account_of(call),
        json_url="/api/v1/notifications",
        notice=notice,
        notices=found.items,
        next_url=f"/account/notifications?{urlencode({'cursor': found.next})}" if found.next else "",
        preferences=[
            PreferenceRow(
                action, text, (action, Channel.INBOX) not in muted, (action, Channel.MAIL) not in muted
            )
            for action, text in PERSONAL.items()
        ],
        email=email,
        can_mail=call.get(Means).can_mail,
    )
    return call.get(Pages).answer("notifications.html", page)


def _app(call: Call, name: str) -> app_schemas.AppOut | None:
    if not name:
        return None
    with call.read() as db:
        return apps_api.shown(call, db, [apps.get_editable(db, call.actor, name)])[0]


def _choices(chosen: Sequence[str], *, of_app: bool) -> list[ActionChoice]:
    """Everything that can be told; of an app, what can be done with one."""
    return [
        ActionChoice(one, words_of(one), one in chosen)
        for one in sorted(Action)
        if not of_app or one in chosen or one.partition(".")[0] in _OF_APPS
    ]


def _lines(body: JsonObject) -> str:
    return json.dumps(body, indent=2, ensure_ascii=False)


def _wrong(error: TholosError) -> dict[str, str]:
    """The error at its field, or above the form where it is about none."""
    where = error.where if error.where in {"url", "label", "form", "actions"} else ""
    return {where: f"{error.message} {error.fix}".strip()}


def _status(error: TholosError) -> int:
    return 409 if isinstance(error, Conflict) else 400
