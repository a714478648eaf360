"""Use cases of schedules, on both databases: what begins at a time, what is skipped, what is made up for, who may."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from types import SimpleNamespace

import pytest

from tholos.accounts import people as people_of
from tholos.apps import service as apps
from tholos.apps import sharing
from tholos.apps.errors import AppNotFound
from tholos.audit import queries as deeds
from tholos.kit.persistence import PAUSE_S
from tholos.kit.versions import EditedMeanwhile
from tholos.notifications import outbox
from tholos.notifications import service as notifications
from tholos.notifications.outbox import Setup
from tholos.operations import service as operations
from tholos.operations.service import Subject
from tholos.publishing import releases
from tholos.publishing.service import DELETE, DELETE_STEPS, PUBLISH, PUBLISH_STEPS, RESTART
from tholos.schedules import queries
from tholos.schedules import service as schedules
from tholos.schedules.errors import NothingToStart, RecurrenceInvalid, ScheduleNotFound, TimeZoneUnknown
from tholos.schedules.recurrence import Kind, Recurrence
from tholos.schedules.service import AT_ONCE, Wish
from tholos.schedules.tasks import Timekeeper
from tholos.sharing.models import Level
from tholos.testing.rows import add_live_app, new_release

HOURLY = Recurrence(Kind.HOUR)
HOUR = timedelta(hours=1)


@pytest.fixture
def plan(database, people, clock):
    """Gives an app a schedule from now on; the app is made where it is not there."""

    def make(name="sales", actor=people.ada, wanted=HOURLY, **said):
        with database.read() as db:
            is_there = apps.find_named(db, actor.organization_id, name) is not None
        if not is_there:
            add_live_app(database, actor, name, clock.now())
        with database.write() as db:
            return schedules.set_schedule(db, actor, name, Wish(wanted, **said), clock.now())

    return make


@pytest.fixture
def tick(database, clock):
    """Lets time pass, and begins what is due; what was begun."""

    def go_on(span=timedelta(0)):
        clock.move(span)
        begun = []
        with database.read() as db:
            due = schedules.list_due(db, clock.now())
        for one in due:
            with database.write() as db:
                begun.append(schedules.begin_due(db, one, clock.now()))
        return begun

    return go_on


@pytest.fixture
def end(database, clock):
    """Ends what is under way."""

    def write(error=None):
        with database.write() as db:
            for one in operations.list_under_way(db):
                operation = operations.claim(db, one.id, "here", clock.now())
                if error is None:
                    operations.finish(db, operation.id, {}, clock.now())
                else:
                    operations.fail(db, operation.id, error, clock.now())

    return write


@pytest.fixture
def found(database, people, clock):
    def read(name="sales", actor=people.admin):
        with database.read() as db:
            return schedules.get_planned(db, actor, name, clock.now())

    return read


def _deeds(database):
    with database.read() as db:
        return [(one.actor_name, one.action, one.note) for one in deeds.list_after(db, 0, 100)]


def test_at_its_time_the_app_is_started_again(database, clock, plan, tick, end, found):
    made = plan()
    begin = made.schedule.start_at
    assert made.upcoming == [begin + HOUR * n for n in (1, 2, 3)]
    assert tick(HOUR - timedelta(seconds=1)) == []
    (begun,) = tick(timedelta(seconds=1))
    assert (begun.kind, begun.subject_name) == (RESTART, "sales")
    assert tick() == []
    planned = found()
    assert (planned.last.id, planned.schedule.due_at) == (begun.id, begin + HOUR)
    assert planned.upcoming[0] == begin + 2 * HOUR
    assert _deeds(database)[-1] == ("ada", "app.restarted", "by its schedule")
    end()
    assert len(tick(HOUR)) == 1


def test_a_start_that_is_to_come_is_the_first_time(clock, plan, tick):
    start = clock.now() + timedelta(seconds=90)
    plan(start=start)
    assert tick(timedelta(seconds=89)) == []
    assert len(tick(timedelta(seconds=1))) == 1


def test_times_that_passed_while_nobody_looked_are_made_up_for_once(plan, tick, end, found):
    begin = plan().schedule.start_at
    assert len(tick(5 * HOUR + timedelta(minutes=20))) == 1
    end()
    assert tick() == []
    assert found().upcoming[0] == begin + 6 * HOUR


def test_what_is_still_under_way_is_not_begun_again(plan, tick, end, found):
    begin = plan().schedule.start_at
    (first,) = tick(HOUR)
    assert tick(HOUR) == [None]
    planned = found()
    assert planned.last.id == first.id
    assert planned.schedule.skipped["code"] == "still_starting"
    assert planned.schedule.skipped["at"].startswith(f"{begin + 2 * HOUR:%Y-%m-%dT%H:%M}")
    end()
    assert len(tick(HOUR)) == 1
    assert found().schedule.skipped is None


def test_it_waits_for_what_else_is_under_way_and_then_starts_what_is_live(
    database, people, clock, plan, tick
):
    plan()
    with database.write() as db:
        app = apps.get_editable(db, people.ada, "sales")
        subject = Subject(app.id, app.name)
        other = operations.begin(db, people.ada, PUBLISH, subject, PUBLISH_STEPS, {}, clock.now())
    (begun,) = tick(HOUR)
    with database.write() as db:
        assert operations.claim(db, begun.id, "here", clock.now()) is None
        operations.claim(db, other.id, "here", clock.now())
        newer = apps.create_release(db, people.ada, app, new_release("b" * 64), clock.now())
        apps.switch(db, newer.id, clock.now())
        operations.finish(db, other.id, {}, clock.now())
        claimed = operations.claim(db, begun.id, "here", clock.now())
        assert releases.find_restarted(db, claimed).id == newer.id
    with database.read() as db:
        assert operations.get_operation(db, begun.id).request["release"] == newer.number


def test_many_at_the_same_time_are_begun_a_few_at_once(database, plan, tick, end):
    for number in range(AT_ONCE + 3):
        plan(f"app-{number}")
    assert len(tick(HOUR)) == AT_ONCE
    assert tick() == []
    with database.read() as db:
        assert schedules.find_next_at(db) is None
    end()
    assert len(tick()) == 3


def test_what_is_not_live_is_skipped_and_told(database, people, clock, plan, tick, found):
    with database.write() as db:
        apps.create_app(db, people.ada, "sales", clock.now())
    plan()
    assert tick(HOUR) == [None]
    planned = found()
    assert planned.schedule.skipped["code"] == "nothing_runs"
    assert planned.last is None
    assert planned.schedule.paused_at is None
    assert len(planned.upcoming) == 3


def test_an_app_that_is_being_deleted_is_not_started(database, people, clock, plan, tick, found):
    plan()
    with database.write() as db:
        app = apps.get_editable(db, people.ada, "sales")
        operations.begin(db, people.ada, DELETE, Subject(app.id, app.name), DELETE_STEPS, {}, clock.now())
    assert tick(HOUR) == [None]
    assert found().schedule.skipped["code"] == "being_deleted"


def test_it_goes_with_its_app(database, people, plan):
    made = plan()
    with database.write() as db:
        apps.remove_app(db, made.app.id)
    with database.read() as db:
        assert queries.find_schedule(db, made.schedule.id) is None
        assert schedules.find_next_at(db) is None


def test_a_site_of_files_is_refused(database, people, clock, plan):
    with database.write() as db:
        app = apps.create_app(db, people.ada, "sales", clock.now())
        release = apps.create_release(db, people.ada, app, new_release(kind="static"), clock.now())
        apps.switch(db, release.id, clock.now())
    with pytest.raises(NothingToStart) as refused:
        plan()
    assert "sales" in refused.value.message


def test_one_that_became_a_site_of_files_is_stopped(database, people, clock, plan, tick, found):
    app = plan().app
    with database.write() as db:
        release = apps.create_release(db, people.ada, app, new_release("b" * 64, kind="static"), clock.now())
        apps.switch(db, release.id, clock.now())
    assert tick(HOUR) == [None]
    assert found().schedule.error["code"] == "nothing_to_start"
    assert found().upcoming == []


def test_who_may_no_more_starts_nothing(database, people, clock, plan, tick, found):
    app, _ = add_live_app(database, people.ada, "sales", clock.now())
    with database.write() as db:
        sharing.give(db, people.ada, app, people.bob.account_id, Level.EDITOR, clock.now())
        schedules.set_schedule(db, people.bob, "sales", Wish(HOURLY), clock.now())
        outbox.begin(db)
        # An editor who may publish no more is a viewer of what was shared.
        people_of.change(db, people.admin, "bob", people_of.Change(role="viewer"), None, clock.now())
    assert tick(HOUR) == [None]
    planned = found()
    assert planned.schedule.error["code"] == "scheduler_gone"
    assert "bob" in planned.schedule.error["message"]
    assert planned.schedule.paused_at == clock.now()
    assert planned.upcoming == []
    assert _deeds(database)[-1][:2] == ("Tholos", "schedule.stopped")
    with database.write() as db:
        while outbox.plan_next(db, Setup(can_mail=False, url="http://localhost"), clock.now()):
            pass
        told = notifications.list_inbox(db, people.ada, "", 10).items[0].body
    assert told["text"] == "The schedule of sales was stopped"
    assert "bob" in told["detail"]
    assert tick(HOUR) == []
    with database.write() as db:
        resumed = schedules.set_paused(db, people.ada, "sales", None, clock.now(), is_paused=False)
    assert (resumed.account, resumed.schedule.error) == ("ada", None)
    assert len(tick(HOUR)) == 1


def test_paused_and_resumed(database, people, clock, plan, tick, found):
    made = plan()
    with database.write() as db:
        paused = schedules.set_paused(
            db, people.ada, "sales", made.schedule.version, clock.now(), is_paused=True
        )
    assert paused.upcoming == []
    assert tick(3 * HOUR) == []
    with database.write() as db, pytest.raises(EditedMeanwhile):
        schedules.set_paused(db, people.ada, "sales", 1, clock.now(), is_paused=False)
    with database.write() as db:
        schedules.set_paused(db, people.ada, "sales", None, clock.now(), is_paused=False)
    assert tick() == []  # what passed while it was paused is not made up for
    assert len(tick(HOUR)) == 1
    assert [action for _, action, _ in _deeds(database)][-3:] == [
        "schedule.paused", "schedule.resumed", "app.restarted",
    ]  # fmt: skip


def test_another_schedule_takes_the_place_of_the_former(database, people, plan, tick, found):
    first = plan()
    second = plan(wanted=Recurrence(Kind.DAY), timezone="Europe/Vienna", at=time(7))
    assert second.schedule.id == first.schedule.id
    assert second.schedule.version == first.schedule.version + 1
    assert second.words == "every day at 07:00"
    assert tick(HOUR) == []
    assert f"{found().upcoming[0]:%H:%M}" == "06:00"


def test_a_time_of_day_is_that_of_the_zone(plan):
    start = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)  # the next day in Vienna
    made = plan(wanted=Recurrence(Kind.DAY), timezone="Europe/Vienna", start=start, at=time(7))
    assert made.schedule.start_at == datetime(2026, 11, 23, 6, tzinfo=UTC)


def test_removed(database, people, clock, plan, tick):
    plan()
    with database.write() as db:
        schedules.remove_schedule(db, people.ada, "sales", clock.now())
    assert tick(HOUR) == []
    with database.write() as db, pytest.raises(ScheduleNotFound):
        schedules.remove_schedule(db, people.ada, "sales", clock.now())


def test_strangers_see_none(database, people, clock, plan):
    plan()
    with database.write() as db:
        for refused in (
            lambda: schedules.get_planned(db, people.bob, "sales", clock.now()),
            lambda: schedules.set_schedule(db, people.bob, "sales", Wish(HOURLY), clock.now()),
            lambda: schedules.remove_schedule(db, people.bob, "sales", clock.now()),
        ):
            with pytest.raises(AppNotFound):
                refused()


def test_what_is_wrong_is_refused(plan):
    with pytest.raises(TimeZoneUnknown):
        plan(timezone="Europe/Wien")
    with pytest.raises(RecurrenceInvalid):
        plan(wanted=replace(HOURLY, n=0))


def test_a_zone_that_is_gone_stops_it_and_no_other(database, people, plan, tick, found):
    plan("one")
    plan("two")
    with database.write() as db:
        app = apps.get_editable(db, people.ada, "one")
        queries.get_of_app(db, app.id).timezone = "Europe/Gone"
    assert len(found("one").upcoming) == 3
    assert [one.subject_name for one in tick(HOUR) if one] == ["two"]
    assert found("one").schedule.error["code"] == "time_zone_unknown"
    assert tick() == []


async def test_the_clock_goes_on_where_one_breaks(database, clock, plan, found, monkeypatch):
    plan("one")
    plan("two")
    clock.move(HOUR)
    really = schedules.begin_due
    broken = found("one").schedule.id

    def begin(db, schedule_id, now):
        if schedule_id == broken:
            raise ArithmeticError
        return really(db, schedule_id, now)

    monkeypatch.setattr(schedules, "begin_due", begin)
    keeper = Timekeeper(database, SimpleNamespace(publish=lambda _: None), clock)
    assert await keeper._begin_due() == PAUSE_S
    assert found("two").last is not None
    monkeypatch.undo()
    assert await keeper._begin_due() > PAUSE_S
    assert found("one").last is not None


def test_two_servers_begin_a_time_once(database, clock, plan, at_once):
    made = plan()
    clock.move(HOUR)

    def begin():
        with database.write() as db:
            return schedules.begin_due(db, made.schedule.id, clock.now())

    assert sum(one is not None for one in at_once(begin, begin, begin)) == 1
