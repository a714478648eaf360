"""Every SELECT of apps, releases and pointers."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, select

from tholos.apps.errors import AppNotFound, ReleaseNotFound
from tholos.apps.models import LIVE, App, Pointer, Release
from tholos.kit.db import ReadDb

Visible = Select[App]


def visible_to(organization_id: str, account_id: str, *, sees_all: bool) -> Visible:
    chosen = select(App).where(App.organization_id == organization_id)
    return chosen if sees_all else chosen.where(App.owner_id == account_id)


def get_visible(db: ReadDb, visible: Visible, name: str) -> App:
    """Raises: AppNotFound: also where it is somebody else's."""
    found = db.scalar(visible.where(App.name == name))
    if found is None:
        raise AppNotFound(f'There is no app "{name[:60]}" among those you may see.', where="name")
    return found


def find_named(db: ReadDb, organization_id: str, name: str) -> App | None:
    return db.scalar(select(App).where(App.organization_id == organization_id, App.name == name))


def find_by_host_name(db: ReadDb, name: str) -> App | None:
    """The app whose host this is; names are unique while there is one organization."""
    return db.scalar(select(App).where(App.name == name))


def get_app(db: ReadDb, app_id: str) -> App:
    found = db.get(App, app_id)
    if found is None:
        raise AppNotFound
    return found


def find_app(db: ReadDb, app_id: str) -> App | None:
    return db.get(App, app_id)


def list_visible(db: ReadDb, visible: Visible, search: str = "") -> Sequence[App]:
    chosen = visible.where(App.name.contains(search, autoescape=True)) if search else visible
    return db.scalars(chosen.order_by(App.created_at.desc(), App.id.desc())).all()


def list_all(db: ReadDb) -> Sequence[App]:
    return db.scalars(select(App).order_by(App.id)).all()


def get_release(db: ReadDb, release_id: str) -> Release:
    found = db.get(Release, release_id)
    if found is None:
        raise ReleaseNotFound
    return found


def get_release_numbered(db: ReadDb, app_id: str, number: int) -> Release:
    found = db.scalar(select(Release).where(Release.app_id == app_id, Release.number == number))
    if found is None:
        raise ReleaseNotFound(f"The app has no release {number}.", where="release")
    return found


def list_releases(db: ReadDb, app_id: str) -> Sequence[Release]:
    return db.scalars(select(Release).where(Release.app_id == app_id).order_by(Release.number.desc())).all()


def find_pointer(db: ReadDb, app_id: str, name: str = LIVE) -> Pointer | None:
    return db.get(Pointer, (app_id, name))


def live_releases(db: ReadDb, app_ids: Sequence[str]) -> dict[str, Release]:
    """The live release of each app that has one, by app id."""
    chosen = select(Release).join(Pointer, Pointer.release_id == Release.id)
    found = db.scalars(chosen.where(Pointer.name == LIVE, Pointer.app_id.in_(app_ids)))
    return {release.app_id: release for release in found}


def live_release_ids(db: ReadDb) -> dict[str, str]:
    """The id of the live release of every app that has one, by app id."""
    found = db.execute(select(Pointer.app_id, Pointer.release_id).where(Pointer.name == LIVE))
    return {app_id: release_id for app_id, release_id in found}  # noqa: C416 - rows, not pairs


def list_pointers(db: ReadDb, app_id: str) -> Sequence[Pointer]:
    return db.scalars(select(Pointer).where(Pointer.app_id == app_id)).all()


def snapshots(db: ReadDb) -> Sequence[str]:
    return db.scalars(select(Release.snapshot).distinct()).all()
