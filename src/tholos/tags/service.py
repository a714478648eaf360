"""Use cases of tags: administrators keep the tree, editors put tags on their apps, and everybody finds apps by them.

Who is looking for a tag finds what has one below it as well: a tag implies those above it.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from tholos.accounts.models import Role
from tholos.accounts.service import Actor
from tholos.apps import service as apps
from tholos.apps.models import App
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.kit import ids
from tholos.kit.db import JsonObject, ReadDb, WriteDb
from tholos.tags import queries
from tholos.tags.errors import TagInUse, TagInvalid, TagIsCategory, TagNotFound, TagTaken, TooManyTags
from tholos.tags.models import AppTag, Tag
from tholos.tags.tree import Tree, key_of

MOST_NAME = 255
MOST_TAGS = 1000
"""Of an organization: a tree that people still read."""
MOST_DEPTH = 8
MOST_NAMED = 100
"""Apps that the record of a removal names."""


@dataclass(frozen=True, slots=True)
class Known:
    """A tag, where it stands, and how many apps are found by it."""

    tag: Tag
    path: tuple[str, ...]
    """The names that lead to it, its own last."""
    apps: int
    """Of those that the asker may see."""

    @property
    def is_category(self) -> bool:
        return self.tag.parent_id is None


@dataclass(frozen=True, slots=True)
class Put:
    """A tag as an app has it."""

    tag: Tag
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Removed:
    """What a removal took along."""

    tags: tuple[tuple[str, ...], ...]
    """Paths: of the tag, and of those that were below it."""
    apps: tuple[str, ...]
    """Names of the apps that had one of them."""


def list_tags(db: ReadDb, actor: Actor) -> list[Known]:
    """All tags, each followed by those below it."""
    tree = tree_of(db, actor.organization_id)
    having: defaultdict[str, set[str]] = defaultdict(set)
    for tag_id, app_id in queries.pairs_among(db, apps.visible_ids(actor)):
        having[tag_id].add(app_id)
    sums = tree.sums(having)
    return [Known(tag, tree.path(tag.id), len(sums[tag.id])) for tag in tree.in_order()]


def get_known(db: ReadDb, actor: Actor, tag_id: str) -> Known:
    """Raises: TagNotFound."""
    for known in list_tags(db, actor):
        if known.tag.id == tag_id:
            return known
    raise TagNotFound(where="tag")


def find_numbered(db: ReadDb, organization_id: str, serial: int) -> Tag | None:
    """The tag that a protocol names by its number."""
    return queries.find_numbered(db, organization_id, serial)


def tree_of(db: ReadDb, organization_id: str) -> Tree:
    return Tree(queries.list_all(db, organization_id))


def ids_of_apps(db: ReadDb, actor: Actor, tag_id: str) -> queries.Ids:
    """A subquery: ids of the apps that have a tag or one below it; :class:`tholos.apps.listing.Asked` takes it.

    Raises: TagNotFound.
    """
    queries.get_tag(db, actor.organization_id, tag_id)
    below = tree_of(db, actor.organization_id).below(tag_id)
    return queries.tagged_ids([tag.id for tag in below])


def tags_of(db: ReadDb, organization_id: str, app_ids: Collection[str]) -> dict[str, list[Put]]:
    """What each app has, by app id, in the order of the tree; apps without tags are not in it."""
    rows = queries.list_of_apps(db, app_ids)
    if not rows:
        return {}
    tree = tree_of(db, organization_id)
    order = {tag.id: at for at, tag in enumerate(tree.in_order())}
    found: defaultdict[str, list[Put]] = defaultdict(list)
    for row in sorted(rows, key=lambda one: order[one.tag_id]):
        tag = tree.find(row.tag_id)
        if tag is not None:
            found[row.app_id].append(Put(tag, tree.path(tag.id)))
    return dict(found)


def make_tag(db: WriteDb, actor: Actor, name: str, parent_id: str, now: datetime) -> Tag:
    """A new tag below another one; a category where ``parent_id`` is empty.

    Raises: RoleTooLow, TagNotFound, TagInvalid, TagTaken, TooManyTags.
    """
    actor.needs(Role.ADMINISTRATOR)
    name = check_name(name)
    tree = tree_of(db, actor.organization_id)
    if queries.count_all(db, actor.organization_id) >= MOST_TAGS:
        raise TooManyTags(f"Cannot make another tag: there are {MOST_TAGS} already.")
    _check_place(tree, name, parent_id, depth=1)
    tag = Tag(
        id=ids.new_id("tag"),
        organization_id=actor.organization_id,
        parent_id=parent_id or None,
        name=name,
        key=key_of(name),
        created_at=now,
        updated_at=now,
    )
    db.add(tag)
    db.flush()
    path = [*tree.path(parent_id), name]
    audit.record(db, actor, Action.TAG_MADE, subject_of(tag), now, after={"path": path})
    return tag


def change_tag(
    db: WriteDb, actor: Actor, tag_id: str, *, name: str | None, parent_id: str | None, now: datetime
) -> Tag:
    """Another name, another place in the tree, or both; None leaves it, an empty ``parent_id`` makes a category of it.

    Raises: RoleTooLow, TagNotFound, TagInvalid, TagTaken, TagInUse.
    """
    actor.needs(Role.ADMINISTRATOR)
    tag = queries.get_tag(db, actor.organization_id, tag_id)
    tree = tree_of(db, actor.organization_id)
    new_name = tag.name if name is None else check_name(name)
    new_parent = (tag.parent_id or "") if parent_id is None else parent_id
    if (new_name, new_parent) == (tag.name, tag.parent_id or ""):
        return tag
    below = tree.below(tag_id)
    if new_parent in {one.id for one in below}:
        raise TagInvalid(f'Cannot put "{tag.name}" there: it would be below itself.', where="parent")
    if not new_parent and tag.parent_id and queries.list_having(db, [tag.id]):
        raise TagInUse(where="parent")
    deepest = max(len(tree.path(one.id)) for one in below) - len(tree.path(tag_id)) + 1
    _check_place(tree, new_name, new_parent, depth=deepest, besides=tag_id)
    before = [*tree.path(tag_id)]
    tag.name, tag.key, tag.parent_id, tag.updated_at = new_name, key_of(new_name), new_parent or None, now
    db.flush()
    after = [*tree_of(db, actor.organization_id).path(tag_id)]
    audit.record(
        db, actor, Action.TAG_CHANGED, subject_of(tag), now, before={"path": before}, after={"path": after}
    )
    return tag


def plan_removal(db: ReadDb, actor: Actor, tag_id: str) -> Removed:
    """What a removal would take along.

    Raises: TagNotFound.
    """
    queries.get_tag(db, actor.organization_id, tag_id)
    tree = tree_of(db, actor.organization_id)
    below = tree.below(tag_id)
    rows = queries.list_having(db, [tag.id for tag in below])
    names = apps.names_of(db, [*{row.app_id for row in rows}])
    return Removed(tuple(tree.path(tag.id) for tag in below), tuple(sorted(names.values())))


def remove_tag(db: WriteDb, actor: Actor, tag_id: str, now: datetime) -> Removed:
    """Remove a tag and all below it, and take them off the apps that have them.

    Raises: RoleTooLow, TagNotFound.
    """
    actor.needs(Role.ADMINISTRATOR)
    removed = plan_removal(db, actor, tag_id)
    below = tree_of(db, actor.organization_id).below(tag_id)
    subject = subject_of(below[0])
    for row in queries.list_having(db, [tag.id for tag in below]):
        db.delete(row)
    db.flush()
    for tag in reversed(below):  # a row that another one refers to cannot go before it
        db.delete(tag)
        db.flush()
    before: JsonObject = {
        "tags": [list(path) for path in removed.tags],
        "apps": [*removed.apps[:MOST_NAMED]],
    }
    audit.record(db, actor, Action.TAG_REMOVED, subject, now, before=before)
    return removed


def change_tags_of(
    db: WriteDb, actor: Actor, name: str, put: Sequence[str], take: Sequence[str], now: datetime
) -> App:
    """Put some tags on an app and take others off it, by their ids; what is there or gone already stays so.

    Raises: AppNotFound, NotAnEditor, TagNotFound, TagIsCategory.
    """
    app = apps.get_editable(db, actor, name)
    tree = tree_of(db, app.organization_id)
    present = {row.tag_id: row for row in queries.list_of_apps(db, [app.id])}
    wanted = [_get_usable(tree, tag_id) for tag_id in dict.fromkeys(put)]
    unwanted = [_get_usable(tree, tag_id) for tag_id in dict.fromkeys(take) if tag_id not in {*put}]
    added = [tag for tag in wanted if tag.id not in present]
    removed = [tag for tag in unwanted if tag.id in present]
    for tag in added:
        db.add(AppTag(app_id=app.id, tag_id=tag.id, organization_id=app.organization_id, created_at=now))
    for tag in removed:
        db.delete(present[tag.id])
    db.flush()
    for action, changed in ((Action.APP_TAGGED, added), (Action.APP_UNTAGGED, removed)):
        if changed:
            names: JsonObject = {"tags": [list(tree.path(tag.id)) for tag in changed]}
            is_added = action == Action.APP_TAGGED
            audit.record(
                db, actor, action, apps.subject_of(app), now,
                before=None if is_added else names, after=names if is_added else None,
            )  # fmt: skip
    return app


def remove_of_app(db: WriteDb, app_id: str) -> None:
    for row in queries.list_of_apps(db, [app_id]):
        db.delete(row)
    db.flush()


def check_name(name: str) -> str:
    """The name as it is kept: without space around it.

    Raises: TagInvalid.
    """
    kept = name.strip()
    if not 1 <= len(kept) <= MOST_NAME:
        raise TagInvalid(
            f"Cannot take this name for a tag: it needs 1 to {MOST_NAME} characters.", where="name"
        )
    if any(unicodedata.category(one) in {"Cc", "Cs", "Zl", "Zp"} for one in kept):
        raise TagInvalid(
            "Cannot take this name for a tag: it has a character that is not shown.",
            fix="Leave out line ends and other control characters.",
            where="name",
        )
    return kept


def subject_of(tag: Tag) -> audit.Subject:
    """A tag as the record of deeds names it."""
    return audit.Subject("tag", tag.id, tag.name)


def _get_usable(tree: Tree, tag_id: str) -> Tag:
    """Raises: TagNotFound, TagIsCategory."""
    tag = tree.find(tag_id)
    if tag is None:
        raise TagNotFound(where="tag")
    if tag.parent_id is None:
        raise TagIsCategory(f'Cannot put "{tag.name}" on an app: it is a category.', where="tag")
    return tag


def _check_place(tree: Tree, name: str, parent_id: str, *, depth: int, besides: str = "") -> None:
    """Whether a tag, ``depth`` deep with those below it, may be called so there.

    Raises: TagNotFound, TagInvalid, TagTaken.
    """
    if parent_id and tree.find(parent_id) is None:
        raise TagNotFound("There is no tag to put it under.", where="parent")
    if len(tree.path(parent_id)) + depth > MOST_DEPTH:
        raise TagInvalid(
            f"Cannot put it there: the tree would be more than {MOST_DEPTH} tags deep.", where="parent"
        )
    for other in tree.children(parent_id or None):
        if other.key == key_of(name) and other.id != besides:
            raise TagTaken(f'Cannot call a tag "{name}": there is "{other.name}" beside it.', where="name")
