"""Use cases at an app's door: hand a signed-in browser over to an app's host, and say whom a credential lets in."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from tholos.access import queries
from tholos.access.errors import NeedsSession, NotShared
from tholos.access.models import Handle, HandoverCode
from tholos.accounts import service as accounts
from tholos.accounts.service import ACCESS_TOPIC, Actor, hash_secret
from tholos.apps import service as apps
from tholos.apps.models import App
from tholos.kit import ids
from tholos.kit.db import ReadDb, WriteDb
from tholos.operations import service as operations

CODE_LIFE = timedelta(seconds=60)
TOPIC = ACCESS_TOPIC


@dataclass(frozen=True, slots=True)
class Admission:
    """Somebody whom an app lets in."""

    account_id: str
    name: str
    session_id: str
    """Empty for an API token."""
    access_version: int
    expires_at: datetime | None
    """When the token or session ends by itself."""


@dataclass(frozen=True, slots=True)
class Stand:
    """What an open exchange stands on: a credential, for an app or, where that is empty, for the console."""

    app_id: str
    form: str
    """``session`` by its id, ``cookie`` by a session's secret, or ``token`` by its secret."""
    key: str


def hand_over(db: WriteDb, actor: Actor, name: str, transaction_hash: str, now: datetime) -> str:
    """A single-use code for the app's host, bound to the browser's transaction.

    Raises: AppNotFound, NotShared, NeedsSession.
    """
    app = _find_openable(db, actor, name)
    if accounts.find_session_actor(db, actor.credential, now) is None:
        raise NeedsSession(fix="Send the token to the app itself: Authorization: Bearer TOKEN")
    remove_expired(db, now)
    code = ids.new_secret()
    db.add(
        HandoverCode(
            code_hash=hash_secret(code),
            organization_id=app.organization_id,
            session_id=actor.credential,
            app_id=app.id,
            transaction_hash=transaction_hash,
            expires_at=now + CODE_LIFE,
        )
    )
    return code


def redeem(
    db: WriteDb, app_id: str, code: str, transaction: str, now: datetime
) -> tuple[str, Admission] | None:
    """The secret of a new handle and whom it admits; None for a code that is not good (any more)."""
    found = queries.find_code(db, hash_secret(code))
    if found is None or found.spent_at is not None or found.expires_at < now:
        return None
    if found.app_id != app_id or found.transaction_hash != hash_secret(transaction):
        return None
    found.spent_at = now
    admission = admit_session(db, app_id, found.session_id, now)
    if admission is None:
        return None
    secret = ids.new_secret()
    db.add(
        Handle(
            id=ids.new_id("hdl"),
            organization_id=found.organization_id,
            session_id=found.session_id,
            app_id=app_id,
            secret_hash=hash_secret(secret),
            created_at=now,
        )
    )
    return secret, admission


def admit_session(db: ReadDb, app_id: str, session_id: str, now: datetime) -> Admission | None:
    return _admit(db, app_id, accounts.find_session_actor(db, session_id, now), session_id)


def admit_handle(db: ReadDb, app_id: str, secret: str, now: datetime) -> Admission | None:
    session_id = find_session_of(db, app_id, secret)
    return admit_session(db, app_id, session_id, now) if session_id else None


def find_session_of(db: ReadDb, app_id: str, handle: str) -> str:
    """The session that a handle stands for; empty where it is none of this app."""
    found = queries.find_handle(db, hash_secret(handle), app_id)
    return found.session_id if found else ""


def admit_token(db: ReadDb, app_id: str, token: str, now: datetime) -> Admission | None:
    return _admit(db, app_id, accounts.find_actor(db, now, token=token), "")


def still_standing(db: ReadDb, stands: Collection[Stand], now: datetime) -> set[Stand]:
    """Those that still let in. At the console one that was never anybody's asks for nothing but what is public."""
    tokens = accounts.find_token_actors(db, {one.key for one in stands if one.form == "token"}, now)
    sessions = accounts.find_session_actors(
        db,
        {one.key for one in stands if one.form == "session"},
        {one.key for one in stands if one.form == "cookie"},
        now,
    )
    wanted = queries.list_apps(db, {one.app_id for one in stands if one.app_id})
    openable = {app.id: app for app in wanted if not _is_leaving(db, app)}
    standing = set()
    for one in stands:
        actors = tokens if one.form == "token" else sessions
        actor = actors.get(one.key)
        if one.app_id:
            app = openable.get(one.app_id)
            holds = app is not None and actor is not None and apps.may_open(app, actor)
        else:
            holds = actor is not None or one.key not in actors
        if holds:
            standing.add(one)
    return standing


def note_use(db: WriteDb, token: str, now: datetime) -> None:
    """Write down that a token opened an app."""
    actor = accounts.find_actor(db, now, token=token)
    if actor is not None and actor.is_use_news:
        accounts.touch_token(db, actor.credential, actor.account_id, now)


def remove_of_app(db: WriteDb, app_id: str) -> None:
    for row in queries.list_of_app(db, app_id):
        db.delete(row)
    db.flush()


def _admit(db: ReadDb, app_id: str, actor: Actor | None, session_id: str) -> Admission | None:
    app = apps.find_app(db, app_id)
    if app is None or actor is None or not apps.may_open(app, actor) or _is_leaving(db, app):
        return None
    return Admission(actor.account_id, actor.name, session_id, app.access_version, actor.expires_at)


def _find_openable(db: ReadDb, actor: Actor, name: str) -> App:
    app = apps.get_visible(db, actor, name)
    if not apps.may_open(app, actor):
        raise NotShared(f'Cannot open "{name}": it is not shared with you.', fix="Ask its owner to share it.")
    return app


def remove_expired(db: WriteDb, now: datetime) -> None:
    """Remove the hand-over codes that are good for nothing any more."""
    for code in queries.list_expired_codes(db, now):
        db.delete(code)


def _is_leaving(db: ReadDb, app: App) -> bool:
    """Whether it is being deleted: then it lets nobody in any more, and what is open ends at once."""
    under_way = operations.find_under_way(db, app.id)
    return under_way is not None and under_way.kind == "delete"
