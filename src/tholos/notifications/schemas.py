"""JSON shapes of webhooks, deliveries, inboxes and preferences."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from tholos.kit.clock import to_text
from tholos.notifications.models import Delivery, Form, Webhook
from tholos.notifications.plan import TELLING
from tholos.notifications.service import MOST_LABEL, Wish

MOST_ACTIONS = 200


class WebhookIn(BaseModel):
    """A new webhook."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(max_length=2000)
    app: str = Field("", max_length=40, description="The app that it is told of; empty for all of them.")
    label: str = Field("", max_length=MOST_LABEL)
    form: str = Field(Form.PLAIN, max_length=40, description="plain, or slack for a chat")
    actions: list[str] = Field(
        [], max_length=MOST_ACTIONS, description="Empty for all that is worth telling."
    )

    def wish(self) -> Wish:
        return Wish(self.url, self.label, self.form, self.actions)


class WebhookChange(BaseModel):
    """What is to be another; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    url: str | None = Field(None, max_length=2000)
    label: str | None = Field(None, max_length=MOST_LABEL)
    form: str | None = Field(None, max_length=40)
    actions: list[str] | None = Field(None, max_length=MOST_ACTIONS)
    is_active: bool | None = None

    def wish(self) -> Wish:
        return Wish(self.url, self.label, self.form, self.actions, self.is_active)


class DeliveryOut(BaseModel):
    id: str
    action: str
    target: str
    state: str
    attempts: int
    next_at: str | None
    last_status: int | None
    last_error: str
    created_at: str
    ended_at: str | None


class DeliveryWhole(DeliveryOut):
    body: dict[str, object]


class DeliveryList(BaseModel):
    items: list[DeliveryOut]
    next: str | None


class WebhookOut(BaseModel):
    id: str
    app: str
    """Empty for the whole installation."""
    url: str
    """Its beginning: the rest may be a secret."""
    label: str
    form: str
    actions: list[str]
    tells: list[str]
    """What it is told, spelled out."""
    is_active: bool
    created_at: str
    failing_since: str | None
    last: DeliveryOut | None
    version: int


class WebhookMade(BaseModel):
    webhook: WebhookOut
    secret: str
    """Shown this once; receivers check signatures by it."""


class WebhookList(BaseModel):
    items: list[WebhookOut]
    next: str | None = None


class NoticeOut(BaseModel):
    """One line of an inbox."""

    id: str
    at: str
    action: str
    text: str
    detail: str
    link: str
    """A path of the console."""
    command: str
    """The next one."""
    is_seen: bool


class NoticeList(BaseModel):
    items: list[NoticeOut]
    next: str | None
    unseen: int


class SeenIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    until: str = Field("", max_length=40, description="Id of the newest notice that was seen; empty for all.")


class PreferenceIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    action: str = Field(max_length=60)
    channel: str = Field(max_length=20)
    is_muted: bool


class PreferencesIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    items: list[PreferenceIn] = Field(max_length=100)


class PreferenceOut(BaseModel):
    action: str
    text: str
    channel: str
    is_muted: bool


class PreferenceList(BaseModel):
    items: list[PreferenceOut]
    next: str | None = None


def delivery_out(delivery: Delivery) -> DeliveryOut:
    return DeliveryOut(
        id=delivery.id,
        action=delivery.action,
        target=delivery.target,
        state=delivery.state,
        attempts=delivery.attempts,
        next_at=to_text(delivery.next_at),
        last_status=delivery.last_status,
        last_error=delivery.last_error,
        created_at=to_text(delivery.created_at) or "",
        ended_at=to_text(delivery.ended_at),
    )


def delivery_whole(delivery: Delivery) -> DeliveryWhole:
    return DeliveryWhole(**delivery_out(delivery).model_dump(), body=delivery.body)


def webhook_out(webhook: Webhook, app: str, last: Delivery | None) -> WebhookOut:
    return WebhookOut(
        id=webhook.id,
        app=app,
        url=webhook.url,
        label=webhook.label,
        form=webhook.form,
        actions=webhook.actions,
        tells=webhook.actions or sorted(TELLING),
        is_active=webhook.is_active,
        created_at=to_text(webhook.created_at) or "",
        failing_since=to_text(webhook.failing_since),
        last=delivery_out(last) if last else None,
        version=webhook.version,
    )


def notice_out(delivery: Delivery) -> NoticeOut:
    body = delivery.body
    return NoticeOut(
        id=delivery.id,
        at=to_text(delivery.created_at) or "",
        action=delivery.action,
        text=str(body.get("text", "")),
        detail=str(body.get("detail", "")),
        link=str(body.get("link", "")),
        command=str(body.get("next", "")),
        is_seen=delivery.seen_at is not None,
    )
