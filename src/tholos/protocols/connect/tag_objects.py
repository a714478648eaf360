"""Tags as this wire tells them: by number, and with those that are implied."""

from __future__ import annotations

from collections.abc import Sequence

from tholos.apps.models import App
from tholos.kit.clock import to_text
from tholos.kit.db import JsonObject, ReadDb
from tholos.tags import service as tags
from tholos.tags.models import Tag
from tholos.tags.tree import Tree


def of_apps(db: ReadDb, organization_id: str, found: Sequence[App]) -> dict[str, list[JsonObject]]:
    """By app id: what each has, with the tags above that are no categories."""
    put = tags.tags_of(db, organization_id, [app.id for app in found])
    tree = tags.tree_of(db, organization_id)
    return {app_id: [to_json(tree, one) for one in _implied(tree, had)] for app_id, had in put.items()}


def to_json(tree: Tree, tag: Tag) -> JsonObject:
    """A tag object."""
    parent = tree.find(tag.parent_id) if tag.parent_id else None
    return {
        "id": str(tag.serial),
        "name": tag.name,
        "parent_id": str(parent.serial) if parent else None,
        "created_time": to_text(tag.created_at),
        "updated_time": to_text(tag.updated_at),
    }


def _implied(tree: Tree, had: list[tags.Put]) -> list[Tag]:
    wanted: set[str] = set()
    for one in had:
        tag: Tag | None = one.tag
        while tag is not None and tag.parent_id:
            wanted.add(tag.id)
            tag = tree.find(tag.parent_id)
    return [tag for tag in tree.in_order() if tag.id in wanted]
