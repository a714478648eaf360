"""Use cases of apps and releases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tholos.accounts.models import Role
from tholos.accounts.service import Actor
from tholos.apps import queries
from tholos.apps.errors import NameTaken, TransitionRefused
from tholos.apps.models import LIVE, RELEASE_TRANSITIONS, App, AppState, Pointer, Release, ReleaseState
from tholos.apps.names import check_app_name
from tholos.kit import ids
from tholos.kit.db import JsonObject, ReadDb, WriteDb

TOPIC = "apps"


@dataclass(frozen=True, slots=True)
class NewRelease:
    """What a release is made of."""

    snapshot: str
    files: int
    bytes: int
    fingerprint: str
    manifest: JsonObject
    python: str
    message: str


def get_visible(db: ReadDb, actor: Actor, name: str) -> App:
    """Raises: AppNotFound."""
    return queries.get_visible(db, _visible(actor), name)


def find_own_or_free(db: ReadDb, actor: Actor, name: str) -> App | None:
    """The actor's app of that name to publish to; None where the name is free.

    Raises: NameInvalid, NameReserved, NameTaken.
    """
    check_app_name(name)
    found = queries.find_named(db, actor.organization_id, name)
    if found is not None and not may_edit(found, actor):
        raise NameTaken(
            f'Cannot publish as "{name}": somebody else has an app of that name.',
            fix="Choose another: tholos publish --name NAME",
            where="name",
        )
    return found


def may_edit(app: App, actor: Actor) -> bool:
    return app.owner_id == actor.account_id or actor.role.includes(Role.ADMINISTRATOR)


def may_open(app: App, actor: Actor) -> bool:
    """Whether an account may open the app itself. Managing an installation is no reason to look into an app."""
    return app.owner_id == actor.account_id


def list_visible(db: ReadDb, actor: Actor, search: str = "") -> Sequence[App]:
    return queries.list_visible(db, _visible(actor), search)


def list_all(db: ReadDb) -> Sequence[App]:
    return queries.list_all(db)


def get_app(db: ReadDb, app_id: str) -> App:
    return queries.get_app(db, app_id)


def find_app(db: ReadDb, app_id: str) -> App | None:
    return queries.find_app(db, app_id)


def find_by_host_name(db: ReadDb, name: str) -> App | None:
    return queries.find_by_host_name(db, name)


def get_release(db: ReadDb, release_id: str) -> Release:
    return queries.get_release(db, release_id)


def get_release_numbered(db: ReadDb, app_id: str, number: int) -> Release:
    return queries.get_release_numbered(db, app_id, number)


def list_releases(db: ReadDb, app_id: str) -> Sequence[Release]:
    return queries.list_releases(db, app_id)


def live_releases(db: ReadDb, found: Sequence[App]) -> dict[str, Release]:
    return queries.live_releases(db, [app.id for app in found])


def live_release_ids(db: ReadDb) -> dict[str, str]:
    return queries.live_release_ids(db)


def find_live_id(db: ReadDb, app_id: str) -> str | None:
    """Id of an app's live release, where that is all that is asked."""
    pointer = queries.find_pointer(db, app_id)
    return pointer.release_id if pointer else None


def find_live(db: ReadDb, app_id: str) -> Release | None:
    return queries.live_releases(db, [app_id]).get(app_id)


def kept_snapshots(db: ReadDb) -> Sequence[str]:
    return queries.snapshots(db)


def create_app(db: WriteDb, actor: Actor, name: str, now: datetime) -> App:
    app = App(
        id=ids.new_id("app"),
        organization_id=actor.organization_id,
        owner_id=actor.account_id,
        name=check_app_name(name),
        access_version=1,
        overrides={},
        last_number=0,
        state=AppState.STOPPED,
        state_reason="Nothing of it has been released yet.",
        state_since=now,
        created_at=now,
    )
    db.add(app)
    db.flush()
    return app


def create_release(db: WriteDb, actor: Actor, app: App, new: NewRelease, now: datetime) -> Release:
    """The app's next release, in preparation: nothing of it serves yet."""
    app.last_number += 1
    release = Release(
        id=ids.new_id("rel"),
        organization_id=app.organization_id,
        app_id=app.id,
        number=app.last_number,
        state=ReleaseState.PREPARING,
        author_id=actor.account_id,
        message=new.message,
        snapshot=new.snapshot,
        files=new.files,
        bytes=new.bytes,
        fingerprint=new.fingerprint,
        manifest=new.manifest,
        python=new.python,
        created_at=now,
    )
    db.add(release)
    db.flush()
    return release


def remember_overrides(db: WriteDb, app_id: str, overrides: JsonObject) -> None:
    queries.get_app(db, app_id).overrides = overrides


def record_environment(db: WriteDb, release_id: str, lock: str, environment: str, packages: int) -> None:
    release = queries.get_release(db, release_id)
    release.lock, release.environment, release.packages = lock, environment, packages


def switch(db: WriteDb, release_id: str, now: datetime) -> Release | None:
    """Point *live* at a release that is ready; returns the one that was live before."""
    release = queries.get_release(db, release_id)
    _move(release, ReleaseState.READY)
    pointer = queries.find_pointer(db, release.app_id)
    if pointer is None:
        before = None
        db.add(
            Pointer(
                app_id=release.app_id,
                name=LIVE,
                organization_id=release.organization_id,
                release_id=release.id,
                changed_at=now,
            )
        )
    else:
        before = queries.get_release(db, pointer.release_id) if pointer.release_id != release.id else None
        pointer.release_id, pointer.changed_at = release.id, now
    db.flush()
    return before


def fail_release(db: WriteDb, release_id: str) -> None:
    """A release that will not serve; one that already does is left as it is."""
    release = queries.get_release(db, release_id)
    if release.state == ReleaseState.PREPARING:
        _move(release, ReleaseState.FAILED)


def set_state(
    db: WriteDb, app_id: str, state: AppState, reason: str, now: datetime, *, probed: bool = False
) -> bool:
    """Record what an app does, as seen; returns whether that is a change."""
    app = queries.get_app(db, app_id)
    if probed:
        app.probed_at = now
    if (app.state, app.state_reason) == (state, reason):
        return False
    if app.state != state:
        app.state_since = now
    app.state, app.state_reason = state, reason
    return True


def remove_pointers(db: WriteDb, app_id: str) -> None:
    """Point nowhere: from here on nothing of the app is started again."""
    for pointer in queries.list_pointers(db, app_id):
        db.delete(pointer)
    db.flush()


def remove_app(db: WriteDb, app_id: str) -> None:
    """Remove the rows of an app; its instances are gone before."""
    remove_pointers(db, app_id)
    for release in queries.list_releases(db, app_id):
        db.delete(release)
    db.flush()
    db.delete(queries.get_app(db, app_id))


def _move(release: Release, state: ReleaseState) -> None:
    if state not in RELEASE_TRANSITIONS[ReleaseState(release.state)]:
        raise TransitionRefused(f"Cannot make release {release.number} {state}: it is {release.state}.")
    release.state = state


def _visible(actor: Actor) -> queries.Visible:
    return queries.visible_to(
        actor.organization_id, actor.account_id, sees_all=actor.role.includes(Role.ADMINISTRATOR)
    )
