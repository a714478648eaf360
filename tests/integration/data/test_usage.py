"""Use cases of usage on both databases: what is written down, counted, told and forgotten."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from tholos.apps import listing, visits
from tholos.apps.errors import AppNotFound, NotAnEditor
from tholos.apps.listing import Asked as AskedApps
from tholos.apps.listing import Show
from tholos.apps.models import App, Visit
from tholos.kit.errors import Unavailable
from tholos.kit.paging import CursorInvalid
from tholos.sharing.models import Audience
from tholos.testing.rows import add_live_app
from tholos.usage import service as usage
from tholos.usage.models import PageVisit
from tholos.usage.service import Asked, Policy, Seen
from tholos.usage.tasks import Recorder


class Used:
    """An app of ada's and one of bob's, and visits of them."""

    def __init__(self, database, people, clock):
        self.database, self.people, self.clock = database, people, clock
        self.sales = add_live_app(database, people.ada, "sales", clock.now())[0]
        self.books = add_live_app(database, people.bob, "books", clock.now())[0]

    def seen(self, who=None, app=None, *, days=0, path="/"):
        at = self.clock.now() - timedelta(days=days)
        return Seen((app or self.sales).id, 1, who.account_id if who else "", at, path, "Firefox on Linux")

    def record(self, *seen, policy=None):
        with self.database.write() as db:
            return usage.record(db, seen, policy or Policy())

    def usage(self, who, name="sales", asked=None):
        with self.database.read() as db:
            return usage.usage_of(db, who, name, asked or Asked(), self.clock.now())

    def paths(self, who, name="", asked=None):
        with self.database.read() as db:
            page = usage.list_visits(db, who, name, asked or Asked(), self.clock.now())
            return [one.path for one in page.items], page.next

    def rows(self):
        with self.database.read() as db:
            return [*db.scalars(select(PageVisit).order_by(PageVisit.id))]


@pytest.fixture
def used(database, people, clock):
    return Used(database, people, clock)


class TestCounting:
    def test_visits_and_visitors_are_counted_by_day_and_in_all(self, used, people):
        ada, vic = people.ada, people.vic
        used.record(
            used.seen(ada, days=2), used.seen(ada, days=2), used.seen(vic, days=2), used.seen(days=2),
            used.seen(ada), used.seen(ada, used.books),
        )  # fmt: skip
        found = used.usage(ada)
        assert (found.visits, found.visitors, found.anonymous) == (5, 2, 1)
        assert len(found.days) == 30
        counted = [(one.visits, one.visitors, one.anonymous) for one in found.days if one.visits]
        assert counted == [(4, 2, 1), (1, 1, 0)]
        assert found.days[-3].visits == 4

    def test_a_span_ends_before_its_end(self, used, people, clock):
        used.record(used.seen(people.ada, days=3), used.seen(people.ada, days=1))
        since, until = clock.now() - timedelta(days=3), clock.now() - timedelta(days=1)
        assert used.usage(people.ada, asked=Asked(since, until)).visits == 1
        assert used.usage(people.ada, asked=Asked(until, since)).visits == 0
        before = used.usage(people.ada, asked=Asked(until=clock.now() - timedelta(days=2)))
        assert (before.visits, len(before.days)) == (1, 30)

    def test_only_editors_are_told(self, database, used, people):
        used.record(used.seen(people.ada))
        with pytest.raises(AppNotFound):
            used.usage(people.bob)
        with database.write() as db:
            db.get(App, used.sales.id).audience = Audience.SIGNED_IN
        with pytest.raises(NotAnEditor):
            used.usage(people.bob)
        assert used.usage(people.admin).visits == 1

    def test_apps_are_compared_by_those_who_edit_them(self, database, used, people, clock):
        used.record(
            used.seen(people.vic), used.seen(people.ada, used.books), used.seen(people.bob, used.books)
        )

        def found(who):
            with database.read() as db:
                by_app = usage.usage_by_app(db, who, Asked(), clock.now())
                return [(one.app.name, one.count.visits, one.count.visitors) for one in by_app]

        assert found(people.admin) == [("books", 2, 2), ("sales", 1, 1)]
        assert found(people.ada) == [("sales", 1, 1)]
        assert found(people.vic) == []


class TestReading:
    def test_pages_of_visits_follow_one_another_newest_first(self, used, people):
        used.record(*(used.seen(people.ada, path=f"/{number}") for number in range(5)))
        first, cursor = used.paths(people.ada, "sales", Asked(limit=3))
        second, end = used.paths(people.ada, "sales", Asked(limit=3, cursor=cursor))
        assert (first, second, end) == (["/4", "/3", "/2"], ["/1", "/0"], "")
        with pytest.raises(CursorInvalid):
            used.paths(people.ada, "sales", Asked(cursor="x"))

    def test_without_an_app_those_of_all_that_one_edits(self, used, people):
        used.record(used.seen(people.vic, path="/s"), used.seen(people.vic, used.books, path="/b"))
        assert used.paths(people.admin)[0] == ["/b", "/s"]
        assert used.paths(people.ada)[0] == ["/s"]
        assert used.paths(people.vic)[0] == []

    def test_protocols_read_on_from_a_number(self, database, used, people, clock):
        used.record(*(used.seen(people.ada, path=f"/{number}") for number in range(3)))
        used.record(used.seen(people.bob, used.books, path="/b"))
        span = {"since": clock.now() - timedelta(days=1), "until": clock.now() + timedelta(seconds=1)}

        def after(who, last, **of):
            with database.read() as db:
                found = usage.list_after(db, who, last, 2, **span, **of)
                return [one.path for one in found], found[-1].id if found else last

        first, last = after(people.ada, 0)
        second, last = after(people.ada, last)
        assert (first, second, after(people.ada, last)[0]) == (["/0", "/1"], ["/2"], [])
        assert after(people.admin, 0, app_id=used.books.id)[0] == ["/b"]
        assert after(people.ada, 0, app_id=used.books.id)[0] == []
        assert after(people.ada, 0, app_id="app_none")[0] == []


class TestWriting:
    def test_what_is_kept_of_a_visit(self, used, people):
        used.record(used.seen(people.vic, path="/" + "x" * 600))
        (row,) = used.rows()
        assert (row.account_id, row.release, row.agent) == (people.vic.account_id, 1, "Firefox on Linux")
        assert (row.day, len(row.path)) == (row.at.date().isoformat(), usage.MOST_PATH)

    def test_an_app_that_went_meanwhile_costs_the_others_nothing(self, used, people):
        gone = Seen("app_gone", 1, people.vic.account_id, used.clock.now(), "/", "")
        assert used.record(gone, used.seen(people.vic)) == 1
        assert [row.app_id for row in used.rows()] == [used.sales.id]

    def test_ones_own_list_of_what_one_opened_last_comes_of_the_same(self, database, used, people, clock):
        used.record(used.seen(people.ada, days=1), used.seen(people.ada), used.seen())
        clock.move(5)
        used.record(used.seen(people.ada, used.books))
        with database.write() as db:
            rows = {row.app_id: (row.openings, row.opened_at) for row in db.scalars(select(Visit))}
            assert rows == {
                used.sales.id: (2, clock.now() - timedelta(seconds=5)), used.books.id: (1, clock.now())
            }  # fmt: skip
            visits.set_pinned(db, people.ada, "sales", is_pinned=True)
            recent = listing.list_page(db, people.ada, AskedApps(Show.RECENT)).items
            assert [app.name for app in recent] == ["sales"]

    def test_without_accounts_nobody_is_known_and_those_before_are_forgotten(
        self, database, used, people, clock
    ):
        used.record(used.seen(people.vic))
        off = Policy(with_accounts=False)
        used.record(used.seen(people.ada), policy=off)
        assert [row.account_id for row in used.rows()] == [people.vic.account_id, None]
        with database.write() as db:
            usage.remove_old(db, off, clock.now())
        assert [row.account_id for row in used.rows()] == [None, None]

    def test_what_was_kept_long_enough_goes_and_so_do_those_of_an_app(self, database, used, people, clock):
        used.record(
            used.seen(days=91, path="/old"), used.seen(days=89, path="/new"), used.seen(app=used.books)
        )
        with database.write() as db:
            usage.remove_old(db, Policy(), clock.now())
        assert [row.path for row in used.rows()] == ["/new", "/"]
        with database.write() as db:
            usage.remove_of_app(db, used.sales.id)
        assert [row.app_id for row in used.rows()] == [used.books.id]


class TestRecorder:
    async def test_visits_are_written_together_and_nothing_is_waited_for(self, used, people):
        recorder = Recorder(used.database, Policy(), pause_s=0.01)
        running = asyncio.ensure_future(recorder.run())
        for number in range(3):
            recorder.note(used.seen(people.ada, path=f"/{number}"))
        assert used.rows() == []
        async with asyncio.timeout(30):
            while len(used.rows()) < 3:  # noqa: ASYNC110 - nothing tells when it may be so
                await asyncio.sleep(0.01)
        running.cancel()

    async def test_what_cannot_be_written_waits_for_the_next_time(self, used, people, monkeypatch):
        recorder = Recorder(used.database, Policy())
        recorder.note(used.seen(people.ada, path="/first"))

        def fail(*_):
            raise Unavailable

        with monkeypatch.context() as broken:
            broken.setattr(usage, "record", fail)
            await recorder.write()
        recorder.note(used.seen(people.ada, path="/second"))
        await recorder.write()
        await recorder.write()
        assert [row.path for row in used.rows()] == ["/first", "/second"]

    async def test_more_than_can_wait_is_not_counted(self, used, people, monkeypatch):
        monkeypatch.setattr("tholos.usage.tasks.MOST_WAITING", 2)
        recorder = Recorder(used.database, Policy())
        for number in range(4):
            recorder.note(used.seen(people.ada, path=f"/{number}"))
        await recorder.write()
        assert [row.path for row in used.rows()] == ["/0", "/1"]
