"""Pages of tags: the tree, and one tag with its name, its place and its end. Administrators keep them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Form, Path
from starlette.responses import RedirectResponse, Response

from tholos.accounts.pages import Frame, account_of
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.console.people import status, words
from tholos.kit.errors import Conflict, Invalid
from tholos.kit.pages import Pages
from tholos.tags import schemas
from tholos.tags import service as tags
from tholos.tags.api import tell
from tholos.tags.service import MOST_NAME

routes = Routes(include_in_schema=False)

Text = Annotated[str, Form(max_length=1000)]
TagId = Annotated[str, Path(max_length=60)]
TOP = ("", "nothing: it is a category")


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows besides how things are."""

    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    notice: str = ""
    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class TagsPage(Frame):
    tags: Sequence[schemas.TagOut]
    places: Sequence[tuple[str, str]]
    values: Mapping[str, str]
    errors: Mapping[str, str]
    most_name: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TagPage(Frame):
    tag: schemas.TagOut
    removal: schemas.TagRemoved
    """What its end would take along."""
    places: Sequence[tuple[str, str]]
    values: Mapping[str, str]
    errors: Mapping[str, str]
    most_name: int


@routes.declare("GET", "/admin/tags", permission=Permission.ADMINISTER)
def show_tags(call: Calling) -> Response:
    return _list_page(call, Shown())


@routes.declare("POST", "/admin/tags", permission=Permission.ADMINISTER)
def make_tag(call: Calling, name: Text = "", parent: Text = "") -> Response:
    try:
        with call.write() as db:
            made = tags.make_tag(db, call.actor, name, parent, call.now)
    except (Invalid, Conflict) as error:
        shown = Shown(
            {"name": name, "parent": parent}, {_at(error.where): words(error)}, status=status(error)
        )
        return _list_page(call, shown)
    tell(call)
    return _list_page(call, Shown({"parent": parent}, notice=f"{made.name} is made."))


@routes.declare("GET", "/admin/tags/{tag_id}", permission=Permission.ADMINISTER)
def show_tag(call: Calling, tag_id: TagId) -> Response:
    return _page(call, tag_id, Shown())


@routes.declare("POST", "/admin/tags/{tag_id}", permission=Permission.ADMINISTER)
def change_tag(call: Calling, tag_id: TagId, name: Text = "", parent: Text = "") -> Response:
    try:
        with call.write() as db:
            tags.change_tag(db, call.actor, tag_id, name=name, parent_id=parent, now=call.now)
    except (Invalid, Conflict) as error:
        shown = Shown(
            {"name": name, "parent": parent}, {_at(error.where): words(error)}, status=status(error)
        )
        return _page(call, tag_id, shown)
    tell(call)
    return _page(call, tag_id, Shown(notice="It is saved."))


@routes.declare("POST", "/admin/tags/{tag_id}/remove", permission=Permission.ADMINISTER)
def remove_tag(call: Calling, tag_id: TagId, typed: Text = "") -> Response:
    """What ends for good is asked for by its name."""
    with call.read() as db:
        name = tags.get_known(db, call.actor, tag_id).tag.name
    if typed.strip() != name:
        wrong = {"typed": f'Type "{name}" to remove it.'}
        return _page(call, tag_id, Shown({"typed": typed}, wrong, status=400))
    with call.write() as db:
        tags.remove_tag(db, call.actor, tag_id, call.now)
    tell(call)
    return RedirectResponse("/admin/tags", 303)


def _at(where: str) -> str:
    return where if where in {"name", "parent"} else ""


def _list_page(call: Call, shown: Shown) -> Response:
    with call.read() as db:
        found = [schemas.tag_out(one) for one in tags.list_tags(db, call.actor)]
    page = TagsPage(
        title="Tags",
        account=account_of(call),
        notice=shown.notice,
        json_url="/api/v1/tags",
        tags=found,
        places=_places(found),
        values={"name": "", "parent": "", **shown.values},
        errors=shown.errors,
        most_name=MOST_NAME,
    )
    return call.get(Pages).answer("tags.html", page, shown.status)


def _page(call: Call, tag_id: str, shown: Shown) -> Response:
    with call.read() as db:
        found = [schemas.tag_out(one) for one in tags.list_tags(db, call.actor)]
        tag = schemas.tag_out(tags.get_known(db, call.actor, tag_id))
        removal = schemas.removed_out(tags.plan_removal(db, call.actor, tag_id))
    page = TagPage(
        title=tag.name,
        account=account_of(call),
        notice=shown.notice,
        json_url=f"/api/v1/tags/{tag.id}",
        tag=tag,
        removal=removal,
        places=_places([one for one in found if one.path[: len(tag.path)] != tag.path]),
        values={"name": tag.name, "parent": tag.parent or "", "typed": "", **shown.values},
        errors=shown.errors,
        most_name=MOST_NAME,
    )
    return call.get(Pages).answer("tag.html", page, shown.status)


def _places(found: Sequence[schemas.TagOut]) -> list[tuple[str, str]]:
    """What a tag can be below, to choose from."""
    return [TOP, *((one.id, " / ".join(one.path)) for one in found)]
