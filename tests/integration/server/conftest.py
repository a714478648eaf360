"""The console's application over a real database, asked without a socket, as several people."""

import asyncio
import copy
import functools

import pytest
from fastapi import FastAPI
from starlette.datastructures import State

from tholos.accounts import service as accounts
from tholos.accounts.routes import Site
from tholos.detect.errors import NothingToPublish
from tholos.instances.tasks import Keeper
from tholos.kit.clock import Clock
from tholos.kit.notices import Notices
from tholos.kit.outgoing import Outgoing
from tholos.kit.pages import Pages
from tholos.kit.sealing import Sealer
from tholos.kit.services import Services
from tholos.runtime.interpreters import Choice, Interpreter, Interpreters
from tholos.runtime.layout import Layout
from tholos.server.about import about
from tholos.server.application import assemble, complete
from tholos.server.parts import held_of, template_folders
from tholos.settings import Settings
from tholos.store.store import Store
from tholos.testing.asgi import HOST, Asgi
from tholos.testing.rows import add_live_app, add_people
from tholos.testing.store import memory_store

SITE = Site(f"http://{HOST}", "http://{name}.localhost:8080", is_secure=False)


class OneInterpreter(Interpreters):
    """A machine with one Python, which nobody starts."""

    def __init__(self) -> None:
        pass

    def find(self):
        return (Interpreter("cpython", "3.12.1", "/usr/bin/python3.12", "linux-x86_64-glibc"),)

    refresh = find

    def choose(self, specifier, wanted="", *, label="requires-python"):
        return Choice(self.find()[0], "the only one")


class Console:
    """The application and who asks it."""

    def __init__(self, application, database, clock, people, store) -> None:
        self.application = application
        self.database, self.clock, self.people, self.store = database, clock, people, store

    @property
    def nobody(self) -> Asgi:
        return Asgi(self.application, {})

    def by_token(self, name: str) -> Asgi:
        actor = getattr(self.people, name)
        with self.database.write() as db:
            account = accounts.get_account(db, actor.account_id)
            _, secret = accounts.create_token(db, account, "test", 1, self.clock.now())
        return Asgi(self.application, {"authorization": f"Bearer {secret}"})

    def by_session(self, name: str) -> Asgi:
        """A browser on our own pages."""
        actor = getattr(self.people, name)
        with self.database.write() as db:
            secret = accounts.open_session(db, accounts.get_account(db, actor.account_id), self.clock.now())
        cookie = f"{SITE.cookies.session}={secret}"
        return Asgi(self.application, {"cookie": cookie, "origin": SITE.url, "accept": "text/html"})

    def add_app(self, owner: str, name: str):
        return add_live_app(self.database, getattr(self.people, owner), name, self.clock.now())


class NothingKept:
    """The keeper of an installation in which nothing runs."""

    async def refresh(self, app_id: str) -> None:
        """Nothing is told of it to anybody."""


def _console(database, clock, folder) -> Console:
    people = add_people(database, clock.now())
    services = Services()
    store = memory_store()
    services.add(database)
    services.add(Sealer(folder / "keys"))
    services.add(Outgoing())
    services.add(Notices(asyncio.get_running_loop()))
    services.add(clock, as_type=Clock)
    services.add(SITE)
    services.add(_pages())
    services.add(store, as_type=Store)
    services.add(OneInterpreter(), as_type=Interpreters)
    services.add(NothingKept(), as_type=Keeper)
    services.add(about(Settings(data=folder), Layout(folder), OneInterpreter(), {"THOLOS_PORT": "8080"}))
    services.add(held_of(Settings(data=folder)))
    return Console(_twin(services), database, clock, people, store)


@functools.cache
def _assembled() -> FastAPI:
    """Once for all tests: reading what every route takes is most of the work of a short one."""
    return assemble()


@functools.cache
def _pages() -> Pages:
    """Its templates too are read once."""
    return Pages(template_folders())


def _twin(services: Services) -> FastAPI:
    """An application that shares the routes with all others, and has parts of its own."""
    twin = copy.copy(_assembled())
    twin.state = State({"services": complete(services)})
    twin.middleware_stack = None
    return twin


@pytest.fixture
async def console(sqlite_database, clock, tmp_path) -> Console:
    return _console(sqlite_database, clock, tmp_path)


@pytest.fixture
async def console_on_both(database, clock, tmp_path) -> Console:
    return _console(database, clock, tmp_path)


@pytest.fixture
def nothing_to_publish():
    return NothingToPublish
