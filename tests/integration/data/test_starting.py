"""The files of releases: laid out from a store, led to what an app keeps, and cleared."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest

from tholos.apps import service as apps
from tholos.apps.models import App
from tholos.instances import service as instances
from tholos.instances.causes import Causes
from tholos.instances.models import Instance
from tholos.instances.starting import Starter
from tholos.kit.notices import Notices
from tholos.publishing import releases
from tholos.publishing.tasks import Publisher
from tholos.runtime.layout import Layout
from tholos.runtime.sandbox import Enclosure
from tholos.runtime.walls import NO_WALLS, Mode, Walls
from tholos.store.model import Scope, Tree
from tholos.testing.rows import add_live_app, new_release
from tholos.testing.store import file_of, memory_store

SCOPE = Scope("a")


class Shelf:
    """An app with two releases of the same files that keep ``state.json``; the first is live."""

    def __init__(self, database, clock, people, folder) -> None:
        self.database, self.clock, self.ada, self.layout = database, clock, people.ada, Layout(folder)
        store = memory_store()
        intake = store.intake(SCOPE)
        app_py = file_of("app.py", b"app = 1")
        intake.add_chunk(app_py.chunks[0], b"app = 1")
        intake.finish()
        self.snapshot = store.add_snapshot(SCOPE, Tree.of([app_py]))
        self.starter = Starter(self.layout, store, None, None, None, "", {}, {}, 0)
        self.app, _ = add_live_app(database, people.ada, "sales", clock.now())
        self.one, self.two = self.add(), self.add()

    def add(self, **manifest):
        with self.database.write() as db:
            app = apps.get_app(db, self.app.id)
            new = replace(
                new_release(self.snapshot, keep=["state.json"], **manifest), fingerprint=str(app.last_number)
            )
            release = apps.create_release(db, self.ada, app, new, self.clock.now())
            apps.switch(db, release.id, self.clock.now())
            return release

    def state_of(self, release):
        return self.layout.sources(self.app.id, release.number) / "state.json"

    def save(self, release, text, at):
        """As careful programs write, at so many seconds."""
        new = self.state_of(release).with_name("new")
        new.write_text(text)
        os.utime(new, (at, at))
        new.replace(self.state_of(release))

    def numbers(self):
        return sorted(int(path.name) for path in (self.layout.app(self.app.id) / "releases").iterdir())

    def logs(self):
        return sorted(path.name for path in (self.layout.app(self.app.id) / "logs").iterdir())


@pytest.fixture
def shelf(sqlite_database, clock, people, tmp_path):
    return Shelf(sqlite_database, clock, people, tmp_path)


@pytest.fixture
def database(sqlite_database):
    return sqlite_database


def test_going_back_takes_along_what_the_live_release_saved(shelf):
    shelf.starter.check_out(shelf.app, shelf.one, None)
    shelf.starter.check_out(shelf.app, shelf.two, shelf.one)
    shelf.save(shelf.one, "monday, by release 1", 1000)
    shelf.save(shelf.two, "friday, by release 2", 2000)
    shelf.starter.check_out(shelf.app, shelf.one, shelf.two)
    assert shelf.state_of(shelf.one).read_text() == "friday, by release 2"


def test_what_a_release_saved_until_the_switch_is_there_for_the_next(shelf):
    shelf.starter.check_out(shelf.app, shelf.one, None)
    shelf.starter.check_out(shelf.app, shelf.two, shelf.one)
    shelf.save(shelf.one, "saved while release 2 started", 1000)
    shelf.starter.settle(shelf.app, shelf.one, shelf.two)
    assert shelf.state_of(shelf.two).read_text() == "saved while release 2 started"


def test_a_release_has_its_folder_once_its_kept_paths_lead_away(shelf, monkeypatch):
    """A server that ends in between must not take what was published for what the app saved."""
    with monkeypatch.context() as during:
        during.setattr("tholos.runtime.keeping.lead", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            shelf.starter.check_out(shelf.app, shelf.one, None)
    assert not shelf.layout.sources(shelf.app.id, shelf.one.number).exists()
    shelf.starter.check_out(shelf.app, shelf.one, None)
    assert shelf.state_of(shelf.one).is_symlink()


async def test_files_of_releases_that_are_gone_are_cleared_however_the_server_ended(shelf):
    publisher = Publisher(
        shelf.database,
        Notices(asyncio.get_running_loop()),
        shelf.clock,
        None,
        shelf.starter,
        None,
        keep_releases=1,
    )
    for number in (1, 2, 3):  # 3 is live, 2 was before it
        shelf.layout.sources(shelf.app.id, number).mkdir(parents=True)
    above = shelf.layout.sources(shelf.app.id, 4)  # one that begins right now
    above.mkdir(parents=True)
    (shelf.layout.app(shelf.app.id) / "logs").mkdir()
    for number in (1, 3):
        shelf.layout.log(shelf.app.id, number, "ins_x").write_text("x")
    with shelf.database.write() as db:
        app = apps.get_app(db, shelf.app.id)
        assert releases.remove_old(db, app, 1, shelf.clock.now()) == [1]
    publisher.remove_old(shelf.app.id)
    assert (shelf.numbers(), shelf.logs()) == ([2, 3, 4], ["000003-ins_x.log"])


def test_a_kind_that_does_much_first_has_longer_for_its_first_answer(shelf):
    causes = Causes(shelf.database, shelf.starter, 60.0)
    assert causes.timeout_of(Instance(release_id=shelf.one.id)) == 60.0
    assert causes.timeout_of(Instance(release_id=shelf.add(kind="notebook").id)) == 1800.0


CANNOT = "[tholos] cannot start: port 9000 cannot be had (Address already in use): perhaps another app"


def command(shelf, name, actor, port=9000, app=None):
    """An instance of a command that listens on a port."""
    now = shelf.clock.now()
    app = app or add_live_app(shelf.database, actor, name, now)[0]
    new = new_release(kind="command", entrypoint=f"PORT={port} python serve.py")
    with shelf.database.write() as db:
        release = apps.create_release(db, actor, apps.get_app(db, app.id), new, now)
        made = instances.create_instance(db, app, release, shelf.layout, now)
        made.reason = "ended with status 1"
    return app, made


def test_whoever_has_the_port_that_an_app_wants_is_named(shelf, people):
    causes = Causes(shelf.database, shelf.starter, 60.0)
    command(shelf, "elsewhere", people.ada, 9001)
    app, made = command(shelf, "late", people.ada)
    Path(made.log).parent.mkdir(parents=True)
    Path(made.log).write_text(f"[tholos] started, pid 7\n{CANNOT}\n")

    def holder():
        died = causes.died(made)
        assert died.code == "port_taken"
        assert "tholos doctor" in died.fix
        return str(died).removeprefix("Cannot start the app: ").partition(" listens on port 9000,")[0]

    assert holder() == "another program of this machine"
    theirs, _ = command(shelf, "theirs", people.bob)
    assert holder() == "another owner's app"
    with shelf.database.write() as db:
        db.get(App, theirs.id).owner_id = people.ada.account_id
    assert holder() == "theirs"
    command(shelf, "late", people.ada, app=app)
    assert holder() == "release 3 of this app, which runs until another serves,"


def test_where_each_app_has_its_own_loopback_it_is_a_program_that_has_the_port(shelf, people):
    walls = Walls(missing=dict.fromkeys(NO_WALLS.missing, ""))
    causes = Causes(shelf.database, replace(shelf.starter, enclosure=Enclosure(walls, Mode.AUTO)), 60.0)
    _, made = command(shelf, "late", people.ada)
    Path(made.log).parent.mkdir(parents=True)
    Path(made.log).write_text(f"{CANNOT}\n")
    assert "a program of this machine listens on port 9000, and on every address" in str(causes.died(made))
