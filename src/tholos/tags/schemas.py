"""JSON shapes of tags."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from tholos.kit.clock import to_text
from tholos.tags.models import Tag
from tholos.tags.service import MOST_NAME, Known, Put, Removed

MOST_CHANGED = 100


class TagPut(BaseModel):
    """A tag as an app has it."""

    id: str
    serial: int
    """A number that is never given again."""
    name: str
    path: list[str]
    """The names that lead to it, its category's first and its own last."""


class TagOut(TagPut):
    parent: str | None
    """Id of the tag that it is below; null for a category."""
    category: bool
    """Whether it only holds tags: no app has a category."""
    apps: int
    """How many of the apps that one may see are found by it: those that have it or one below it."""
    created_at: str
    updated_at: str


class TagList(BaseModel):
    items: list[TagOut]
    next: str | None = None


class TagPutList(BaseModel):
    items: list[TagPut]
    next: str | None = None


class TagIn(BaseModel):
    """A new tag."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=MOST_NAME + 50)
    parent: str = Field(
        "", max_length=60, description="Id of the tag that it is below; empty for a category."
    )


class TagChange(BaseModel):
    """What is to be another; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(None, max_length=MOST_NAME + 50)
    parent: str | None = Field(None, max_length=60, description="Empty to make a category of it.")


class TagsChange(BaseModel):
    """Which tags an app is to have, and which no longer, by their ids."""

    model_config = ConfigDict(extra="forbid")

    put: list[str] = Field([], max_length=MOST_CHANGED)
    take: list[str] = Field([], max_length=MOST_CHANGED)


class TagRemoved(BaseModel):
    tags: list[list[str]]
    """Paths of what is gone: the tag, and those that were below it."""
    apps: list[str]
    """Names of the apps that had one of them."""


def tag_put(put: Put | Known) -> TagPut:
    return TagPut(id=put.tag.id, serial=put.tag.serial, name=put.tag.name, path=[*put.path])


def tag_out(known: Known) -> TagOut:
    tag: Tag = known.tag
    return TagOut(
        id=tag.id,
        serial=tag.serial,
        name=tag.name,
        path=[*known.path],
        parent=tag.parent_id,
        category=known.is_category,
        apps=known.apps,
        created_at=to_text(tag.created_at) or "",
        updated_at=to_text(tag.updated_at) or "",
    )


def put_list(found: Sequence[Put]) -> TagPutList:
    return TagPutList(items=[tag_put(one) for one in found])


def removed_out(removed: Removed) -> TagRemoved:
    return TagRemoved(tags=[[*path] for path in removed.tags], apps=[*removed.apps])
