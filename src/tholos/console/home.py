"""The home page: what one pinned, opened last, owns and was given, and all of it by search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import Query
from starlette.responses import RedirectResponse, Response

from tholos.accounts.models import Role
from tholos.accounts.pages import Frame, account_of
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import api as apps_api
from tholos.apps import listing
from tholos.apps import schemas as app_schemas
from tholos.apps.listing import Asked, Show
from tholos.apps.models import App
from tholos.console.pages import last_operations
from tholos.kit.db import ReadDb
from tholos.kit.pages import Pages
from tholos.kit.paging import Page
from tholos.operations import schemas as operation_schemas
from tholos.tags import schemas as tag_schemas
from tholos.tags import service as tags

routes = Routes(include_in_schema=False)

ON_HOME = 12
"""Cards of one section; the rest is a page of its own."""
ON_PAGE = 60
RECENT = 6
_HEADINGS = {
    Show.PINNED: "Pinned",
    Show.RECENT: "Opened lately",
    Show.MINE: "Yours",
    Show.SHARED: "Shared with you",
    Show.ALL: "All apps",
}


@dataclass(frozen=True, slots=True)
class Section:
    """Some cards under a heading."""

    id: str
    heading: str
    apps: Sequence[app_schemas.AppOut]
    total: int
    all_url: str
    """Where the rest is; empty where this is all."""


@dataclass(frozen=True, slots=True)
class Category:
    """Tags under one heading, those that find an app."""

    name: str
    tags: Sequence[tag_schemas.TagOut]


@dataclass(frozen=True, slots=True, kw_only=True)
class HomePage(Frame):
    sections: Sequence[Section]
    total: int
    operations: Mapping[str, operation_schemas.OperationOut]
    pinned: frozenset[str]
    """Names."""
    tags: Mapping[str, Sequence[tag_schemas.TagPut]]
    """By the names of apps."""
    categories: Sequence[Category]
    tag: tag_schemas.TagOut | None
    show: str
    next_url: str
    server_url: str


@routes.declare("GET", "/", permission=Permission.PUBLIC)
def show_home(
    call: Calling,
    q: Annotated[str, Query(max_length=100)] = "",
    show: Show | None = None,
    tag: Annotated[str, Query(max_length=60)] = "",
    cursor: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    if call.known_actor is None:
        return RedirectResponse("/sign-in", 303)
    with call.read() as db:
        if tag:
            among = tags.ids_of_apps(db, call.actor, tag)
            page = _list(call, db, Asked(Show.ALL, q, cursor, ON_PAGE, among), tag)
        elif q.strip() or show is not None:
            page = _list(call, db, Asked(show or Show.ALL, q, cursor, ON_PAGE))
        else:
            page = _overview(call, db)
    return call.get(Pages).answer("home.html", page)


def _overview(call: Call, db: ReadDb) -> HomePage:
    is_administrator = call.actor.role.includes(Role.ADMINISTRATOR)
    shows = [Show.PINNED, Show.RECENT, Show.MINE, Show.SHARED, *([Show.ALL] if is_administrator else [])]
    pages = {show: listing.list_page(db, call.actor, Asked(show, limit=_limit(show))) for show in shows}
    found = list({app.id: app for page in pages.values() for app in page.items}.values())
    shown = {one.id: one for one in apps_api.shown(call, db, found)}
    sections = [*_sections(call, db, pages, shown)]
    total = listing.count(db, call.actor, Asked())
    # A handful needs no headings twice over: what was opened lately is on the page anyway.
    if total <= ON_HOME:
        sections = [one for one in sections if one.id not in {Show.RECENT, Show.ALL}] or sections
    return _page(call, db, found, sections, total)


def _limit(show: Show) -> int:
    return RECENT if show == Show.RECENT else ON_HOME


def _sections(
    call: Call, db: ReadDb, pages: Mapping[Show, Page[App]], shown: Mapping[str, app_schemas.AppOut]
) -> Iterator[Section]:
    for show, page in pages.items():
        if page.items:
            total = listing.count(db, call.actor, Asked(show)) if page.next else len(page.items)
            rest = f"/?show={show}" if page.next else ""
            yield Section(show, _HEADINGS[show], [shown[app.id] for app in page.items], total, rest)


def _json_url(asked: Asked, tag: str) -> str:
    query = {"q": asked.search, "show": "" if tag else str(asked.show), "cursor": asked.cursor}
    path = f"/api/v1/tags/{quote(tag, safe='')}/apps" if tag else "/api/v1/apps"
    said = urlencode({key: value for key, value in query.items() if value})
    return f"{path}?{said}" if said else path


def _list(call: Call, db: ReadDb, asked: Asked, tag: str = "") -> HomePage:
    """One list, or what was searched for in it."""
    page = listing.list_page(db, call.actor, asked)
    shown = apps_api.shown(call, db, page.items)
    total = listing.count(db, call.actor, asked)
    heading = "Found" if asked.search.strip() or tag else _HEADINGS[asked.show]
    sections = [Section("found", heading, shown, total, "")] if shown else []
    return _page(call, db, page.items, sections, total, asked, page.next, tag)


def _page(
    call: Call,
    db: ReadDb,
    found: Sequence[App],
    sections: Sequence[Section],
    total: int,
    asked: Asked | None = None,
    cursor: str = "",
    tag: str = "",
) -> HomePage:
    query = {"q": asked.search, "show": str(asked.show), "cursor": cursor} if asked else {}
    query |= {"tag": tag} if tag else {}
    pinned = listing.list_page(db, call.actor, Asked(Show.PINNED, limit=500))
    known = [tag_schemas.tag_out(one) for one in tags.list_tags(db, call.actor)]
    put = tags.tags_of(db, call.actor.organization_id, [app.id for app in found])
    return HomePage(
        title="Apps",
        account=account_of(call),
        query=asked.search if asked else "",
        sections=sections,
        total=total,
        operations=last_operations(call, db, found),
        pinned=frozenset(app.name for app in pinned.items),
        tags={app.name: [tag_schemas.tag_put(one) for one in put.get(app.id, ())] for app in found},
        categories=_categories(known),
        tag=next((one for one in known if one.id == tag), None),
        show=str(asked.show) if asked else "",
        next_url="/?" + urlencode(query) if cursor else "",
        server_url=call.site.url,
        json_url=_json_url(asked, tag) if asked else "/api/v1/apps",
    )


def _categories(known: Sequence[tag_schemas.TagOut]) -> list[Category]:
    """Those that find something."""
    found: dict[str, list[tag_schemas.TagOut]] = {one.name: [] for one in known if one.category}
    for one in known:
        if not one.category and one.apps:
            found[one.path[0]].append(one)
    return [Category(name, below) for name, below in found.items() if below]
