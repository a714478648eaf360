"""Use cases of apps that follow a repository: say which and how, and ask for its newest commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tholos.accounts import service as accounts
from tholos.accounts.service import Actor
from tholos.apps import service as apps
from tholos.apps.models import App
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.kit import ids
from tholos.kit.db import JsonObject, ReadDb, WriteDb
from tholos.kit.sealing import Sealer
from tholos.kit.versions import check_version
from tholos.operations.models import Operation
from tholos.sources import asking, commits, credentials, pushes, queries, remotes
from tholos.sources.errors import HookRefused, SourceNotFound
from tholos.sources.models import (
    Source,
    SourceCommit,
    Trigger,
)
from tholos.sources.remotes import Remote

TOPIC = "sources"
"""Published after every commit that changes what is followed, or what is asked for."""


@dataclass(frozen=True, slots=True)
class Login:
    """What a repository's host is shown."""

    username: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Wish:
    """What an app is to follow; None leaves what is there, and else is what is usual."""

    repository: str | None = None
    branch: str | None = None
    subdirectory: str | None = None
    is_polled: bool | None = None
    is_draft: bool | None = None
    is_paused: bool | None = None
    login: Login | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """What an app follows from now on; the secret only where it is new, the operation where one could begin at once."""

    source: Source
    secret: str
    operation: Operation | None


@dataclass(frozen=True, slots=True)
class Followed:
    """What an app follows, with what people are shown beside it."""

    source: Source
    app: App
    account: str
    own_credential: str
    """The user name of the app's own credential; empty where it has none."""
    serving: SourceCommit | None
    """The commit of which the live release was made, or the one that it has its files of."""


def about(source: Source) -> str:
    """What a source's secret is sealed with."""
    return f"source {source.id}"


def get_followed(db: ReadDb, actor: Actor, name: str) -> Followed:
    """Raises: AppNotFound, NotAnEditor, SourceNotFound."""
    app, source = _get(db, actor, name)
    return describe(db, app, source)


def describe(db: ReadDb, app: App, source: Source) -> Followed:
    credential = credentials.find_own(db, source)
    account = accounts.get_account(db, source.account_id).name
    username = credential.username if credential else ""
    return Followed(source, app, account, username, commits.find_serving(db, app))


def set_source(
    db: WriteDb,
    sealer: Sealer,
    actor: Actor,
    name: str,
    wish: Wish,
    overrides: JsonObject,
    local_folders: Sequence[str],
    now: datetime,
    *,
    begins: bool = True,
) -> Made:
    """Let an app follow a repository, from now on by the actor's right, and publish where it stands, unless that is for
    later. A new app is made.

    Raises: NameInvalid, NameReserved, NameTaken, RepositoryInvalid, RepositoryRefused, BranchInvalid, SubdirectoryInvalid,
        CredentialInvalid.
    """
    remote = remotes.parse(wish.repository or "", local_folders)
    branch = remotes.check_branch(wish.branch or "")
    subdirectory = remotes.check_subdirectory(wish.subdirectory or "")
    app = apps.find_own_or_free(db, actor, name) or apps.create_app(db, actor, name, now)
    source = queries.find_of_app(db, app.id)
    before = _facts(source) if source else None
    secret = ""
    if source is None:
        source, secret = _new_source(sealer, actor, app, remote, now)
        db.add(source)
    if (source.url, source.branch, source.subdirectory) != (remote.url, branch, subdirectory):
        _forget(source)
    source.url, source.branch, source.subdirectory = remote.url, branch, subdirectory
    source.account_id = actor.account_id
    source.is_polled = wish.is_polled is not False
    source.is_draft = wish.is_draft is True
    source.paused_at = None
    source.version += 1
    db.flush()
    if wish.login is not None:
        credentials.keep_for_app(
            db, sealer, actor, app, remote.origin, wish.login.username, wish.login.value, now
        )
    audit.record(db, actor, Action.SOURCE_SET, apps.subject_of(app), now, before=before, after=_facts(source))
    wanted = asking.Wanted(Trigger.SET, overrides=overrides, account_id=actor.account_id)
    return Made(source, secret, asking.ask_for(db, source, app, wanted, now) if begins else None)


def change_source(
    db: WriteDb,
    actor: Actor,
    name: str,
    wish: Wish,
    seen: int | None,
    now: datetime,
    *,
    begins: bool = True,
) -> tuple[Followed, Operation | None]:
    """Change what is given; another branch or folder is published at once, unless it is paused or that is for later.

    Raises: AppNotFound, NotAnEditor, SourceNotFound, EditedMeanwhile, BranchInvalid, SubdirectoryInvalid.
    """
    app, source = _get(db, actor, name)
    check_version(seen, source.version)
    before, followed = _facts(source), (source.branch, source.subdirectory)
    if wish.branch is not None:
        source.branch = remotes.check_branch(wish.branch)
    if wish.subdirectory is not None:
        source.subdirectory = remotes.check_subdirectory(wish.subdirectory)
    if wish.is_polled is not None:
        source.is_polled = wish.is_polled
    if wish.is_draft is not None:
        source.is_draft = wish.is_draft
    if wish.is_paused is not None:
        source.paused_at = now if wish.is_paused else None
        source.account_id = source.account_id if wish.is_paused else actor.account_id
    source.version += 1
    is_another = (source.branch, source.subdirectory) != followed
    if is_another:
        _forget(source)
    action = _done_by(wish)
    audit.record(db, actor, action, apps.subject_of(app), now, before=before, after=_facts(source))
    begun = None
    if begins and source.paused_at is None and (is_another or wish.is_paused is False):
        begun = asking.ask_for(db, source, app, asking.Wanted(Trigger.SET, account_id=actor.account_id), now)
    db.flush()
    return describe(db, app, source), begun


def remove_source(db: WriteDb, actor: Actor, name: str, now: datetime) -> None:
    """Let an app follow nothing; what serves goes on serving, and its commits are remembered.

    Raises: AppNotFound, NotAnEditor, SourceNotFound.
    """
    app, source = _get(db, actor, name)
    audit.record(db, actor, Action.SOURCE_REMOVED, apps.subject_of(app), now, before=_facts(source))
    for credential in queries.list_of_app(db, app.id):
        db.delete(credential)
    db.delete(source)


def renew_secret(db: WriteDb, sealer: Sealer, actor: Actor, name: str, now: datetime) -> tuple[Followed, str]:
    """A new secret for pushes, which is shown once; the former is good for nothing from now on.

    Raises: AppNotFound, NotAnEditor, SourceNotFound.
    """
    app, source = _get(db, actor, name)
    secret = ids.new_secret()
    source.sealed = sealer.seal(secret, about(source))
    source.version += 1
    audit.record(db, actor, Action.SOURCE_SECRET_RENEWED, apps.subject_of(app), now)
    return describe(db, app, source), secret


def find_followed(db: ReadDb, actor: Actor, name: str) -> Followed | None:
    """What an app follows, if anything.

    Raises: AppNotFound, NotAnEditor.
    """
    app = apps.get_editable(db, actor, name)
    source = queries.find_of_app(db, app.id)
    return describe(db, app, source) if source else None


def update(
    db: WriteDb, actor: Actor, name: str, ref: str, now: datetime, *, is_draft: bool | None = None
) -> Operation | None:
    """Fetch now, and make a release of it even if it was tried before; None where it is done after what is under way.

    Raises: AppNotFound, NotAnEditor, SourceNotFound, BranchInvalid.
    """
    app, source = _get(db, actor, name)
    wanted = asking.Wanted(
        Trigger.UPDATE,
        remotes.check_ref(ref) if ref.strip() else "",
        is_forced=True,
        account_id=actor.account_id,
        is_draft=is_draft,
    )
    begun = asking.ask_for(db, source, app, wanted, now)
    audit.record(
        db, actor, Action.SOURCE_UPDATED, apps.subject_of(app), now,
        after={"ref": wanted.ref or source.branch, "operation": begun.id if begun else None},
    )  # fmt: skip
    return begun


def check_signature(
    db: ReadDb, sealer: Sealer, source_id: str, headers: Mapping[str, str], body: bytes
) -> None:
    """Raises: SourceNotFound, HookRefused."""
    source = queries.get_source(db, source_id)
    if not pushes.is_signed(sealer.open(source.sealed, about(source)), headers, body):
        raise HookRefused


def _new_source(sealer: Sealer, actor: Actor, app: App, remote: Remote, now: datetime) -> tuple[Source, str]:
    secret = ids.new_secret()
    source = Source(
        id=ids.new_id("src"),
        organization_id=app.organization_id,
        app_id=app.id,
        account_id=actor.account_id,
        url=remote.url,
        branch="",
        subdirectory="",
        is_polled=True,
        is_draft=False,
        seen_commit="",
        seen_tree="",
        created_at=now,
        version=0,
    )
    source.sealed = sealer.seal(secret, about(source))
    return source, secret


def _get(db: ReadDb, actor: Actor, name: str) -> tuple[App, Source]:
    app = apps.get_editable(db, actor, name)
    source = queries.find_of_app(db, app.id)
    if source is None:
        raise SourceNotFound
    return app, source


def _forget(source: Source) -> None:
    """What was found out about something else than it follows now."""
    source.seen_commit = source.seen_tree = ""
    source.fetch_error = source.commit_error = None


def _done_by(wish: Wish) -> Action:
    if wish.is_paused is None:
        return Action.SOURCE_SET
    return Action.SOURCE_PAUSED if wish.is_paused else Action.SOURCE_RESUMED


def _facts(source: Source) -> JsonObject:
    return {
        "repository": source.url,
        "branch": source.branch,
        "subdirectory": source.subdirectory,
        "polling": source.is_polled,
        "draft": source.is_draft,
        "paused": source.paused_at is not None,
    }
