"""Paths of one's own on both databases: who has which, who may take it, and where the door leads."""

import asyncio

import pytest
from sqlalchemy import select

from tholos.access.door import Door
from tholos.access.inroads import Inroads, nowhere
from tholos.access.passes import Passes
from tholos.accounts.routes import Site
from tholos.apps import sharing
from tholos.apps.errors import AppNotFound, NotAnEditor
from tholos.apps.models import App
from tholos.audit.models import AuditEntry
from tholos.gateway.model import Answer, Carry, RequestHead
from tholos.instances.serving import ServingTable
from tholos.kit.notices import Notices
from tholos.paths import service as paths
from tholos.paths.errors import PathInvalid, PathNotForYou, PathReserved, PathTaken
from tholos.paths.service import Policy
from tholos.paths.table import Led, PathTable
from tholos.sharing.models import Audience, Level, PrincipalKind
from tholos.testing.rows import add_live_app
from tholos.testing.waiting import until_async

SITE = Site("http://localhost:8080", "http://{name}.localhost:8080", is_secure=False)
ANYBODY = Policy()
HTML = ((b"accept", b"text/html"),)


class Leading:
    """Two apps of ada's and one of bob's, and paths that lead to them."""

    def __init__(self, database, people, clock):
        self.database, self.people, self.clock = database, people, clock
        self.sales, self.stock = (
            add_live_app(database, people.ada, name, clock.now())[0] for name in ("sales", "stock")
        )
        self.books = add_live_app(database, people.bob, "books", clock.now())[0]
        self.table = PathTable(database)

    def set(self, who, name, path, *, force=False, policy=ANYBODY):
        with self.database.write() as db:
            return paths.set_path(db, who, name, path, policy, self.clock.now(), force=force).path

    def remove(self, who, name, policy=ANYBODY):
        with self.database.write() as db:
            paths.remove_path(db, who, name, policy, self.clock.now())

    def all(self, who=None):
        with self.database.read() as db:
            return [one.path for one in paths.list_paths(db, who or self.people.admin)]

    def deeds(self):
        chosen = select(AuditEntry).where(AuditEntry.action.like("app.path%")).order_by(AuditEntry.id)
        with self.database.read() as db:
            return [(one.action, one.subject_name, one.before, one.after) for one in db.scalars(chosen)]

    def find(self, target):
        self.table.replace(self.table.read_all())
        return self.table.find_by_path(target)


@pytest.fixture
def leading(database, people, clock):
    return Leading(database, people, clock)


class TestChoosing:
    def test_an_app_has_one_path_and_another_one_replaces_it(self, leading, people):
        assert leading.set(people.ada, "sales", "Team/report") == "/Team/report/"
        assert leading.set(people.ada, "sales", "/Team/report/") == "/Team/report/"
        assert leading.set(people.ada, "sales", "team/report") == "/team/report/", "the case may be changed"
        assert leading.set(people.ada, "sales", "team") == "/team/"
        assert leading.all() == ["/team/"]
        leading.remove(people.ada, "sales")
        leading.remove(people.ada, "sales")
        assert leading.all() == []
        assert [one[:2] for one in leading.deeds()] == [
            ("app.path_set", "sales"), ("app.path_set", "sales"), ("app.path_set", "sales"), ("app.path_removed", "sales"),
        ]  # fmt: skip
        assert leading.deeds()[2][2:] == ({"path": "/team/report/"}, {"path": "/team/"})

    @pytest.mark.parametrize("path", ["team/report", "/TEAM/Report/", "team", "team/report/north"])
    def test_two_paths_never_overlap(self, leading, people, path):
        leading.set(people.ada, "sales", "/team/report/")
        with pytest.raises(PathTaken) as caught:
            leading.set(people.ada, "stock", path)
        assert (caught.value.where, "sales" in caught.value.message, "--force" in caught.value.fix) == (
            "path", True, True
        )  # fmt: skip
        leading.set(people.ada, "stock", "team-report")

    def test_what_is_not_ones_own_is_neither_taken_nor_told(self, leading, people):
        leading.set(people.bob, "books", "team")
        for force in (False, True):
            with pytest.raises(PathTaken) as caught:
                leading.set(people.ada, "sales", "team/report", force=force)
            assert "books" not in caught.value.message
            assert caught.value.fix

    def test_force_takes_all_that_overlaps_or_nothing(self, leading, people):
        leading.set(people.ada, "stock", "team/stock")
        leading.set(people.bob, "books", "team/books")
        with pytest.raises(PathTaken):
            leading.set(people.ada, "sales", "team", force=True)
        assert leading.all() == ["/team/books/", "/team/stock/"]
        assert leading.set(people.admin, "sales", "team", force=True) == "/team/"
        assert leading.all() == ["/team/"]
        assert {one[:2] for one in leading.deeds()[2:]} == {
            ("app.path_removed", "stock"), ("app.path_removed", "books"), ("app.path_set", "sales")
        }  # fmt: skip

    def test_only_editors_choose_and_where_it_is_set_so_only_administrators(self, database, leading, people):
        with pytest.raises(AppNotFound):
            leading.set(people.bob, "sales", "team")
        with database.write() as db:
            db.get(App, leading.sales.id).audience = Audience.SIGNED_IN
        with pytest.raises(NotAnEditor):
            leading.set(people.bob, "sales", "team")
        strict = Policy(is_for_administrators=True)
        with pytest.raises(PathNotForYou):
            leading.set(people.ada, "sales", "team", policy=strict)
        leading.set(people.admin, "sales", "team", policy=strict)
        with pytest.raises(PathNotForYou):
            leading.remove(people.ada, "sales", strict)

    @pytest.mark.parametrize(("path", "error"), [("/te am/", PathInvalid), ("api/x", PathReserved)])
    def test_paths_are_checked(self, leading, people, path, error):
        with pytest.raises(error):
            leading.set(people.ada, "sales", path)

    def test_one_sees_those_of_the_apps_that_one_sees(self, database, leading, people, clock):
        leading.set(people.ada, "sales", "team")
        assert leading.all(people.bob) == []
        given = (sharing.Given(PrincipalKind.ACCOUNT, "bob", Level.VIEWER),)
        with database.write() as db:
            sharing.change(db, people.ada, "sales", sharing.Wish(given=given), None, clock.now())
        assert leading.all(people.bob) == ["/team/"]
        with database.read() as db:
            assert paths.paths_of(db, [leading.sales.id, leading.stock.id]).keys() == {leading.sales.id}


class TestTable:
    def test_it_says_the_app_and_the_rest(self, leading, people):
        leading.set(people.ada, "sales", "Team/report")
        assert leading.find("/team/Report/x/y?z=1") == Led(leading.sales.id, "sales", "/x/y?z=1")
        assert leading.find("/team/") is None

    def test_an_app_that_goes_takes_its_path(self, database, leading, people):
        leading.set(people.ada, "sales", "team")
        with database.write() as db:
            paths.remove_of_app(db, leading.sales.id)
        assert leading.find("/team/") is None

    async def test_it_follows_the_database(self, leading, people):
        notices = Notices(asyncio.get_running_loop())
        watching = asyncio.ensure_future(leading.table.watch(notices))
        leading.set(people.ada, "sales", "team")
        notices.publish(paths.TOPIC)
        await until_async(lambda: leading.table.find_by_path("/team/") is not None)
        leading.remove(people.ada, "sales")
        notices.publish(paths.TOPIC)
        await until_async(lambda: leading.table.find_by_path("/team/") is None)
        watching.cancel()


class TestDoor:
    @pytest.fixture
    def door(self, leading, tmp_path, people):
        leading.set(people.ada, "sales", "Team/report")
        leading.table.replace(leading.table.read_all())
        return Door(
            leading.database, leading.clock, SITE, ServingTable(leading.database), Passes(tmp_path / "keys"),
            lambda head, error: Answer(500, (), error.code.encode()), console_address="unix:/console",
            console_hosts=frozenset({"localhost:8080"}), hold_s=1, find_inroad=Inroads(leading.table, nowhere),
        )  # fmt: skip

    async def ask(self, door, target, *headers, host="localhost:8080", method="GET"):
        return await door(RequestHead(method, target, host, headers, "127.0.0.1", ""), 0)

    @pytest.mark.parametrize(
        ("target", "location"),
        [
            ("/team/report", "/"),
            ("/TEAM/report/", "/"),
            ("/team/report/a/b?c=d&e=%2F", "/a/b?c=d&e=%2F"),
            ("/team/report//elsewhere.example/", "//elsewhere.example/"),
        ],
    )
    async def test_a_browser_is_led_to_the_apps_own_host(self, door, target, location):
        answer = await self.ask(door, target, *HTML)
        assert isinstance(answer, Answer)
        headers = dict(answer.headers)
        assert (answer.status, headers[b"location"].decode()) == (
            307,
            f"http://sales.localhost:8080{location}",
        )
        assert headers[b"cache-control"] == b"no-store"

    async def test_everything_else_is_the_consoles(self, door):
        for target in ("/team/", "/", "/teams/report/"):
            decision = await self.ask(door, target, *HTML)
            assert isinstance(decision, Carry), target
            assert decision.label == "console"

    async def test_a_program_is_let_in_there_or_not(self, door):
        for headers, method in (
            ((), "GET"),
            (HTML, "POST"),
            ((*HTML, (b"authorization", b"Bearer tholos_x")), "GET"),
        ):
            answer = await self.ask(door, "/team/report/", *headers, method=method)
            assert isinstance(answer, Answer)
            assert answer.body in {b"not_signed_in", b"not_shared"} or answer.status == 303

    async def test_it_leads_from_the_consoles_host_only(self, door):
        answer = await self.ask(door, "/team/report/", *HTML, host="stock.localhost:8080")
        assert "sales.localhost" not in str(answer)
