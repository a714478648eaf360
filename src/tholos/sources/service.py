"""Use cases of apps that follow a repository: say which, ask for its newest commit, and note what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tholos.accounts import service as accounts
from tholos.accounts.models import Role
from tholos.accounts.service import Actor
from tholos.apps import service as apps
from tholos.apps.models import App, AppState
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.kit import ids
from tholos.kit.db import JsonObject, ReadDb, WriteDb
from tholos.kit.paging import Page, from_cursor, to_cursor
from tholos.kit.sealing import Sealer
from tholos.kit.versions import check_version
from tholos.operations import service as operations
from tholos.operations.models import Operation
from tholos.operations.service import Subject
from tholos.publishing.service import FOLLOW, FOLLOW_STEPS
from tholos.sources import credentials, pushes, queries, remotes
from tholos.sources.errors import FollowerGone, HookRefused, SourceNotFound
from tholos.sources.mirrors import Commit
from tholos.sources.models import (
    COMMIT_TRANSITIONS,
    CommitState,
    Source,
    SourceCommit,
    Trigger,
)
from tholos.sources.pushes import Push
from tholos.sources.remotes import Remote

TOPIC = "sources"
"""Published after every commit that changes what is followed, or what is asked for."""
MOST_COMMITS = 200
"""Of an app that are remembered."""
_BY_ITSELF = frozenset({Trigger.POLL, Trigger.PUSH})


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
            later.ref or (self.ref if later.trigger in _BY_ITSELF else ""),
            self.is_forced or later.is_forced,
            {**self.overrides, **later.overrides},
            later.account_id or self.account_id,
            later.is_draft if later.is_draft is not None else self.is_draft,
            later.commit if self.commit else "",
        )


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


@dataclass(frozen=True, slots=True)
class Heard:
    """What a message about a push leads to."""

    text: str
    operation_id: str = ""
    is_known: bool = False
    """Whether nothing follows from it, and nothing was to."""


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
    return Followed(source, app, account, username, _find_serving(db, app))


def _find_serving(db: ReadDb, app: App) -> SourceCommit | None:
    """The commit of the live release, or of the one that it has its files of."""
    live = apps.find_live(db, app.id)
    if live is None:
        return None
    bases = {one.number: one.based_on for one in apps.list_releases(db, app.id, below=live.number + 1)}
    number: int | None = live.number
    chain = []
    while number is not None:
        chain.append(number)
        number = bases.get(number)
    found = commits_of(db, app, chain)
    return next((found[one] for one in chain if one in found), None)


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
    wanted = Wanted(Trigger.SET, overrides=overrides, account_id=actor.account_id)
    return Made(source, secret, ask_for(db, source, app, wanted, now) if begins else None)


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
        begun = ask_for(db, source, app, Wanted(Trigger.SET, account_id=actor.account_id), now)
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
    wanted = Wanted(
        Trigger.UPDATE,
        remotes.check_ref(ref) if ref.strip() else "",
        is_forced=True,
        account_id=actor.account_id,
        is_draft=is_draft,
    )
    begun = ask_for(db, source, app, wanted, now)
    audit.record(
        db, actor, Action.SOURCE_UPDATED, apps.subject_of(app), now,
        after={"ref": wanted.ref or source.branch, "operation": begun.id if begun else None},
    )  # fmt: skip
    return begun


def list_commits(db: ReadDb, actor: Actor, name: str, cursor: str, limit: int) -> Page[SourceCommit]:
    """What became of an app's commits, the newest first; also once it follows nothing any more.

    Raises: AppNotFound, NotAnEditor, CursorInvalid.
    """
    app = apps.get_editable(db, actor, name)
    key = from_cursor(cursor, str)
    found = queries.list_commits(db, app.id, str(key[0]) if key else None, limit + 1)
    return Page(found[:limit], to_cursor(found[limit - 1].id) if len(found) > limit else "")


def commits_of(db: ReadDb, app: App, numbers: Sequence[int]) -> dict[int, SourceCommit]:
    """The commits that releases were made of, by number, as far as they are remembered."""
    found = queries.list_of_releases(db, app.id, numbers)
    return {one.release: one for one in found if one.release is not None}


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


def check_signature(
    db: ReadDb, sealer: Sealer, source_id: str, headers: Mapping[str, str], body: bytes
) -> None:
    """Raises: SourceNotFound, HookRefused."""
    source = queries.get_source(db, source_id)
    if not pushes.is_signed(sealer.open(source.sealed, about(source)), headers, body):
        raise HookRefused


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
        if is_done or (wanted.trigger in _BY_ITSELF and not _may_go_on(db, app, source)):
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


def start_commit(
    db: WriteDb, operation: Operation, source: Source, ref: str, commit: Commit, now: datetime
) -> bool:
    """Note that a commit is tried; whether it is anything that was not tried before, or is asked for again."""
    wanted = Wanted.from_json(operation.request)
    row = queries.find_commit(db, operation.id)
    if row is not None:
        db.delete(row)  # by an attempt that was cut off
        db.flush()
        is_new = True
    else:
        is_new = _is_new(db, source, wanted, commit)
    source.fetch_error = None
    if not wanted.ref:
        source.seen_commit = commit.id
    source.seen_tree = commit.tree
    db.add(
        SourceCommit(
            id=ids.new_id("cmt"),
            organization_id=source.organization_id,
            app_id=source.app_id,
            operation_id=operation.id,
            commit=commit.id,
            tree=commit.tree,
            ref=ref,
            author=commit.author,
            subject=commit.subject,
            state=CommitState.TRYING if is_new else CommitState.UNCHANGED,
            trigger=wanted.trigger,
            at=now,
        )
    )
    db.flush()
    for old in queries.list_older(db, source.app_id, MOST_COMMITS):
        db.delete(old)
    return is_new


def end_commit(
    db: WriteDb,
    operation: Operation,
    state: CommitState,
    *,
    release: int | None = None,
    error: JsonObject | None = None,
) -> SourceCommit | None:
    """Note what became of the commit that an operation tried; None where it found none."""
    row = queries.find_commit(db, operation.id)
    if row is None or row.state == state:
        return row
    if state in COMMIT_TRANSITIONS[CommitState(row.state)]:
        row.state, row.release = state, release or row.release
        if error is not None:
            row.error = error
    source = queries.find_of_app(db, operation.subject_id)
    if source is not None and state in {CommitState.RELEASED, CommitState.UNCHANGED}:
        source.commit_error = None
    elif source is not None and state == CommitState.FAILED and error is not None:
        source.commit_error = error
    return row


def note_failure(db: WriteDb, operation: Operation, error: JsonObject | None, now: datetime) -> None:
    """An operation failed, or was cancelled without an error, before there was a release, or after: what served serves."""
    state = CommitState.CANCELLED if error is None else CommitState.FAILED
    number = operation.request.get("release")
    release = int(str(number)) if number else None
    row = end_commit(
        db, operation, CommitState.RELEASED if operation.is_decided else state, release=release, error=error
    )
    if release is not None:
        return
    app = apps.find_app(db, operation.subject_id)
    source = queries.find_of_app(db, operation.subject_id)
    if app is None or source is None or error is None:
        return
    is_news = (
        row is not None
        or source.fetch_error is None
        or source.fetch_error.get("message") != error.get("message")
    )
    if row is None:
        source.fetch_error = error
    if apps.find_live(db, app.id) is None:
        apps.set_state(db, app.id, AppState.STOPPED, "Nothing of its repository has come to serve yet.", now)
    if is_news:
        doer = accounts.actor_for(accounts.get_account(db, operation.account_id))
        audit.record(
            db, doer, Action.SOURCE_FAILED, apps.subject_of(app), now,
            after={"operation": operation.id, "commit": row.commit if row else None},
            note=str(error.get("message", "")),
        )  # fmt: skip


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


def _check_follower(db: ReadDb, app: App, source: Source) -> None:
    """Raises: FollowerGone."""
    account = accounts.get_account(db, source.account_id)
    actor = accounts.actor_for(account)
    if account.is_disabled or not actor.role.includes(Role.PUBLISHER) or not apps.may_edit(db, app, actor):
        raise FollowerGone(
            f"Cannot publish by itself: {account.name}, who let the app follow the repository, may not publish to it any more.",
            fix=f"Whoever edits the app can take it over: tholos source {app.name} --resume",
        )


def _is_new(db: ReadDb, source: Source, wanted: Wanted, commit: Commit) -> bool:
    if wanted.is_forced:
        return True
    if wanted.trigger in _BY_ITSELF:
        return source.seen_commit != commit.id and source.seen_tree != commit.tree
    if wanted.overrides or source.is_draft:
        return True
    live = apps.find_live(db, source.app_id)
    serving = queries.find_commit_of_release(db, source.app_id, live.number) if live else None
    return serving is None or serving.tree != commit.tree


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
