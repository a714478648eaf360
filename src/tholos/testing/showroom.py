"""The console over made-up rows: every page can be looked at and measured, without a server, an app or a process."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from tholos.accounts import service as accounts
from tholos.accounts.pace import Pace
from tholos.accounts.routes import Site
from tholos.kit.clock import Clock, SystemClock
from tholos.kit.db import Database
from tholos.kit.notices import Notices
from tholos.kit.outgoing import Outgoing
from tholos.kit.pages import Pages
from tholos.kit.sealing import Sealer
from tholos.kit.services import Services
from tholos.runtime.interpreters import Choice, Interpreter, Interpreters
from tholos.runtime.layout import Layout
from tholos.server.about import about
from tholos.server.application import build
from tholos.server.parts import held_of, template_folders
from tholos.settings import Settings
from tholos.store.store import Store
from tholos.testing import databases
from tholos.testing.furnishing import USUAL, Furnishing, Size
from tholos.testing.store import memory_store

START_S = 20.0


class OneInterpreter(Interpreters):
    """A machine with one Python, which nobody starts."""

    def __init__(self) -> None:
        """Nothing is looked for."""

    def find(self) -> tuple[Interpreter, ...]:
        return (Interpreter("cpython", "3.12.1", "/usr/bin/python3.12", "linux-x86_64-glibc"),)

    refresh = find

    def choose(self, specifier: str, wanted: str = "", *, label: str = "requires-python") -> Choice:
        return Choice(self.find()[0], "the only one")


class Showroom:
    """A database with a bit of everything and the application over it.

    Args:
        folder: an empty one.
        url: of the console.
        size: how much there is.
    """

    def __init__(self, folder: Path, url: str, size: Size = USUAL) -> None:
        self.folder = folder
        self.site = Site(url, url.replace("://", "://{name}."), is_secure=False)
        self.database = Database(databases.build(f"sqlite:///{folder / 'tholos.db'}"))
        self.clock = SystemClock()
        self.notices: Notices | None = None
        self.sealer = Sealer(folder / "keys")
        self.store = memory_store()
        self.rows = Furnishing(
            self.database, self.store, self.sealer, Layout(folder / "data"), size, self.clock.now()
        )
        self.rows.fill()

    def close(self) -> None:
        self.database.close()

    def application(self, notices: Notices) -> FastAPI:
        """The console; on the event loop that the notices are for."""
        self.notices = notices
        services = Services()
        services.add(self.database)
        services.add(notices)
        services.add(self.clock, as_type=Clock)
        services.add(self.site)
        services.add(Pages(template_folders()))
        services.add(self.sealer)
        services.add(Outgoing())
        services.add(Pace.of(10**6, 10**6))
        services.add(self.store, as_type=Store)
        services.add(OneInterpreter(), as_type=Interpreters)
        services.add(about(Settings(data=self.folder), Layout(self.folder), OneInterpreter(), {}))
        services.add(held_of(Settings(data=self.folder)))
        return build(services)

    def sign_in(self, name: str) -> str:
        """The cookie of a new session of somebody."""
        with self.database.write() as db:
            account = accounts.get_account(db, self.rows.people[name].account_id)
            secret = accounts.open_session(db, account, self.clock.now())
        return f"{self.site.cookies.session}={secret}"


@contextmanager
def opened(folder: Path, size: Size = USUAL) -> Iterator[Showroom]:
    """A showroom that browsers can visit, on a free port of this machine."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        room = Showroom(folder, f"http://localhost:{listener.getsockname()[1]}", size)
        visited = _Visited(room, listener)
        try:
            visited.start()
            yield room
        finally:
            visited.end()
            room.close()


class _Visited:
    """The server of a showroom, on a thread of its own."""

    def __init__(self, room: Showroom, listener: socket.socket) -> None:
        self._room, self._listener = room, listener
        self._server: uvicorn.Server | None = None
        self._has_begun = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def start(self) -> None:
        self._thread.start()
        assert self._has_begun.wait(START_S), "the showroom does not open"

    def end(self) -> None:
        if self._server is not None:
            self._server.should_exit = True
        self._thread.join()

    async def _serve(self) -> None:
        application = self._room.application(Notices(asyncio.get_running_loop()))
        config = uvicorn.Config(application, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._listener.listen(128)
        self._has_begun.set()  # who comes now is kept waiting by the socket
        await self._server.serve(sockets=[self._listener])
