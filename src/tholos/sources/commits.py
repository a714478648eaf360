"""What became of an app's commits: tried, released or not, and which of them serves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tholos.accounts import service as accounts
from tholos.accounts.service import Actor
from tholos.apps import service as apps
from tholos.apps.models import App, AppState
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.kit import ids
from tholos.kit.db import JsonObject, ReadDb, WriteDb
from tholos.kit.paging import Page, from_cursor, to_cursor
from tholos.operations.models import Operation
from tholos.sources import queries
from tholos.sources.asking import BY_ITSELF, Wanted
from tholos.sources.mirrors import Commit
from tholos.sources.models import (
    COMMIT_TRANSITIONS,
    CommitState,
    Source,
    SourceCommit,
)

MOST_COMMITS = 200
"""Of an app that are remembered."""


def find_serving(db: ReadDb, app: App) -> SourceCommit | None:
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


def commits_of(db: ReadDb, app: App, numbers: Sequence[int]) -> dict[int, SourceCommit]:
    """The commits that releases were made of, by number, as far as they are remembered."""
    found = queries.list_of_releases(db, app.id, numbers)
    return {one.release: one for one in found if one.release is not None}


def list_commits(db: ReadDb, actor: Actor, name: str, cursor: str, limit: int) -> Page[SourceCommit]:
    """What became of an app's commits, the newest first; also once it follows nothing any more.

    Raises: AppNotFound, NotAnEditor, CursorInvalid.
    """
    app = apps.get_editable(db, actor, name)
    key = from_cursor(cursor, str)
    found = queries.list_commits(db, app.id, str(key[0]) if key else None, limit + 1)
    return Page(found[:limit], to_cursor(found[limit - 1].id) if len(found) > limit else "")


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


def _is_new(db: ReadDb, source: Source, wanted: Wanted, commit: Commit) -> bool:
    if wanted.is_forced:
        return True
    if wanted.trigger in BY_ITSELF:
        return source.seen_commit != commit.id and source.seen_tree != commit.tree
    if wanted.overrides or source.is_draft:
        return True
    live = apps.find_live(db, source.app_id)
    serving = queries.find_commit_of_release(db, source.app_id, live.number) if live else None
    return serving is None or serving.tree != commit.tree


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
