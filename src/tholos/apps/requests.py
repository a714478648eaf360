"""Use cases of asking for an app that one may not open, and of deciding it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from tholos.accounts.service import Actor
from tholos.apps import service as apps
from tholos.apps import sharing as app_sharing
from tholos.apps.errors import AppNotFound, OpenAlready, RefusedLately
from tholos.apps.models import App
from tholos.apps.sharing import KIND, Given, Wish
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.kit.db import ReadDb, WriteDb
from tholos.sharing import service as sharing
from tholos.sharing.errors import RequestDecided
from tholos.sharing.models import AccessRequest, Level, PrincipalKind, RequestState
from tholos.sharing.service import Shared

ASK_AGAIN_AFTER = timedelta(days=1)
"""Somebody who was refused is not heard again at once."""


def ask(db: WriteDb, actor: Actor, name: str, message: str, now: datetime) -> AccessRequest:
    """Ask an app's owner and editors for access. That there is such an app may be told to who is signed in.

    Raises: AppNotFound, OpenAlready, RefusedLately.
    """
    app = find_closed(db, actor, name)
    open_already = sharing.find_open_request(db, app.id, actor.account_id)
    if open_already is not None:
        return open_already
    refused_at = sharing.find_last_refusal(db, app.id, actor.account_id)
    if refused_at is not None and now - refused_at < ASK_AGAIN_AFTER:
        raise RefusedLately(fix="Ask its owner in person, or ask here again tomorrow.")
    shared = Shared(KIND, app.id, app.organization_id)
    request = sharing.request_access(db, actor, shared, message.strip(), now)
    audit.record(
        db, actor, Action.ACCESS_REQUESTED, apps.subject_of(app), now, after={"message": request.message}
    )
    return request


def find_closed(db: ReadDb, actor: Actor, name: str) -> App:
    """An app that somebody may not open, and so may ask for.

    Raises: AppNotFound, OpenAlready.
    """
    app = apps.find_named(db, actor.organization_id, name)
    if app is None:
        raise AppNotFound(f'There is no app "{name[:60]}".', where="name")
    if apps.may_open(db, app, actor):
        raise OpenAlready(f'Cannot ask for access to "{name}": you may open it.', fix=f"tholos open {name}")
    return app


def find_own(db: ReadDb, actor: Actor, app: App) -> AccessRequest | None:
    """What somebody asked of an app and was not answered yet."""
    return sharing.find_open_request(db, app.id, actor.account_id)


def list_of(db: ReadDb, actor: Actor, name: str) -> tuple[App, Sequence[AccessRequest]]:
    """Everything that was asked of an app, the newest first.

    Raises: AppNotFound, NotAnEditor.
    """
    app = apps.get_editable(db, actor, name)
    return app, sharing.list_requests(db, app.id)


def grant(
    db: WriteDb, actor: Actor, name: str, request_id: str, level: Level, now: datetime
) -> AccessRequest:
    """Let in whoever asked.

    Raises: AppNotFound, NotAnEditor, RequestNotFound, RequestDecided, GrantInvalid, PrincipalUnknown.
    """
    app, request = _get_open(db, actor, name, request_id)
    asker = _name_of(db, app, request)
    app_sharing.change(db, actor, name, Wish(given=[Given(PrincipalKind.ACCOUNT, asker, level)]), None, now)
    if request.state == RequestState.OPEN:  # who could open it by now is answered all the same
        sharing.decide(actor, request, RequestState.GRANTED, now)
    after = {"account": asker, "level": str(level)}
    audit.record(db, actor, Action.ACCESS_GRANTED, apps.subject_of(app), now, after=dict(after))
    return request


def refuse(db: WriteDb, actor: Actor, name: str, request_id: str, now: datetime) -> AccessRequest:
    """Raises: AppNotFound, NotAnEditor, RequestNotFound, RequestDecided."""
    app, request = _get_open(db, actor, name, request_id)
    sharing.decide(actor, request, RequestState.REFUSED, now)
    after: dict[str, object] = {"account": _name_of(db, app, request)}
    audit.record(db, actor, Action.ACCESS_REFUSED, apps.subject_of(app), now, after=after)
    return request


def _get_open(db: ReadDb, actor: Actor, name: str, request_id: str) -> tuple[App, AccessRequest]:
    app = apps.get_editable(db, actor, name)
    request = sharing.get_request(db, app.id, request_id)
    if request.state != RequestState.OPEN:
        raise RequestDecided(f"Cannot decide this request: it was {request.state} already.")
    return app, request


def _name_of(db: ReadDb, app: App, request: AccessRequest) -> str:
    people = sharing.list_people(db, app.organization_id)
    return next(one.name for one in people if one.id == request.account_id)
