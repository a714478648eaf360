"""What the server tells of deeds, webhooks and deliveries, as values. Times are ISO 8601 text in UTC."""

from __future__ import annotations

from dataclasses import dataclass, field

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
