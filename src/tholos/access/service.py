"""Use cases at an app's door: hand a signed-in browser over to an app's host, and say whom a credential lets in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from tholos.access import queries
from tholos.access.errors import NeedsSession, NotShared
from tholos.access.models import Handle, HandoverCode
from tholos.accounts import groups
from tholos.accounts import service as accounts
from tholos.accounts.service import ACCESS_TOPIC, Actor, hash_secret
from tholos.apps import service as apps
from tholos.apps.errors import AppNotFound, DraftNotFound
from tholos.apps.models import App
from tholos.apps.names import RELEASE_NAME
from tholos.kit import ids
from tholos.kit.db import ReadDb, WriteDb
from tholos.operations import service as operations
from tholos.sharing import service as sharing
from tholos.sharing.models import Audience, Level

CODE_LIFE = timedelta(seconds=60)
TOPIC = ACCESS_TOPIC
_DELETE = "delete"


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
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stand:
    """What an open exchange stands on: a credential, for a place or, where that is empty, for the console."""

    place: str
    form: str
    """``session`` by its id, ``cookie`` by a session's secret, ``token`` by its secret or ``hash`` by that of one, or ``public``
    by nothing.
    """
    key: str


def hand_over(db: WriteDb, actor: Actor, name: str, transaction_hash: str, now: datetime) -> str:
    """A single-use code for the host of an app, or of one of its drafts, bound to the browser's transaction.

    Raises: AppNotFound, DraftNotFound, NotShared, NeedsSession.
    """
    app, release = _find_openable(db, actor, name)
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
            release=release,
            transaction_hash=transaction_hash,
            expires_at=now + CODE_LIFE,
        )
    )
    return code


def redeem(
    db: WriteDb, place: str, code: str, transaction: str, now: datetime
) -> tuple[str, Admission] | None:
    """The secret of a new handle and whom it admits; None for a code that is not good (any more)."""
    found = queries.find_code(db, hash_secret(code))
    if found is None or found.spent_at is not None or found.expires_at < now:
        return None
    if place_of(found.app_id, found.release) != place or found.transaction_hash != hash_secret(transaction):
        return None
    found.spent_at = now
    admission = admit_session(db, place, found.session_id, now)
    if admission is None:
        return None
    secret = ids.new_secret()
    db.add(
        Handle(
            id=ids.new_id("hdl"),
            organization_id=found.organization_id,
            session_id=found.session_id,
            app_id=found.app_id,
            release=found.release,
            secret_hash=hash_secret(secret),
            created_at=now,
        )
    )
    return secret, admission


def admit_session(db: ReadDb, place: str, session_id: str, now: datetime) -> Admission | None:
    return _admit(db, place, accounts.find_session_actor(db, session_id, now), session_id)


def admit_handle(db: ReadDb, place: str, secret: str, now: datetime) -> Admission | None:
    session_id = find_session_of(db, place, secret)
    return admit_session(db, place, session_id, now) if session_id else None


def find_session_of(db: ReadDb, place: str, handle: str) -> str:
    """The session that a handle stands for; empty where it is none of this place."""
    app_id, release = _parts(place)
    found = queries.find_handle(db, hash_secret(handle), app_id, release)
    return found.session_id if found else ""


def admit_token(db: ReadDb, place: str, token: str, now: datetime) -> Admission | None:
    return _admit(db, place, accounts.find_actor(db, now, token=token), "")


def still_standing(db: ReadDb, stands: Collection[Stand], now: datetime) -> set[Stand]:
    """Those that still let in. At the console one that was never anybody's asks for nothing but what is public."""
    tokens = accounts.find_token_actors(
        db,
        {one.key for one in stands if one.form == "token"},
        {one.key for one in stands if one.form == "hash"},
        now,
    )
    sessions = accounts.find_session_actors(
        db,
        {one.key for one in stands if one.form == "session"},
        {one.key for one in stands if one.form == "cookie"},
        now,
    )
    wanted = {_parts(one.place)[0] for one in stands if one.place}
    leaving = (
        {one.subject_id for one in operations.list_under_way(db) if one.kind == _DELETE} if wanted else set()
    )
    openable = {app.id: app for app in queries.list_apps(db, wanted - leaving)} if wanted else {}
    levels = sharing.all_levels(db, wanted) if wanted else {}
    standing = set()
    for one in stands:
        actors = tokens if one.form in {"token", "hash"} else sessions
        actor = actors.get(one.key)
        if not one.place:
            holds = actor is not None or one.key not in actors
        else:
            app_id, release = _parts(one.place)
            app = openable.get(app_id)
            holds = app is not None and _is_let_in(app, release, one, actor, levels)
        if holds:
            standing.add(one)
    return standing


def _is_let_in(
    app: App, release: int, stand: Stand, actor: Actor | None, levels: Mapping[tuple[str, str], Level]
) -> bool:
    if stand.form == "public":
        return app.audience == Audience.EVERYONE and not release
    if actor is None:
        return False
    rank = apps.rank_of(app, actor, levels.get((app.id, actor.account_id)))
    return rank >= (apps.Rank.EDITOR if release else apps.Rank.VIEWER)


def admit_public(db: ReadDb, place: str) -> Admission | None:
    """Nobody in particular, where everyone is let in; a draft is never public."""
    app_id, release = _parts(place)
    app = apps.find_app(db, app_id)
    if app is None or release or app.audience != Audience.EVERYONE or _is_leaving(db, app):
        return None
    return Admission("", "", "", app.access_version, None)


def note_use(db: WriteDb, token: str, now: datetime) -> None:
    """Write down that a token opened an app."""
    actor = accounts.find_actor(db, now, token=token)
    if actor is not None and actor.is_use_news:
        accounts.touch_token(db, actor.credential, actor.account_id, now)


def remove_of_app(db: WriteDb, app_id: str) -> None:
    for row in queries.list_of_app(db, app_id):
        db.delete(row)
    db.flush()


def _admit(db: ReadDb, place: str, actor: Actor | None, session_id: str) -> Admission | None:
    app_id, release = _parts(place)
    app = apps.find_app(db, app_id)
    if app is None or actor is None or _is_leaving(db, app):
        return None
    if not apps.may_open(db, app, actor, is_draft=release > 0):
        return None
    named = tuple(group.name for group in groups.list_of(db, actor.account_id))
    return Admission(actor.account_id, actor.name, session_id, app.access_version, actor.expires_at, named)


def _find_openable(db: ReadDb, actor: Actor, host_name: str) -> tuple[App, int]:
    """The app and the number of the draft that a host's name means.

    Raises: AppNotFound, DraftNotFound, NotShared.
    """
    match = RELEASE_NAME.fullmatch(host_name)
    name, release = (match[1], int(match[2])) if match else (host_name, 0)
    app = apps.find_named(db, actor.organization_id, name)
    if app is None or _is_leaving(db, app):
        raise AppNotFound(f'There is no app "{name[:60]}".', where="name")
    if not apps.may_open(db, app, actor, is_draft=release > 0):
        raise NotShared(
            f'Cannot open "{host_name}": it is not shared with you.',
            fix="Ask its owner to share it.",
            app=name,
        )
    if release and apps.find_draft(db, app.id, release) is None:
        # The door knows no such place either: sent on to it, a browser would go round in circles.
        raise DraftNotFound(
            f'Release {release} of "{name}" is no draft (any more).', fix=f"Open the app itself: /open/{name}"
        )
    return app, release


def place_of(app_id: str, release: int = 0) -> str:
    """What a pass, handle or exchange is for: an app, or one of its drafts."""
    return f"{app_id}/r{release}" if release else app_id


def _parts(place: str) -> tuple[str, int]:
    app_id, _, release = place.partition("/r")
    return app_id, int(release or 0)


def remove_expired(db: WriteDb, now: datetime) -> None:
    """Remove the hand-over codes that are good for nothing any more."""
    for code in queries.list_expired_codes(db, now):
        db.delete(code)


def _is_leaving(db: ReadDb, app: App) -> bool:
    """Whether it is being deleted: then it lets nobody in any more, and what is open ends at once."""
    under_way = operations.find_under_way(db, app.id)
    return under_way is not None and under_way.kind == _DELETE
