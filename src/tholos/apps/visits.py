"""Use cases of one account and one app: it opened it, and keeps it at the top of its home page."""

from __future__ import annotations

from datetime import datetime

from tholos.accounts.service import Actor
from tholos.apps import queries
from tholos.apps import service as apps
from tholos.apps.models import App, Visit
from tholos.kit.db import WriteDb


def note_openings(db: WriteDb, account_id: str, app_id: str, count: int, last: datetime) -> None:
    """Count how often somebody opened an app: one row for both, written with what is known of usage."""
    visit = _visit(db, account_id, app_id)
    visit.opened_at = last
    visit.openings += count


def set_pinned(db: WriteDb, actor: Actor, name: str, *, is_pinned: bool) -> App:
    """Raises: AppNotFound."""
    app = apps.get_visible(db, actor, name)
    if is_pinned or queries.find_visit(db, actor.account_id, app.id):
        _visit(db, actor.account_id, app.id).is_pinned = is_pinned
    return app


def _visit(db: WriteDb, account_id: str, app_id: str) -> Visit:
    found = queries.find_visit(db, account_id, app_id)
    if found is None:
        found = Visit(account_id=account_id, app_id=app_id, openings=0, is_pinned=False)
        db.add(found)
        db.flush()
    return found
