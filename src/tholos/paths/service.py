"""Use cases of paths of one's own: choose one for an app, take it over from another, give it back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from tholos.accounts.models import Role
from tholos.accounts.service import Actor
from tholos.apps import service as apps
from tholos.apps.models import App
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.kit.db import ReadDb, WriteDb
from tholos.paths import queries
from tholos.paths.errors import PathNotForYou, PathTaken
from tholos.paths.models import AppPath
from tholos.paths.rules import check_path, key_of, overlaps

TOPIC = "paths"
"""Published after every commit that changes where a path leads."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Who chooses paths on this server."""

    is_for_administrators: bool = False
    """Else for whoever edits the app."""

    def may_choose(self, actor: Actor) -> bool:
        return not self.is_for_administrators or actor.role.includes(Role.ADMINISTRATOR)

    def check(self, actor: Actor) -> None:
        """Raises: PathNotForYou."""
        if not self.may_choose(actor):
            raise PathNotForYou


def find_path(db: ReadDb, app_id: str) -> AppPath | None:
    return queries.find_path(db, app_id)


def paths_of(db: ReadDb, app_ids: Collection[str]) -> dict[str, AppPath]:
    """By app id; apps without one are not in it."""
    return {one.app_id: one for one in queries.list_of_apps(db, app_ids)}


def list_paths(db: ReadDb, actor: Actor) -> Sequence[AppPath]:
    """Those of the apps that an actor may see, in order."""
    return queries.list_among(db, apps.visible_ids(actor))


def list_leading(db: ReadDb) -> list[tuple[str, str, str]]:
    """Key, app and its name, of every path there is."""
    return queries.list_leading(db)


def set_path(
    db: WriteDb, actor: Actor, name: str, said: str, policy: Policy, now: datetime, *, force: bool = False
) -> AppPath:
    """Let a path lead to an app, instead of the one that it had; with ``force`` it is taken from others that the actor edits.

    Raises: AppNotFound, NotAnEditor, PathNotForYou, PathInvalid, PathReserved, PathTaken.
    """
    app = apps.get_editable(db, actor, name)
    policy.check(actor)
    path = check_path(said)
    present = queries.find_path(db, app.id)
    others = [one for one in queries.list_all(db) if one.app_id != app.id and overlaps(one.path, path)]
    _take_over(db, actor, others, path, now, force=force)
    if present is not None and present.path == path:
        return present
    before = present.path if present else ""
    if present is not None:
        db.delete(present)
        db.flush()
    chosen = AppPath(
        app_id=app.id, organization_id=app.organization_id, path=path, key=key_of(path), created_at=now
    )
    db.add(chosen)
    db.flush()
    _record(db, actor, app, before, path, now)
    return chosen


def remove_path(db: WriteDb, actor: Actor, name: str, policy: Policy, now: datetime) -> None:
    """Let nothing lead to an app but its own address; where that is so already it stays so.

    Raises: AppNotFound, NotAnEditor, PathNotForYou.
    """
    app = apps.get_editable(db, actor, name)
    policy.check(actor)
    present = queries.find_path(db, app.id)
    if present is not None:
        _remove(db, actor, app, present, now)


def remove_of_app(db: WriteDb, app_id: str) -> None:
    present = queries.find_path(db, app_id)
    if present is not None:
        db.delete(present)
        db.flush()


def _take_over(
    db: WriteDb, actor: Actor, others: Sequence[AppPath], path: str, now: datetime, *, force: bool
) -> None:
    """Raises: PathTaken: nothing is taken over unless all of it can be."""
    found = [(one, apps.get_app(db, one.app_id)) for one in others]
    for one, app in found:
        may_take = apps.may_edit(db, app, actor)
        if force and may_take:
            continue
        # To whom an app is a secret its name is one too.
        whose = f'"{app.name}" has "{one.path}"' if may_take else "another app has it, or one that overlaps"
        fix = "Take it over (--force), or choose another path." if may_take else ""
        raise PathTaken(f'Cannot lead "{path}" to the app: {whose}.', fix=fix, where="path")
    for one, app in found:
        _remove(db, actor, app, one, now)


def _remove(db: WriteDb, actor: Actor, app: App, present: AppPath, now: datetime) -> None:
    before = present.path
    db.delete(present)
    db.flush()
    _record(db, actor, app, before, "", now)


def _record(db: WriteDb, actor: Actor, app: App, before: str, after: str, now: datetime) -> None:
    action = Action.PATH_SET if after else Action.PATH_REMOVED
    audit.record(
        db, actor, action, apps.subject_of(app), now,
        before={"path": before} if before else None, after={"path": after} if after else None,
    )  # fmt: skip
