"""Every SELECT of tags."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Select, func, select

from tholos.kit.db import ReadDb, in_parts
from tholos.tags.errors import TagNotFound
from tholos.tags.models import AppTag, Tag

Ids = Select[str]


def list_all(db: ReadDb, organization_id: str) -> Sequence[Tag]:
    return db.scalars(select(Tag).where(Tag.organization_id == organization_id)).all()


def count_all(db: ReadDb, organization_id: str) -> int:
    chosen = select(func.count()).select_from(Tag).where(Tag.organization_id == organization_id)
    return db.scalar(chosen) or 0


def get_tag(db: ReadDb, organization_id: str, tag_id: str) -> Tag:
    """Raises: TagNotFound."""
    found = db.scalar(select(Tag).where(Tag.organization_id == organization_id, Tag.id == tag_id))
    if found is None:
        raise TagNotFound(where="tag")
    return found


def find_numbered(db: ReadDb, organization_id: str, serial: int) -> Tag | None:
    return db.scalar(select(Tag).where(Tag.organization_id == organization_id, Tag.serial == serial))


def tagged_ids(tag_ids: Collection[str]) -> Ids:
    """A subquery: ids of the apps that have one of these tags."""
    return select(AppTag.app_id).where(AppTag.tag_id.in_(tag_ids))


def pairs_among(db: ReadDb, among: Ids) -> list[tuple[str, str]]:
    """Tag and app, for those of some apps."""
    rows = db.execute(select(AppTag.tag_id, AppTag.app_id).where(AppTag.app_id.in_(among)))
    return [(tag_id, app_id) for tag_id, app_id in rows]


def list_of_apps(db: ReadDb, app_ids: Collection[str]) -> list[AppTag]:
    found: list[AppTag] = []
    for some in in_parts(app_ids):
        found += db.scalars(select(AppTag).where(AppTag.app_id.in_(some)))
    return found


def list_having(db: ReadDb, tag_ids: Collection[str]) -> list[AppTag]:
    found: list[AppTag] = []
    for some in in_parts(tag_ids):
        found += db.scalars(select(AppTag).where(AppTag.tag_id.in_(some)))
    return found
