"""What a word leads to: apps with their tabs, pages, people, groups, shared secrets, and articles of help; a few of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from tholos.accounts import groups, people
from tholos.accounts.models import Role
from tholos.accounts.people import PeopleFilter
from tholos.accounts.service import Actor
from tholos.apps import listing
from tholos.apps import service as apps
from tholos.apps.listing import Asked
from tholos.apps.models import App
from tholos.console import articles
from tholos.kit.db import ReadDb
from tholos.tags import service as tags
from tholos.variables import shared

MOST_APPS = 8
MOST_OTHERS = 5
"""Of each kind."""


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere to go to."""

    title: str
    hint: str
    href: str
    kind: str = "page"
    role: Role = Role.VIEWER
    """Whoever has less is not led there."""


PLACES = (
    Place("Apps", "your home page", "/"),
    Place(
        "Publish",
        "a folder, an archive, a git repository, or by the command line",
        "/publish",
        role=Role.PUBLISHER,
    ),
    Place("People", "users and programs", "/people"),
    Place("Groups", "people under one name", "/groups", role=Role.PUBLISHER),
    Place("Invitations", "who was invited, and who came", "/invitations", role=Role.PUBLISHER),
    Place("Account and tokens", "profile, password, sessions and tokens", "/account"),
    Place("Notifications", "what you are told, and how", "/account/notifications"),
    Place("Shared secrets", "values that several apps use", "/secrets", role=Role.PUBLISHER),
    Place("Audit", "who did what, and when", "/audit", role=Role.ADMINISTRATOR),
    Place("Administration", "health, instances, storage and settings", "/admin", role=Role.ADMINISTRATOR),
    Place("Tags", "words that apps are found by", "/admin/tags", role=Role.ADMINISTRATOR),
    Place(
        "Git credentials",
        "what hosts of repositories are shown",
        "/admin/git-credentials",
        role=Role.ADMINISTRATOR,
    ),
    Place("Webhooks", "other systems that are told", "/admin/webhooks", role=Role.ADMINISTRATOR),
    Place("Help", "tutorial, guides, reference", "/help"),
    Place("API reference", "every call", "/help/api"),
)
_TABS = ("Releases", "Source", "Logs", "Access", "Settings", "Activity")
"""Of those who edit an app, besides its overview."""


def find(db: ReadDb, actor: Actor, text: str) -> list[Place]:
    """Apps first, then pages; with a word, what else has it in its name."""
    wanted = text.strip().lower()
    found = [*_apps(db, actor, wanted), *_pages(actor, wanted)]
    if wanted:
        found += [*_tags(db, actor, wanted), *_others(db, actor, wanted), *_articles(wanted)]
    return found


def _apps(db: ReadDb, actor: Actor, wanted: str) -> Iterator[Place]:
    page = listing.list_page(db, actor, Asked(search=wanted, limit=MOST_APPS))
    for app in page.items:
        yield Place(app.name, app.title or "app", f"/apps/{app.name}", "app")
    if len(page.items) == 1:
        yield from _of_app(db, actor, page.items[0])


def _of_app(db: ReadDb, actor: Actor, app: App) -> Iterator[Place]:
    yield Place(f"Open {app.name}", "in this tab", f"/open/{app.name}", "app")
    if apps.may_edit(db, app, actor):
        for tab in _TABS:
            yield Place(f"{app.name}: {tab}", "", f"/apps/{app.name}/{tab.lower()}", "tab")


def _tags(db: ReadDb, actor: Actor, wanted: str) -> list[Place]:
    """Those that find an app."""
    known = [one for one in tags.list_tags(db, actor) if one.apps and wanted in one.tag.key]
    hints = [f"{one.apps} {'app' if one.apps == 1 else 'apps'}" for one in known]
    return [
        Place(" / ".join(one.path), hint, f"/?tag={one.tag.id}", "tag")
        for one, hint in zip(known[:MOST_OTHERS], hints, strict=False)
    ]


def _pages(actor: Actor, wanted: str) -> Iterator[Place]:
    for place in PLACES:
        if actor.role.includes(place.role) and wanted in f"{place.title} {place.hint}".lower():
            yield place


def _others(db: ReadDb, actor: Actor, wanted: str) -> Sequence[Place]:
    """People, groups and shared secrets, for those who share: they may know of them."""
    if actor.object_id or not actor.role.includes(Role.PUBLISHER):
        return ()
    accounts = [
        one.account
        for one in people.list_people(db, actor, PeopleFilter(wanted), limit=MOST_OTHERS).page.items
    ]
    known = [one.group for one in groups.list_groups(db, actor, text=wanted, limit=MOST_OTHERS).items]
    return [
        *(Place(one.full_name or one.name, one.name if one.full_name else one.role, f"/people/{quote(one.name)}", "person")
          for one in accounts),
        *(Place(one.name, one.note or "group", f"/groups/{quote(one.name)}", "group") for one in known),
        *(Place(name, "shared secret", f"/secrets/{quote(name)}", "secret")
          for name in shared.find_names(db, actor, wanted, MOST_OTHERS)),
    ]  # fmt: skip


def _articles(wanted: str) -> Sequence[Place]:
    found = [one for one in articles.list_entries() if wanted in one.title.lower()]
    return [Place(one.title, "help", one.href, "help") for one in found[:MOST_OTHERS]]
