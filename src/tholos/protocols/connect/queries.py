"""Every SELECT of what this wire keeps."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from tholos.kit.db import ReadDb, in_parts
from tholos.protocols.connect.models import Content


def contents_of(db: ReadDb, app_ids: Sequence[str]) -> dict[str, Content]:
    """By app id."""
    found: dict[str, Content] = {}
    for some in in_parts(app_ids):
        found |= {one.app_id: one for one in db.scalars(select(Content).where(Content.app_id.in_(some)))}
    return found


def find_content(db: ReadDb, app_id: str) -> Content | None:
    return db.get(Content, app_id)


def app_ids_named(db: ReadDb, organization_id: str, name: str) -> Sequence[str]:
    chosen = select(Content.app_id).where(Content.organization_id == organization_id, Content.name == name)
    return db.scalars(chosen).all()
