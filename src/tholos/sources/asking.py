"""What is asked of a repository, by people and by itself: it begins at once, or after what is under way."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from tholos.accounts import service as accounts
from tholos.accounts.models import Role
from tholos.apps import service as apps
from tholos.apps.models import App
from tholos.kit.db import JsonObject, ReadDb, WriteDb
from tholos.operations import service as operations
from tholos.operations.models import Operation
from tholos.operations.service import Subject
from tholos.publishing.service import FOLLOW, FOLLOW_STEPS
from tholos.sources import queries
from tholos.sources.errors import FollowerGone
from tholos.sources.models import (
    Source,
    Trigger,
)
from tholos.sources.pushes import Push

BY_ITSELF = frozenset({Trigger.POLL, Trigger.PUSH})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a repository."""

    trigger: Trigger
    ref: str = ""
    """A branch, tag or commit instead of the branch that is followed."""
    is_forced: bool = False
    """Whether a release is made of a commit that was tried before."""
    overrides: JsonObject = field(default_factory=dict)
    account_id: str = ""
    """Who asked; else by whose right the app follows it."""
    is_draft: bool | None = None
    """Whether it becomes a draft; None for as the app follows it."""
    commit: str = ""
    """What a look found the branch at, where that is all the reason."""

    def to_json(self) -> JsonObject:
        return {
            "trigger": self.trigger,
            "ref": self.ref,
            "is_forced": self.is_forced,
            "overrides": self.overrides,
            "account_id": self.account_id,
            "is_draft": self.is_draft,
            "found": self.commit,
        }

    @classmethod
    def from_json(cls, kept: JsonObject) -> Wanted:
        overrides = kept.get("overrides")
        return cls(
            Trigger(str(kept["trigger"])),
            str(kept.get("ref", "")),
            kept.get("is_forced") is True,
            dict(overrides) if isinstance(overrides, dict) else {},
            str(kept.get("account_id", "")),
            is_draft if isinstance(is_draft := kept.get("is_draft"), bool) else None,
            str(kept.get("found", "")),
        )

    def and_then(self, later: Wanted) -> Wanted:
        """Both in one, where the later says more."""
        return Wanted(
            later.trigger,
            later.ref or (self.ref if later.trigger in BY_ITSELF else ""),
            self.is_forced or later.is_forced,
            {**self.overrides, **later.overrides},
            later.account_id or self.account_id,
            later.is_draft if later.is_draft is not None else self.is_draft,
            later.commit if self.commit else "",
        )


@dataclass(frozen=True, slots=True)
class Heard:
    """What a message about a push leads to."""

    text: str
    operation_id: str = ""
    is_known: bool = False
    """Whether nothing follows from it, and nothing was to."""


def ask_for(db: WriteDb, source: Source, app: App, wanted: Wanted, now: datetime) -> Operation | None:
    """Begin what is wanted of a repository; None where something is under way, after which it is done."""
    if operations.find_under_way(db, app.id) is not None:
        kept = Wanted.from_json(source.waiting) if source.waiting else None
        source.waiting = (kept.and_then(wanted) if kept else wanted).to_json()
        source.waiting_since = source.waiting_since or now
        return None
    source.waiting = source.waiting_since = None
    account = accounts.get_account(db, wanted.account_id or source.account_id)
    actor = accounts.actor_for(account)
    is_draft = source.is_draft if wanted.is_draft is None else wanted.is_draft
    request: JsonObject = {"source_id": source.id, "draft": is_draft, **wanted.to_json()}
    return operations.begin(db, actor, FOLLOW, Subject(app.id, app.name), FOLLOW_STEPS, request, now)


def begin_by_itself(
    db: WriteDb, source: Source, trigger: Trigger, now: datetime, *, commit: str = ""
) -> Operation | None:
    """Begin what nobody asked for in person, if whoever let the app follow may still publish to it.

    Raises: FollowerGone.
    """
    app = apps.get_app(db, source.app_id)
    _check_follower(db, app, source)
    return ask_for(db, source, app, Wanted(trigger, commit=commit), now)


def hear(db: WriteDb, source_id: str, push: Push, now: datetime) -> Heard:
    """What a signed message tells: a push to the branch that is followed begins at once, or after what is under way.

    Raises: SourceNotFound, FollowerGone.
    """
    source = queries.get_source(db, source_id)
    if push.kind == "ping":
        return Heard("It arrives.", is_known=True)
    reason = _why_nothing(source, push)
    if reason:
        return Heard(f"Nothing to do: {reason}.")
    if push.commit and push.commit == source.seen_commit:
        return Heard("Nothing to do: this commit was tried already.", is_known=True)
    begun = begin_by_itself(db, source, Trigger.PUSH, now)
    return Heard("It is fetched now.", begun.id) if begun else Heard("It is fetched after what is under way.")


def _why_nothing(source: Source, push: Push) -> str:
    if push.kind != "push" or not push.is_branch:
        return "this is no push to a branch"
    followed = source.branch or push.default_branch
    if push.branch and followed and push.branch != followed:
        return f"the app follows {followed}"
    if push.is_removed:
        return "the branch was removed"
    return "it is paused" if source.paused_at is not None else ""


def begin_waiting(db: WriteDb, now: datetime) -> list[Operation]:
    """What was asked for while apps were busy that are so no more."""
    begun = []
    for source_id in queries.list_waiting(db):
        source = queries.get_source(db, source_id)
        wanted = Wanted.from_json(source.waiting or {"trigger": Trigger.POLL})
        app = apps.get_app(db, source.app_id)
        if operations.find_under_way(db, app.id) is not None:
            continue
        # What was under way may have come as far as what a look found meanwhile.
        is_done = wanted.commit != "" and wanted.commit == source.seen_commit
        if is_done or (wanted.trigger in BY_ITSELF and not _may_go_on(db, app, source)):
            source.waiting = source.waiting_since = None
            continue
        operation = ask_for(db, source, app, wanted, now)
        begun += [operation] if operation else []
    return begun


def _may_go_on(db: WriteDb, app: App, source: Source) -> bool:
    """Whether nobody has paused it meanwhile, or lost the right to publish."""
    try:
        _check_follower(db, app, source)
    except FollowerGone as error:
        source.fetch_error = error.to_json()
        return False
    return source.paused_at is None


def has_waiting(db: ReadDb) -> bool:
    """Whether something is to begin that waited: asked often, and mostly not."""
    for source_id in queries.list_waiting(db):
        if operations.find_under_way(db, queries.get_source(db, source_id).app_id) is None:
            return True
    return False


def note_head(db: WriteDb, source_id: str, commit: str, now: datetime) -> Operation | None:
    """A look found the branch at a commit: begin, where that is a new one."""
    source = queries.find_source(db, source_id)
    if source is None or source.paused_at is not None:
        return None
    source.fetch_error = None
    if source.seen_commit == commit:
        return None
    try:
        return begin_by_itself(db, source, Trigger.POLL, now, commit=commit)
    except FollowerGone as error:
        source.fetch_error = error.to_json()
        return None


def note_not_found(db: WriteDb, source_id: str, error: JsonObject) -> None:
    """A look failed; it is tried again at the next."""
    source = queries.find_source(db, source_id)
    if source is not None:
        source.fetch_error = error


def _check_follower(db: ReadDb, app: App, source: Source) -> None:
    """Raises: FollowerGone."""
    account = accounts.get_account(db, source.account_id)
    actor = accounts.actor_for(account)
    if account.is_disabled or not actor.role.includes(Role.PUBLISHER) or not apps.may_edit(db, app, actor):
        raise FollowerGone(
            f"Cannot publish by itself: {account.name}, who let the app follow the repository, may not publish to it any more.",
            fix=f"Whoever edits the app can take it over: tholos source {app.name} --resume",
        )
