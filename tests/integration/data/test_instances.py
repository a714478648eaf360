"""Use cases of instances on both databases: the table of states, what is observed, what people are told."""

import itertools
from pathlib import Path

import pytest

from tholos.apps import service as apps
from tholos.apps.errors import AppNotFound
from tholos.instances import service as instances
from tholos.instances.errors import InstanceNotFound, TransitionRefused
from tholos.instances.models import ACTIVE, ENDED, LEAVING, TRANSITIONS, Instance, InstanceState, Node
from tholos.instances.serving import ServingTable
from tholos.runtime.layout import Layout
from tholos.runtime.model import ProcessState, ProcessStatus
from tholos.testing.rows import add_live_app, add_release

S = InstanceState
P = ProcessState
LAYOUT = Layout(Path("/data"))


@pytest.fixture
def live(database, people, clock):
    """ada's app and its live release."""
    return add_live_app(database, people.ada, "sales", clock.now())


@pytest.fixture
def start(database, live, clock):
    def make(release=None, state=S.STARTING, operation=None, app=None):
        with database.write() as db:
            made = instances.create_instance(
                db, app or live[0], release or live[1], LAYOUT, clock.now(), operation_id=operation
            )
            made.state = state
            return made.id

    return make


@pytest.fixture
def get(database):
    def read(instance_id) -> Instance:
        with database.read() as db:
            return instances.get_instance(db, instance_id)

    return read


def _status(instance_id, state, *, ends=0, exit_code=None, reason="seen"):
    return ProcessStatus(instance_id, state, 123, 1.0, None, None, exit_code, ends, reason)


def _observe(database, status, clock):
    with database.write() as db:
        changed = instances.observe(db, status, clock.now())
        return changed.state if changed else None


def _told(database, app, clock):
    with database.write() as db:
        instances.tell_app(db, app.id, clock.now())
    with database.read() as db:
        found = apps.get_app(db, app.id)
        return found.state, found.state_reason


class TestTable:
    @pytest.mark.parametrize(("before", "after"), list(itertools.product(S, S)))
    def test_every_pair_moves_or_is_refused(self, database, start, get, clock, before, after):
        instance_id = start(state=before)
        clock.move(7)

        def move():
            with database.write() as db:
                return instances.set_state(db, instance_id, after, "why", clock.now())

        if after in TRANSITIONS[before]:
            move()
            found = get(instance_id)
            assert (found.state, found.reason, found.since) == (after, "why", clock.now())
            assert (found.ended_at is not None) == (after in ENDED)
            assert (found.ready_at is not None) == (after == S.READY)
        elif before == after:
            move()
            assert get(instance_id).since < clock.now()
        else:
            with pytest.raises(TransitionRefused):
                move()
            assert get(instance_id).state == before

    def test_every_state_has_one_meaning(self):
        assert set(TRANSITIONS) == set(S)
        assert set(S) == ACTIVE | LEAVING | ENDED
        assert not ACTIVE & LEAVING
        assert {state for state in S if not TRANSITIONS[state]} == ENDED

    def test_an_unknown_instance(self, database, clock):
        with pytest.raises(InstanceNotFound), database.write() as db:
            instances.set_state(db, "ins_none", S.READY, "", clock.now())

    def test_the_end_lets_go_of_the_operation(self, database, start, get, clock):
        instance_id = start(operation="op_1")
        with database.write() as db:
            instances.set_state(db, instance_id, S.STOPPED, "", clock.now())
        assert get(instance_id).operation_id is None


class TestObserved:
    @pytest.mark.parametrize(("before", "seen"), list(itertools.product(S, P)))
    def test_every_pair_is_taken_without_an_error(self, database, start, get, clock, before, seen):
        """Whatever the launcher says of an instance in whatever state, the table of states holds."""
        instance_id = start(state=before)
        changed = _observe(database, _status(instance_id, seen, ends=2, exit_code=3), clock)
        after = get(instance_id).state
        assert after == before or after in TRANSITIONS[before]
        assert changed == (after if after != before else None)
        if before not in ENDED:
            assert (get(instance_id).pid, get(instance_id).exit_code, get(instance_id).restarts) == (
                123,
                3,
                2,
            )

    @pytest.mark.parametrize(
        ("before", "seen", "after"),
        [
            (S.STARTING, P.RUNNING, S.STARTING),
            (S.STARTING, P.BACKOFF, S.FAILING),
            (S.READY, P.BACKOFF, S.FAILING),
            (S.FAILING, P.RUNNING, S.STARTING),
            (S.FAILING, P.FAILED, S.FAILED),
            (S.READY, P.STOPPING, S.STOPPING),
            (S.STOPPING, P.EXITED, S.STOPPED),
            (S.FAILED, P.EXITED, S.FAILED),
            (S.FAILED, P.RUNNING, S.FAILED),
            (S.DRAINING, P.BACKOFF, S.DRAINING),
            (S.STOPPED, P.RUNNING, S.STOPPED),
        ],
    )
    def test_a_life(self, database, start, get, clock, before, seen, after):
        instance_id = start(state=before)
        _observe(database, _status(instance_id, seen), clock)
        assert get(instance_id).state == after

    def test_what_no_row_knows_is_nothing(self, database, people, clock):
        assert _observe(database, _status("ins_none", P.RUNNING), clock) is None

    def test_ends_are_counted_over_restarts(self, database, start, get, clock):
        instance_id = start()
        for ends in (1, 2, 0):
            _observe(database, _status(instance_id, P.BACKOFF, ends=ends), clock)
        assert get(instance_id).restarts == 2

    def test_reasons_of_any_bytes_are_kept(self, database, start, get, clock):
        instance_id = start()
        _observe(database, _status(instance_id, P.BACKOFF, reason="said \x00 and \udcff"), clock)
        assert get(instance_id).reason == "said \ufffd and \ufffd"


class TestTold:
    @pytest.mark.parametrize(
        ("state", "word"),
        [(S.STARTING, "starting"), (S.READY, "serving"), (S.FAILING, "failing"), (S.FAILED, "failing"),
         (S.DRAINING, "stopped"), (S.STOPPING, "stopped"), (S.STOPPED, "stopped")],
    )  # fmt: skip
    def test_people_are_told_of_the_live_release(self, database, live, start, clock, state, word):
        start(state=state)
        assert _told(database, live[0], clock)[0] == word

    def test_one_that_answers_outshines_the_others(self, database, live, start, clock):
        start(state=S.READY)
        clock.move(1)
        start(state=S.FAILING)
        assert _told(database, live[0], clock)[0] == "serving"

    def test_other_releases_do_not_count(self, database, live, start, people, clock):
        app, _ = live
        with database.write() as db:
            other = add_release(db, people.ada, apps.get_app(db, app.id), clock.now())
        start(release=other, state=S.READY)
        assert _told(database, app, clock) == ("stopped", "It has no instance.")

    def test_nothing_is_told_before_something_is_live(self, database, people, clock):
        with database.write() as db:
            app = apps.create_app(db, people.ada, "bare", clock.now())
        assert _told(database, app, clock) == ("stopped", "Nothing of it has been released yet.")

    def test_what_is_live_no_more_serves_no_more(self, database, live, start, clock):
        app, _ = live
        start(state=S.READY)
        assert _told(database, app, clock)[0] == "serving"
        with database.write() as db:
            apps.remove_pointers(db, app.id)
        assert _told(database, app, clock) == ("stopped", "It has no live release.")


class TestQuestions:
    def test_what_stands_is_seen(self, database, live, start, clock):
        mine = start(operation="op_1")
        start(state=S.STOPPED)
        with database.read() as db:
            (seen,) = instances.list_seen(db)
        assert (seen.id, seen.app_id, seen.release_id, seen.is_held) == (mine, live[0].id, live[1].id, True)
        with database.write() as db:
            assert [one.id for one in instances.let_go(db, "op_1")] == [mine]
        with database.read() as db:
            assert not instances.list_seen(db)[0].is_held

    def test_what_was_given_up_gets_another_chance(self, database, live, start, get, clock):
        failed, ready = start(state=S.FAILED), start(state=S.READY)
        with database.write() as db:
            instances.retry_failed(db, clock.now())
        assert (get(failed).state, get(ready).state) == (S.STOPPED, S.READY)

    def test_the_last_and_the_active(self, database, live, start, clock):
        start(state=S.STOPPED)
        clock.move(1)
        active = start()
        clock.move(1)
        last = start(state=S.STOPPING)
        app, release = live
        with database.read() as db:
            assert instances.find_active(db, release.id).id == active
            assert instances.find_ready(db, release.id) is None
            assert instances.find_last(db, app.id).id == last
            assert instances.find_last(db, app.id, "rel_none") is None
            assert len(instances.list_of_app(db, app.id)) == 2
            assert len(instances.list_of_app(db, app.id, ended=True)) == 3

    def test_strangers_see_none(self, database, live, start, people):
        start()
        with database.read() as db:
            assert len(instances.list_visible(db, people.ada, "sales")) == 1
            assert len(instances.list_visible(db, people.admin, "sales")) == 1
            with pytest.raises(AppNotFound):
                instances.list_visible(db, people.bob, "sales")

    def test_the_node_is_made_once(self, database, people, clock):
        with database.write() as db:
            instances.ensure_node(db, "again", clock.now())
        with database.read() as db:
            assert [(one.id, one.name) for one in db.query(Node)] == [(1, "here")]

    def test_removal_leaves_no_row(self, database, live, start):
        for state in (S.READY, S.STOPPED):
            start(state=state)
        with database.write() as db:
            instances.remove_of_app(db, live[0].id)
        with database.read() as db:
            assert db.query(Instance).count() == 0


class TestServing:
    async def test_the_table_says_where_requests_go(self, database, live, start, people, clock):
        ready = start(state=S.READY)
        with database.write() as db:
            apps.create_app(db, people.bob, "bare", clock.now())
        table = ServingTable(database)
        await table.replace(table.read_all())
        assert table.names() == ["bare", "sales"]
        row = table.find("sales")
        assert (row.instance, row.release, row.state) == (ready, 1, "ready")
        assert row.address == f"unix:{LAYOUT.socket(ready)}"
        assert (table.find("bare").release, table.find("bare").address) == (0, "")
        assert table.find("other") is None

    async def test_of_several_the_one_that_answered_last_is_asked(self, database, live, start, clock):
        last = ""
        for state in (S.READY, S.READY, S.STARTING, S.STOPPED):
            made = start(state=state)
            with database.write() as db:
                instances.get_instance(db, made).ready_at = clock.now() if state == S.READY else None
            last = made if state == S.READY else last
            clock.move(1)
        (row,) = ServingTable(database).read_all()
        assert (row.instance, row.state, row.release) == (last, "ready", 1)
        assert [row] == ServingTable(database).read_of(live[0].id)

    async def test_a_removed_app_is_found_no_more(self, database, live):
        table = ServingTable(database)
        app, _ = live
        await table.put(app.id, table.read_of(app.id))
        await table.put(app.id, [])
        await table.put(app.id, [])
        assert table.find("sales") is None
        assert table.read_of("app_none") == []

    async def test_an_app_made_anew_under_a_name_keeps_it(self, database, live, people, clock):
        """The row of the app that had the name before goes late, and takes nothing along."""
        table = ServingTable(database)
        old, _ = live
        await table.put(old.id, table.read_of(old.id))
        with database.write() as db:
            apps.remove_app(db, old.id)
        new, _ = add_live_app(database, people.bob, "sales", clock.now())
        await table.put(new.id, table.read_of(new.id))
        await table.put(old.id, [])
        assert table.find("sales").app_id == new.id

    async def test_waiting_ends_in_time_with_what_there_is(self, database, live, start):
        table = ServingTable(database)
        app, _ = live
        start()
        await table.put(app.id, table.read_of(app.id))
        assert (await table.wait_for_address("sales", 0.01)).address == ""
        assert await table.wait_for_address("none", 0.01) is None
