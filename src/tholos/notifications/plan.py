"""Who is told of a deed, and in which words. Pure: what was looked up comes in, what is to be sent comes out."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tholos.audit.models import Action
from tholos.audit.words import words_of
from tholos.kit.db import JsonObject
from tholos.notifications.models import Channel, Form

PERSONAL: Mapping[Action, str] = {
    Action.RELEASE_FAILED: "A publish of mine, or to an app of mine, failed",
    Action.SOURCE_FAILED: "A commit could not be published to an app of mine",
    Action.ACTIVATION_FAILED: "A switch to another release of an app of mine, or by me, failed",
    Action.RESTART_FAILED: "A restart of an app of mine, or by me, failed",
    Action.SCHEDULE_STOPPED: "The schedule of an app of mine was stopped",
    Action.APP_FAILING: "An app of mine fails",
    Action.ACCESS_REQUESTED: "Somebody asks for access to an app of mine",
    Action.ACCESS_GRANTED: "I was given the access that I asked for",
    Action.ACCESS_REFUSED: "I was refused the access that I asked for",
    Action.TOKEN_EXPIRES: "A token of mine ends within a week",
    Action.WEBHOOK_GIVEN_UP: "Nothing arrives at a webhook of mine",
}
"""What people are told of, as their own page says it."""
FAILURES = frozenset(
    {Action.RELEASE_FAILED, Action.SOURCE_FAILED, Action.ACTIVATION_FAILED, Action.RESTART_FAILED}
)
"""Of operations: who asked for one is told too, and its page tells it all."""
TELLING = frozenset(
    {
        Action.APP_MADE,
        Action.APP_DELETED,
        Action.APP_SERVING,
        Action.APP_FAILING,
        Action.ACCESS_REQUESTED,
        Action.RELEASE_MADE,
        Action.RELEASE_FAILED,
        Action.SOURCE_FAILED,
        Action.ACTIVATION_FAILED,
        Action.RESTART_FAILED,
        Action.RELEASE_ACTIVATED,
        Action.RELEASE_ROLLED_BACK,
    }
)
"""What a webhook is told that names no actions."""
BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 720))
MAIL_LANES = 4
TEST = "webhook.test"
"""What a test delivery says it tells of."""


@dataclass(frozen=True, slots=True)
class Deed:
    """What was done."""

    id: int
    at: datetime
    action: str
    actor_id: str
    actor_name: str
    subject_kind: str
    subject_id: str
    subject_name: str
    before: JsonObject | None
    after: JsonObject | None
    note: str


@dataclass(frozen=True, slots=True)
class Reader:
    """A person who may be told."""

    account_id: str
    name: str
    email: str
    why: str
    """In what part, such as ``owner``."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """A webhook that is switched on."""

    id: str
    app_id: str
    host: str
    form: Form
    actions: frozenset[str]

    def wants(self, deed: Deed) -> bool:
        if deed.subject_kind == "webhook" and deed.subject_id == self.id:
            return False  # what cannot be delivered there cannot be told there
        if self.app_id and (deed.subject_kind, deed.subject_id) != ("app", self.app_id):
            return False
        return deed.action in (self.actions or TELLING)


@dataclass(frozen=True, slots=True)
class Facts:
    """What was looked up about a deed."""

    readers: Sequence[Reader]
    muted: Collection[tuple[str, str, str]] = frozenset()
    """Account, action and channel of what is muted."""
    is_repeated: bool = False
    """Whether an app goes on failing: of an episode, only its beginning is told."""
    can_mail: bool = False
    url: str = ""
    """The console's origin."""


@dataclass(frozen=True, slots=True)
class Message:
    """One delivery to be."""

    channel: Channel
    lane: str
    target: str
    body: JsonObject
    webhook_id: str = ""
    account_id: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """A deed in words, for whoever is told of it."""

    subject: str
    text: str
    link: str
    next: str = field(default="")
    """The next command."""


def tell(deed: Deed, facts: Facts, receivers: Sequence[Receiver]) -> list[Message]:
    """Every message that follows from a deed."""
    if facts.is_repeated:
        return []
    to_people = [one for reader in facts.readers for one in _to_person(deed, facts, reader)]
    to_systems = [to_webhook(deed, one, facts.url) for one in receivers if one.wants(deed)]
    return to_people + to_systems


def _to_person(deed: Deed, facts: Facts, reader: Reader) -> Iterator[Message]:
    said = words_for(deed, facts.url)

    def is_wanted(channel: Channel) -> bool:
        return (reader.account_id, deed.action, channel) not in facts.muted

    if is_wanted(Channel.INBOX):
        body: JsonObject = {
            "text": said.subject,
            "detail": said.text,
            "link": said.link.removeprefix(facts.url),
            "next": said.next,
        }
        yield Message(Channel.INBOX, "", "", body, account_id=reader.account_id)
    if facts.can_mail and reader.email and is_wanted(Channel.MAIL):
        text = "\n\n".join(part for part in (said.text, said.next and f"    {said.next}", said.link) if part)
        footer = f"You get this as {reader.why}. What you are told: {facts.url}/account/notifications"
        body = {"subject": said.subject, "text": f"{text}\n\n-- \n{footer}\n"}
        yield Message(
            Channel.MAIL, mail_lane(reader.account_id), reader.email, body, account_id=reader.account_id
        )


def mail_lane(account_id: str) -> str:
    return f"mail-{zlib.crc32(account_id.encode()) % MAIL_LANES}"


def to_webhook(deed: Deed, receiver: Receiver, url: str) -> Message:
    body = _chat_body(deed, url) if receiver.form == Form.SLACK else _plain_body(deed, url)
    return Message(Channel.WEBHOOK, receiver.id, receiver.host, body, webhook_id=receiver.id)


def _plain_body(deed: Deed, url: str) -> JsonObject:
    """Type, timestamp and data, as Standard Webhooks has them."""
    return {
        "type": deed.action,
        "timestamp": deed.at.isoformat().replace("+00:00", "Z"),
        "data": {
            "id": deed.id,
            "text": sentence(deed),
            "actor": deed.actor_name,
            "subject": {"kind": deed.subject_kind, "id": deed.subject_id, "name": deed.subject_name},
            "before": deed.before,
            "after": deed.after,
            "note": deed.note,
            "url": _link_of(deed, url),
        },
    }


def _chat_body(deed: Deed, url: str) -> JsonObject:
    link = _link_of(deed, url)
    note = f"\n{_escaped(deed.note)}" if deed.note else ""
    return {"text": f"{_escaped(sentence(deed))}{note}" + (f"\n<{link}>" if link else "")}


def _escaped(text: str) -> str:
    """As chats want their three special characters."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def sentence(deed: Deed) -> str:
    name = f": {deed.subject_name}" if deed.subject_name else ""
    return f"{deed.actor_name} {words_of(deed.action)}{name}"


def words_for(deed: Deed, url: str) -> Words:
    """What a person is told, with the next command and a link."""
    link = _link_of(deed, url)
    if deed.action not in _SAID:
        return Words(sentence(deed), deed.note, link)
    said = _SAID[Action(deed.action)]
    names = {"name": deed.subject_name, "actor": deed.actor_name, "id": deed.subject_id}
    text = said.text.format(**names)
    note = deed.note or str((deed.after or {}).get("message") or "")
    if note:
        text = f"{text}\n\n{note}" if said.is_note_added else note
    return Words(
        said.subject.format(**names),
        text,
        (url if said.is_elsewhere else link) + said.path,
        said.next.format(**names),
    )


@dataclass(frozen=True, slots=True)
class _Said:
    """How one action is told; ``{name}`` is its subject, ``{actor}`` who did it, ``{id}`` the subject's id."""

    subject: str
    text: str
    next: str = ""
    path: str = ""
    """After the subject's own address."""
    is_elsewhere: bool = False
    """Whether the path is the console's own."""
    is_note_added: bool = False
    """Whether the note follows the text, instead of standing for it."""


_SAID: Mapping[Action, _Said] = {
    Action.RELEASE_FAILED: _Said(
        "A publish of {name} failed", "What was live before goes on serving.", "tholos why {name}"
    ),
    Action.SOURCE_FAILED: _Said(
        "A commit for {name} was not published",
        "What was live before goes on serving.",
        "tholos source {name}",
    ),
    Action.ACTIVATION_FAILED: _Said(
        "Making another release of {name} live failed",
        "What was live before goes on serving.",
        "tholos why {name}",
    ),
    Action.RESTART_FAILED: _Said(
        "A restart of {name} failed", "What ran before goes on serving.", "tholos why {name}"
    ),
    Action.SCHEDULE_STOPPED: _Said(
        "The schedule of {name} was stopped",
        "It is not started by its schedule any more.",
        "tholos schedule {name} --resume",
    ),
    Action.APP_FAILING: _Said(
        "{name} fails", "It does not answer as it should.", "tholos why {name}", "/logs#traceback"
    ),
    Action.ACCESS_REQUESTED: _Said(
        "{actor} asks for access to {name}",
        "{actor} asks for access to {name}.",
        path="/access",
        is_note_added=True,
    ),
    Action.ACCESS_GRANTED: _Said("You may use {name} now", "{actor} gave you the access to {name}."),
    Action.ACCESS_REFUSED: _Said(
        "No access to {name}",
        "{actor} refused you the access to {name}.",
        is_elsewhere=True,
        is_note_added=True,
    ),
    Action.TOKEN_EXPIRES: _Said(
        "Your token {name} ends soon",
        "Make another one before that.",
        "tholos tokens add LABEL",
        "/account",
        is_elsewhere=True,
    ),
    Action.WEBHOOK_GIVEN_UP: _Said(
        "Nothing arrives at the webhook {name}",
        "Deliveries to it are given up.",
        "tholos webhooks deliveries {id}",
    ),
}


def _link_of(deed: Deed, url: str) -> str:
    operation = (deed.after or {}).get("operation")
    if deed.action in FAILURES and operation:
        return f"{url}/operations/{operation}"
    if deed.subject_kind == "app":
        return f"{url}/apps/{deed.subject_name}"
    if deed.subject_kind == "webhook":
        return f"{url}/webhooks/{deed.subject_id}"
    return f"{url}/audit" if url else ""


def next_try(attempts: int, now: datetime) -> datetime | None:
    """When a delivery is tried again that has failed so often; None where it is given up."""
    return now + BACKOFF[attempts - 1] if attempts <= len(BACKOFF) else None
