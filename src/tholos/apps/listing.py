"""Which apps a list shows, a page at a time: those one pinned, opened last, owns, was given, or may see at all."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from tholos.accounts.models import Role
from tholos.accounts.service import Actor
from tholos.apps import queries
from tholos.apps.models import App
from tholos.kit.db import ReadDb
from tholos.kit.paging import Page, from_cursor, to_cursor


class Show(StrEnum):
    """A list of apps."""

    ALL = "all"
    PINNED = "pinned"
    RECENT = "recent"
    MINE = "mine"
    SHARED = "shared"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a list is asked for."""

    show: Show = Show.ALL
    search: str = ""
    """In the name, the title or the owner's name."""
    cursor: str = ""
    limit: int = 100
    among: queries.Ids | None = field(default=None, compare=False)
    """Only those whose ids this finds, such as those with a tag."""


def list_page(db: ReadDb, actor: Actor, asked: Asked) -> Page[App]:
    """A page of a list, the newest first; of what was opened, the last first.

    Raises: CursorInvalid.
    """
    chosen = _chosen(actor, asked)
    key = from_cursor(asked.cursor, str)
    after = str(key[0]) if key else ""
    found = queries.list_page(
        db, chosen, after=after, limit=asked.limit + 1, by_opening=asked.show == Show.RECENT
    )
    items = found[: asked.limit]
    is_more = len(found) > asked.limit and asked.show != Show.RECENT
    return Page(items, to_cursor(items[-1].id) if is_more else "")


def count(db: ReadDb, actor: Actor, asked: Asked) -> int:
    """How many a whole list has."""
    return queries.count_of(db, _chosen(actor, asked))


def _chosen(actor: Actor, asked: Asked) -> queries.Visible:
    # What is shown as shared is what was given to one, not what an administrator looks after.
    plain = replace(actor, role=Role.PUBLISHER) if actor.role.includes(Role.ADMINISTRATOR) else actor
    chosen = queries.visible_to(actor if asked.show in {Show.ALL, Show.PINNED} else plain)
    narrowed = {
        Show.ALL: lambda: chosen,
        Show.PINNED: lambda: queries.pinned_by(chosen, actor.account_id),
        Show.RECENT: lambda: queries.opened_by(chosen, actor.account_id),
        Show.MINE: lambda: queries.owned_by(chosen, actor.account_id, is_own=True),
        Show.SHARED: lambda: queries.owned_by(chosen, actor.account_id, is_own=False),
    }[asked.show]()
    if asked.among is not None:
        narrowed = queries.among(narrowed, asked.among)
    return queries.matching(narrowed, asked.search.strip().lower()) if asked.search.strip() else narrowed
