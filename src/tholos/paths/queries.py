"""Every SELECT of paths of one's own."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Select, select

from tholos.apps.models import App
from tholos.kit.db import ReadDb, in_parts
from tholos.paths.models import AppPath


def find_path(db: ReadDb, app_id: str) -> AppPath | None:
    return db.get(AppPath, app_id)


def list_all(db: ReadDb) -> Sequence[AppPath]:
    return db.scalars(select(AppPath).order_by(AppPath.key)).all()


def list_among(db: ReadDb, among: Select[str]) -> Sequence[AppPath]:
    return db.scalars(select(AppPath).where(AppPath.app_id.in_(among)).order_by(AppPath.key)).all()


def list_of_apps(db: ReadDb, app_ids: Collection[str]) -> list[AppPath]:
    found: list[AppPath] = []
    for some in in_parts(app_ids):
        found += db.scalars(select(AppPath).where(AppPath.app_id.in_(some)))
    return found


def list_leading(db: ReadDb) -> list[tuple[str, str, str]]:
    """Key, app and its name, of every path."""
    rows = db.execute(select(AppPath.key, App.id, App.name).join(App, App.id == AppPath.app_id))
    return [(key, app_id, name) for key, app_id, name in rows]
