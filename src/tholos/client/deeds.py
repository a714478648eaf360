"""Deeds, webhooks and deliveries as values, and the calls about them. Times are ISO 8601 text in UTC."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from tholos.client.core import Core, once
from tholos.client.fields import Fields, is_object


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which deeds are asked for; what is empty leaves nothing out."""

    actor: str = ""
    """Who did it, by name."""
    action: str = ""
    """Such as ``app.shared``, or ``app`` for all of apps."""
    since: str = ""
    until: str = ""
    text: str = ""
    kind: str = ""
    """Of what it was done with, such as ``app``."""
    name: str = ""
    """Of what it was done with."""

    def to_query(self) -> dict[str, str]:
        """Parameters of a URL."""
        asked = {
            "actor": self.actor,
            "action": self.action,
            "since": self.since,
            "until": self.until,
            "q": self.text,
            "kind": self.kind,
            "name": self.name,
        }
        return {key: value for key, value in asked.items() if value}


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One deed."""

    id: int
    at: str
    actor: str
    action: str
    words: str
    """The action as people read it."""
    subject_kind: str
    subject: str
    subject_id: str
    before: dict[str, object] | None
    after: dict[str, object] | None
    note: str
    address: str

    @classmethod
    def from_json(cls, value: object) -> AuditEntry:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a deed")
        before, after = read.value.get("before"), read.value.get("after")
        return cls(
            id=read.number("id"),
            at=read.text("at", ""),
            actor=read.text("actor", ""),
            action=read.text("action"),
            words=read.text("words", ""),
            subject_kind=read.text("subject_kind", ""),
            subject=read.text("subject", ""),
            subject_id=read.text("subject_id", ""),
            before=before if is_object(before) else None,
            after=after if is_object(after) else None,
            note=read.text("note", ""),
            address=read.text("address", ""),
        )


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to a webhook, and how it went."""

    id: str
    action: str
    state: str
    """``queued``, ``delivered``, ``failed`` (and tried again) or ``given_up``."""
    attempts: int
    created_at: str
    next_at: str
    last_status: int | None
    last_error: str
    body: dict[str, object] | None = None
    """What was sent; only of a delivery that is asked for by its id."""

    @classmethod
    def from_json(cls, value: object) -> Delivery:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a delivery")
        body = read.value.get("body")
        return cls(
            id=read.text("id"),
            action=read.text("action", ""),
            state=read.text("state", ""),
            attempts=read.number("attempts", 0),
            created_at=read.text("created_at", ""),
            next_at=read.text("next_at", ""),
            last_status=read.number("last_status", 0) or None,
            last_error=read.text("last_error", ""),
            body=body if is_object(body) else None,
        )


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address of another system, and what it is told."""

    id: str
    app: str
    """Empty for the whole installation."""
    url: str
    """Its beginning: the rest may be a secret."""
    label: str
    form: str
    actions: tuple[str, ...]
    is_active: bool
    failing_since: str
    version: int

    @classmethod
    def from_json(cls, value: object) -> Webhook:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a webhook")
        return cls(
            id=read.text("id"),
            app=read.text("app", ""),
            url=read.text("url", ""),
            label=read.text("label", ""),
            form=read.text("form", ""),
            actions=read.texts("actions"),
            is_active=read.flag("is_active"),
            failing_since=read.text("failing_since", ""),
            version=read.number("version", 1),
        )


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """A webhook that was just made; the server shows its secret this once."""

    webhook: Webhook
    secret: str = field(repr=False)

    @classmethod
    def from_json(cls, value: object) -> NewWebhook:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "the new webhook")
        return cls(Webhook.from_json(read.need("webhook").value), read.text("secret"))


class DeedCalls(Core):
    """The calls about the audit record and webhooks; :class:`tholos.client.api.Client` has them."""

    def audit(self, asked: AuditQuery | None = None, *, app: str = "", most: int = 50) -> list[AuditEntry]:
        """Who did what, the newest first: everything, for administrators; what was done with an app, for its editors."""
        query = {**(asked or AuditQuery()).to_query(), "limit": str(most)}
        path = f"/apps/{quote(app, safe='')}/activity" if app else "/audit"
        return self._list(f"{path}?{urlencode(query)}", AuditEntry.from_json, most=most)

    def export_audit(self, form: str = "ndjson", asked: AuditQuery | None = None) -> Iterator[bytes]:
        """All that is asked for of the audit record, the oldest first, line by line; ``form`` is ``ndjson`` or ``csv``."""
        query = {**(asked or AuditQuery()).to_query(), "format": form}
        with self._transport.stream(f"/api/v1/audit/export?{urlencode(query)}", "*/*") as lines:
            yield from lines

    def webhooks(self, app: str = "") -> list[Webhook]:
        """The webhooks that this account may change, of one app or of all."""
        query = f"?{urlencode({'app': app})}" if app else ""
        return self._list(f"/webhooks{query}", Webhook.from_json)

    def create_webhook(
        self, url: str, *, app: str = "", label: str = "", form: str = "plain", actions: Sequence[str] = ()
    ) -> NewWebhook:
        """Tell another system what is done with an app, or in the whole installation."""
        body = {"url": url, "app": app, "label": label, "form": form, "actions": list(actions)}
        return NewWebhook.from_json(self._call("POST", "/webhooks", body, once()).json())

    def webhook(self, webhook: str) -> Webhook:
        """One webhook, all but its secret."""
        return self._get(f"/webhooks/{quote(webhook, safe='')}", Webhook.from_json)

    def change_webhook(
        self,
        webhook: str,
        *,
        url: str | None = None,
        label: str | None = None,
        form: str | None = None,
        actions: Sequence[str] | None = None,
        is_active: bool | None = None,
    ) -> Webhook:
        """Change what is given; what is None stays, and no actions are all that is worth telling."""
        said = {"url": url, "label": label, "form": form, "actions": actions, "is_active": is_active}
        body = {key: value for key, value in said.items() if value is not None}
        answer = self._call("PATCH", f"/webhooks/{quote(webhook, safe='')}", body)
        return Webhook.from_json(answer.json())

    def remove_webhook(self, webhook: str) -> None:
        """Tell it nothing any more."""
        self._call("DELETE", f"/webhooks/{quote(webhook, safe='')}")

    def send_test(self, webhook: str) -> Delivery:
        """Send a word to a webhook now."""
        answer = self._call("POST", f"/webhooks/{quote(webhook, safe='')}/test")
        return Delivery.from_json(answer.json())

    def delivery(self, webhook: str, delivery: str) -> Delivery:
        """How one delivery went, and what was sent."""
        path = f"/webhooks/{quote(webhook, safe='')}/deliveries/{quote(delivery, safe='')}"
        return self._get(path, Delivery.from_json)

    def deliveries(self, webhook: str, *, most: int = 50) -> list[Delivery]:
        """What was sent to a webhook and how it went, the newest first."""
        return self._list(
            f"/webhooks/{quote(webhook, safe='')}/deliveries?limit={most}", Delivery.from_json, most=most
        )

    def repeat_delivery(self, webhook: str, delivery: str) -> Delivery:
        """Send the same once more, as a delivery of its own."""
        path = f"/webhooks/{quote(webhook, safe='')}/deliveries/{quote(delivery, safe='')}/repeat"
        return Delivery.from_json(self._call("POST", path).json())
