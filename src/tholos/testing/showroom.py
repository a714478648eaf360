"""The console over made-up rows: every page can be looked at and measured, without a server, an app or a process.

The rows are made by the real use cases, so that what is shown is what the product can be in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from fastapi import FastAPI

from tholos.accounts import service as accounts
from tholos.accounts.models import Role
from tholos.accounts.routes import Site
from tholos.accounts.service import Actor
from tholos.apps import service as apps
from tholos.apps.models import App, AppState, Release
from tholos.instances import service as instances
from tholos.instances.models import InstanceState
from tholos.kit.clock import Clock, SystemClock
from tholos.kit.db import Database, JsonObject, WriteDb
from tholos.kit.notices import Notices
from tholos.kit.pages import Pages
from tholos.kit.sealing import Sealer
from tholos.kit.services import Services
from tholos.operations import service as operations
from tholos.operations.models import StepState
from tholos.operations.service import Said, Subject
from tholos.publishing import service as publishing
from tholos.runtime.interpreters import Choice, Interpreter, Interpreters
from tholos.runtime.layout import Layout
from tholos.server.application import build
from tholos.server.parts import template_folders
from tholos.sharing.models import Audience
from tholos.store.store import Store
from tholos.testing import databases
from tholos.testing.rows import new_release
from tholos.testing.store import memory_store

_STATES = (AppState.SERVING, AppState.FAILING, AppState.STARTING, AppState.STOPPED)
_NAMES = ("sales", "turbine", "map", "forecast", "notebook", "survey", "weather", "budget")
_KINDS = (("wsgi", "Flask"), ("asgi", "FastAPI"), ("streamlit", "Streamlit"), ("static", "static site"))
_TRACEBACK = """Traceback (most recent call last):
  File "app.py", line 31, in totals
    yield row["total"]
KeyError: 'total'
"""


class OneInterpreter(Interpreters):
    """A machine with one Python, which nobody starts."""

    def __init__(self) -> None:
        """Nothing is looked for."""

    def find(self) -> tuple[Interpreter, ...]:
        return (Interpreter("cpython", "3.12.1", "/usr/bin/python3.12", "linux-x86_64-glibc"),)

    refresh = find

    def choose(self, specifier: str, wanted: str = "", *, label: str = "requires-python") -> Choice:
        return Choice(self.find()[0], "the only one")


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is."""

    apps: int = 8
    people: int = 6
    log_lines: int = 200
    releases: int = 4


class Showroom:
    """A database with a bit of everything and the application over it.

    Args:
        folder: an empty one.
        url: of the console.
        size: how much there is.
    """

    def __init__(self, folder: Path, url: str, size: Size = Size()) -> None:
        self.size = size
        self.folder = folder
        self.site = Site(url, url.replace("://", "://{name}."), is_secure=False)
        self.database = Database(databases.build(f"sqlite:///{folder / 'tholos.db'}"))
        self.clock = SystemClock()
        self.layout = Layout(folder / "data")
        self.people: dict[str, Actor] = {}
        self._fill()

    def close(self) -> None:
        self.database.close()

    def application(self, notices: Notices) -> FastAPI:
        """The console; on the event loop that the notices are for."""
        services = Services()
        services.add(self.database)
        services.add(notices)
        services.add(self.clock, as_type=Clock)
        services.add(self.site)
        services.add(Pages(template_folders()))
        services.add(Sealer(self.folder / "keys"))
        services.add(memory_store(), as_type=Store)
        services.add(OneInterpreter(), as_type=Interpreters)
        return build(services)

    def sign_in(self, name: str) -> str:
        """The cookie of a new session of somebody."""
        with self.database.write() as db:
            account = accounts.get_account(db, self.people[name].account_id)
            secret = accounts.open_session(db, account, self.clock.now())
        return f"{self.site.cookies.session}={secret}"

    # Rows

    def _fill(self) -> None:
        now = self.clock.now()
        with self.database.write() as db:
            accounts.ensure_organization(db, now)
            instances.ensure_node(db, "here", now)
            admin = accounts.actor_for(accounts.ensure_administrator(db, "admin", now))
            self.people["admin"] = admin
            for name, role in self._roles():
                account, _ = accounts.create_account(db, admin, name, role, now)
                self.people[name] = accounts.actor_for(account)
        for number in range(self.size.apps):
            with self.database.write() as db:
                self._add_app(db, number, now - timedelta(hours=number))

    def _roles(self) -> Iterator[tuple[str, Role]]:
        yield from (("ada", Role.PUBLISHER), ("bob", Role.PUBLISHER), ("vic", Role.VIEWER))
        for number in range(self.size.people - 4):
            yield f"person{number}", Role.PUBLISHER if number % 3 else Role.VIEWER

    def _add_app(self, db: WriteDb, number: int, now: datetime) -> None:
        owner = self.people["ada" if number % 2 == 0 else "bob"]
        name = _NAMES[number] if number < len(_NAMES) else f"app-{number}"
        kind, framework = _KINDS[number % len(_KINDS)]
        app = apps.create_app(db, owner, name, now)
        if number % 5 == 1:
            app.audience = Audience.SIGNED_IN
        made: list[Release] = []
        for count in range(self.size.releases if number == 0 else 1):
            new = new_release(f"{number:032x}{count:032x}", kind=kind, framework=framework)
            release = apps.create_release(db, owner, app, new, now + timedelta(minutes=count))
            apps.record_environment(db, release.id, "flask==3.1.0\n", "env_1", 7)
            apps.switch(db, release.id, now + timedelta(minutes=count))
            made.append(release)
        state = _STATES[number % len(_STATES)]
        reason = "exited with code 1: KeyError: 'total' (app.py:31)" if state == AppState.FAILING else ""
        apps.set_state(db, app.id, state, reason, now, probed=state == AppState.SERVING)
        if number < len(_NAMES):
            self._add_instance(db, app, made[-1], now)
            self._add_operation(db, owner, app, number, now)

    def _add_instance(self, db: WriteDb, app: App, release: Release, now: datetime) -> None:
        instance = instances.create_instance(db, app, release, self.layout, now)
        instances.move(instance, InstanceState.READY, "", now)
        log = Path(instance.log)
        log.parent.mkdir(parents=True, exist_ok=True)
        lines = [
            f"2026-01-01 12:00:00 INFO request {n} took {n % 70} ms\n" for n in range(self.size.log_lines)
        ]
        log.write_text("".join(lines) + (_TRACEBACK if app.state == AppState.FAILING else ""))

    def _add_operation(self, db: WriteDb, owner: Actor, app: App, number: int, now: datetime) -> None:
        request = {"release_id": "", "release": 1, "upload": "", "remembered": {}, "upgrade": False}
        steps = publishing.PUBLISH_STEPS
        begun = operations.begin(
            db, owner, publishing.PUBLISH, Subject(app.id, app.name), steps, request, now
        )
        operations.claim(db, begun.id, "showroom", now)
        operations.start_step(db, begun.id, "upload", now)
        operations.say(db, begun.id, [Said("line", "Resolved 7 packages", "upload")], now)
        operations.end_step(db, begun.id, "upload", StepState.DONE, "18 files, 2.1 kB sent", now)
        if number % 3 == 0:
            operations.finish(
                db, begun.id, {"release": 1, "url": self.site.app_url.format(name=app.name)}, now
            )
        elif number % 3 == 1:
            cause: JsonObject = {
                "code": "instance_died",
                "message": "Cannot start the app: KeyError",
                "where": "app.py:31",
                "fix": "",
            }
            operations.fail(db, begun.id, cause, now)
