"""Use cases of an app's releases that are there: which to go back to, which to keep, and which may go."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tholos.accounts.service import Actor
from tholos.apps import queries
from tholos.apps import service as apps
from tholos.apps.errors import NothingBefore, NotReady, ReleaseInUse
from tholos.apps.models import App, Release, ReleaseState
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.kit.db import ReadDb, WriteDb


def get_ready(db: ReadDb, app: App, number: int) -> Release:
    """A release that can be made live.

    Raises: ReleaseNotFound, NotReady.
    """
    release = queries.get_release_numbered(db, app.id, number)
    if release.state != ReleaseState.READY:
        told = "failed" if release.state == ReleaseState.FAILED else "is still being made"
        raise NotReady(
            f"Cannot make release {number} of {app.name} live: it {told}.",
            fix=f"`tholos why {app.name}` says more; publish it again once it is mended.",
            where="release",
        )
    return release


def get_before(db: ReadDb, app: App) -> Release:
    """The newest release before the live one that was live once.

    Raises: NothingBefore.
    """
    live = apps.find_live(db, app.id)
    found = queries.find_rollback_target(db, app.id, live.number) if live else None
    if found is None:
        raise NothingBefore(
            f"Cannot roll {app.name} back: no release before it was ever live.",
            fix=f"`tholos releases {app.name}` lists them; `tholos activate {app.name} N` makes any of them live.",
        )
    return found


def find_before(db: ReadDb, app_id: str) -> Release | None:
    """The release that a roll-back without a number leads to; None where there is none."""
    live = apps.find_live(db, app_id)
    return queries.find_rollback_target(db, app_id, live.number) if live else None


def list_drafts(db: ReadDb, app_id: str) -> list[Release]:
    """The releases that run at addresses of their own, the newest first."""
    return queries.list_drafts(db, app_id)


def discard_draft(db: WriteDb, actor: Actor, name: str, number: int, now: datetime) -> Release:
    """Let a draft end; its release stays and can be made live.

    Raises: AppNotFound, NotAnEditor, ReleaseNotFound.
    """
    app = apps.get_editable(db, actor, name)
    release = queries.get_release_numbered(db, app.id, number)
    if apps.discard_draft(db, release):
        audit.record(db, actor, Action.DRAFT_DISCARDED, apps.subject_of(app), now, after={"release": number})
    return release


def set_pinned(
    db: WriteDb, actor: Actor, name: str, number: int, now: datetime, *, is_pinned: bool
) -> Release:
    """Keep a release however many newer ones there are, or no longer.

    Raises: AppNotFound, NotAnEditor, ReleaseNotFound.
    """
    app = apps.get_editable(db, actor, name)
    release = queries.get_release_numbered(db, app.id, number)
    if release.is_pinned != is_pinned:
        release.is_pinned = is_pinned
        done = Action.RELEASE_PINNED if is_pinned else Action.RELEASE_UNPINNED
        audit.record(db, actor, done, apps.subject_of(app), now, after={"release": number})
    return release


def list_expendable(db: ReadDb, app: App, keep: int) -> Sequence[Release]:
    """The releases that nothing keeps: older than the newest ``keep``, or than as many as the app says."""
    return queries.list_expendable(db, app.id, app.keep_releases or keep)


def remove_release(db: WriteDb, app: App, release_id: str, now: datetime) -> None:
    """Remove a release that nothing keeps; its instances are gone before.

    Raises: ReleaseInUse: something has come to name it.
    """
    release = queries.get_release(db, release_id)
    if release.is_pinned or queries.is_pointed_at(db, release.id):
        raise ReleaseInUse(f"Cannot remove release {release.number} of {app.name}: it is in use.")
    subject = apps.subject_of(app)
    audit.record(db, audit.ITSELF, Action.RELEASE_REMOVED, subject, now, after={"release": release.number})
    db.delete(release)
    db.flush()
