"""Rows that tests of data begin with: people, apps and releases, made by the real use cases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tholos.accounts import service as accounts
from tholos.accounts.models import Role
from tholos.accounts.service import Actor
from tholos.apps import service as apps
from tholos.apps.models import App, Release
from tholos.apps.service import NewRelease
from tholos.instances import service as instances
from tholos.kit.db import Database, JsonObject, WriteDb

MANIFEST: JsonObject = {
    "kind": "wsgi",
    "framework": "Flask",
    "entrypoint": "app:app",
    "prepare": "",
    "keep": [],
    "requirements": {
        "form": "none",
        "text": "",
        "support": {},
        "imports": {},
        "why": "",
        "evidence": ["", 0],
    },
    "why": {"entrypoint": "in app.py", "python": "newest installed", "requirements": "none needed"},
}


@dataclass(frozen=True, slots=True)
class People:
    """An administrator, two publishers who are strangers to each other, and a viewer."""

    admin: Actor
    ada: Actor
    bob: Actor
    vic: Actor


def add_people(database: Database, now: datetime) -> People:
    with database.write() as db:
        accounts.ensure_organization(db, now)
        instances.ensure_node(db, "here", now)
        admin = accounts.actor_for(accounts.ensure_administrator(db, "admin", now))
        roles = {"ada": Role.PUBLISHER, "bob": Role.PUBLISHER, "vic": Role.VIEWER}
        others = {
            name: accounts.actor_for(accounts.create_account(db, admin, name, role, now)[0])
            for name, role in roles.items()
        }
    return People(admin, **others)


def sign_in(database: Database, actor: Actor, now: datetime) -> tuple[Actor, str]:
    """The same actor by a new session, and the session's secret."""
    with database.write() as db:
        secret = accounts.open_session(db, accounts.get_account(db, actor.account_id), now)
        db.flush()
        found = accounts.find_actor(db, now, session=secret)
    if found is None:
        msg = f"{actor.name} cannot sign in"
        raise LookupError(msg)
    return found, secret


def new_release(snapshot: str = "a" * 64, **manifest: object) -> NewRelease:
    return NewRelease(snapshot, 3, 1200, f"print-{snapshot}", {**MANIFEST, **manifest}, "3.12.1", "")


def add_release(db: WriteDb, actor: Actor, app: App, now: datetime, snapshot: str = "a" * 64) -> Release:
    """One more release in preparation."""
    return apps.create_release(db, actor, app, new_release(snapshot), now)


def add_live_app(database: Database, actor: Actor, name: str, now: datetime) -> tuple[App, Release]:
    """An app whose first release is live; no instance runs."""
    with database.write() as db:
        app = apps.create_app(db, actor, name, now)
        release = add_release(db, actor, app, now)
        apps.switch(db, release.id, now)
    return app, release
