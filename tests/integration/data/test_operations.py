"""Use cases of operations on both databases: one at a time, leases, events, ends."""

import itertools
from datetime import timedelta

import pytest

from tholos.kit.db import Database
from tholos.operations import service as operations
from tholos.operations.errors import OperationNotFound, OperationUnderWay, TransitionRefused
from tholos.operations.models import ENDED, TRANSITIONS, Operation, OperationState, OperationStep, StepState
from tholos.operations.service import Said, Subject

S = OperationState
APP = Subject("app_1", "one")


@pytest.fixture
def begin(database: Database, people, clock):
    def make(
        subject=APP, actor=people.ada, steps=("first", "second"), key=None, kind="publish", may_wait=False
    ):
        with database.write() as db:
            again = operations.find_by_key(db, actor, key)
            return (
                again
                or operations.begin(
                    db,
                    actor,
                    kind,
                    subject,
                    steps,
                    {"n": 1},
                    clock.now(),
                    idempotency_key=key,
                    may_wait=may_wait,
                )
            ).id

    return make


@pytest.fixture
def get(database: Database):
    def read(operation_id) -> Operation:
        with database.read() as db:
            return operations.get_operation(db, operation_id)

    return read


@pytest.fixture
def put(database: Database):
    """Bring an operation into a state, whatever it was in."""

    def write(operation_id, state):
        with database.write() as db:
            operations.get_operation(db, operation_id).state = state

    return write


def _claim(database, operation_id, holder, now):
    with database.write() as db:
        found = operations.claim(db, operation_id, holder, now)
        return found.attempt if found else None


def _steps(database, operation_id):
    with database.read() as db:
        found = operations.get_operation(db, operation_id)
        return {step.name: step.state for step in operations.list_steps(db, [found])[operation_id]}


def _events(database, operation_id, after=0):
    with database.read() as db:
        return [(one.n, one.kind, one.text) for one in operations.list_events(db, operation_id, after)]


class TestBegin:
    def test_it_is_queued_with_its_steps_waiting(self, database, begin, get, clock, people):
        operation = get(begin())
        assert (operation.state, operation.attempt, operation.request) == ("queued", 0, {"n": 1})
        assert operation.created_at == clock.now()
        assert operation.account_id == people.ada.account_id
        assert list(_steps(database, operation.id).items()) == [("first", "waiting"), ("second", "waiting")]
        assert not operation.has_ended

    @pytest.mark.parametrize("state", [S.QUEUED, S.RUNNING])
    def test_one_at_a_time_for_a_subject(self, begin, put, people, state):
        first = begin()
        put(first, state)
        with pytest.raises(OperationUnderWay) as caught:
            begin(actor=people.admin, kind="delete")
        assert caught.value.details == {"operation": first}
        assert first in caught.value.fix
        assert begin(subject=Subject("app_2", "two"))

    @pytest.mark.parametrize("state", sorted(ENDED))
    def test_after_its_end_comes_the_next(self, begin, put, state):
        put(begin(), state)
        assert begin()

    def test_of_many_at_once_one_begins(self, begin, at_once):
        results = at_once(*[begin] * 6)
        begun = [one for one in results if isinstance(one, str)]
        assert len(begun) == 1
        refused = [one for one in results if not isinstance(one, str)]
        assert {type(one) for one in refused} == {OperationUnderWay}
        assert {one.details["operation"] for one in refused} == set(begun)

    def test_what_may_wait_has_its_turn_in_order(self, database, begin, put, clock):
        waiting = [begin()]
        for _ in range(2):
            clock.move(1)
            waiting.append(begin(may_wait=True))
        other = begin(subject=Subject("app_2", "two"))
        for position, operation_id in enumerate(waiting):
            for later in waiting[position + 1 :]:
                assert _claim(database, later, "here", clock.now()) is None
            assert _claim(database, operation_id, "here", clock.now()) == 1
            assert _claim(database, operation_id, "there", clock.now()) is None
            put(operation_id, S.DONE)
        assert _claim(database, other, "here", clock.now()) == 1

    def test_one_that_had_nothing_to_do_has_ended_as_it_begins(self, database, people, clock):
        with database.write() as db:
            done = operations.record_done(
                db, people.ada, "activate", APP, {"release": 3}, "It is there already.", clock.now()
            )
        with database.read() as db:
            found = operations.get_operation(db, done.id)
            said = [(one.kind, one.text) for one in operations.list_all_events(db, done.id)]
        assert (found.state, found.result, found.has_ended) == (S.DONE, {"release": 3}, True)
        assert said == [("line", "It is there already."), ("result", "")]
        assert _claim(database, done.id, "here", clock.now()) is None

    def test_the_same_key_answers_the_same_operation(self, database, begin, people):
        first = begin(key="k")
        with database.read() as db:
            assert operations.find_by_key(db, people.ada, "k").id == first
            assert operations.find_by_key(db, people.bob, "k") is None
            assert operations.find_by_key(db, people.ada, "other") is None
            assert operations.find_by_key(db, people.ada, "") is None
            assert operations.find_by_key(db, people.ada, None) is None
        assert begin(key="k") == first
        assert begin(key="k", actor=people.bob, subject=Subject("app_2", "two")) != first

    def test_the_same_key_at_once_begins_one(self, begin, at_once):
        results = at_once(*[lambda: begin(key="k")] * 5)
        assert len(set(results)) == 1
        assert isinstance(results[0], str)

    def test_the_same_key_answers_after_the_end_too(self, begin, put):
        first = begin(key="k")
        put(first, S.DONE)
        assert begin(key="k") == first

    def test_an_empty_key_is_none(self, begin, put):
        put(begin(key=""), S.DONE)
        assert begin(key="")


class TestTransitions:
    @pytest.mark.parametrize(("before", "after"), list(itertools.product(S, S)))
    def test_every_pair_moves_or_is_refused(self, database, begin, put, get, before, after):
        operation_id = begin()
        put(operation_id, before)

        def move():
            with database.write() as db:
                operations._move(operations.get_operation(db, operation_id), after)

        if after in TRANSITIONS[before]:
            move()
            assert get(operation_id).state == after
        else:
            with pytest.raises(TransitionRefused):
                move()
            assert get(operation_id).state == before

    def test_the_table_knows_every_state(self):
        assert set(TRANSITIONS) == set(S)
        assert {state for state in S if not TRANSITIONS[state]} == ENDED

    @pytest.mark.parametrize("state", sorted(ENDED))
    def test_what_has_ended_ends_no_other_way(self, database, begin, put, get, clock, state):
        operation_id = begin()
        put(operation_id, state)
        for end in (operations.finish, operations.fail):
            with pytest.raises(TransitionRefused), database.write() as db:
                end(db, operation_id, {}, clock.now())
        with pytest.raises(TransitionRefused), database.write() as db:
            operations.cancelled(db, operation_id, clock.now())
        assert _events(database, operation_id) == []
        assert get(operation_id).state == state


class TestLeases:
    def test_claiming_makes_it_run(self, database, begin, get, clock):
        operation_id = begin()
        clock.move(1)
        assert _claim(database, operation_id, "here", clock.now()) == 1
        operation = get(operation_id)
        assert (operation.state, operation.lease_holder) == ("running", "here")
        assert operation.started_at == clock.now()
        assert operation.lease_until == clock.now() + operations.LEASE

    @pytest.mark.parametrize("holder", ["here", "there"])
    def test_nobody_claims_what_is_held(self, database, begin, clock, holder):
        operation_id = begin()
        _claim(database, operation_id, "here", clock.now())
        clock.move(operations.LEASE)
        with database.read() as db:
            assert operations.list_claimable(db, clock.now()) == []
        assert _claim(database, operation_id, holder, clock.now()) is None

    def test_another_takes_over_what_was_let_lapse(self, database, begin, get, clock):
        operation_id = begin()
        _claim(database, operation_id, "here", clock.now())
        began = clock.now()
        clock.move(operations.LEASE + timedelta(microseconds=1))
        with database.read() as db:
            assert operations.list_claimable(db, clock.now()) == [operation_id]
        assert _claim(database, operation_id, "there", clock.now()) == 2
        assert get(operation_id).lease_holder == "there"
        assert get(operation_id).started_at == began

    def test_of_many_at_once_one_claims(self, database, begin, clock, at_once):
        operation_id = begin()
        claims = [lambda name=name: _claim(database, operation_id, name, clock.now()) for name in "abcdef"]
        assert sorted(at_once(*claims), key=str) == [1, None, None, None, None, None]

    def test_renewing_holds_on_to_ones_own(self, database, begin, get, clock):
        mine, left, theirs = (begin(subject=Subject(f"app_{n}", "x")) for n in range(3))
        for one, holder in ((mine, "here"), (left, "here"), (theirs, "there")):
            _claim(database, one, holder, clock.now())
        began = clock.now()
        clock.move(20)
        with database.write() as db:
            operations.renew_leases(db, "here", {mine, theirs}, clock.now())
        assert get(mine).lease_until == clock.now() + operations.LEASE
        assert get(left).lease_until == get(theirs).lease_until == began + operations.LEASE

    def test_who_comes_back_claims_its_own_at_once(self, database, begin, clock):
        mine, theirs = begin(), begin(subject=Subject("app_2", "two"))
        _claim(database, mine, "here", clock.now())
        _claim(database, theirs, "there", clock.now())
        with database.write() as db:
            operations.release_leases(db, "here", clock.now())
        with database.read() as db:
            assert operations.list_claimable(db, clock.now()) == [mine]
        assert _claim(database, mine, "here", clock.now()) == 2

    def test_the_ended_are_not_claimed(self, database, begin, clock):
        operation_id = begin()
        _claim(database, operation_id, "here", clock.now())
        with database.write() as db:
            operations.finish(db, operation_id, {}, clock.now())
        clock.move(timedelta(days=1))
        with database.read() as db:
            assert operations.list_claimable(db, clock.now()) == []
        assert _claim(database, operation_id, "here", clock.now()) is None

    def test_the_oldest_comes_first(self, database, begin, clock):
        expected = []
        for number in range(3):
            expected.append(begin(subject=Subject(f"app_{number}", "x")))
            clock.move(1)
        with database.read() as db:
            assert operations.list_claimable(db, clock.now()) == expected


class TestEvents:
    def test_they_are_numbered_from_one_without_gaps(self, database, begin, clock):
        operation_id = begin()
        for texts in (["a"], [], ["b", "c"], ["d"]):
            with database.write() as db:
                operations.say(db, operation_id, [Said("line", text) for text in texts], clock.now())
        assert _events(database, operation_id) == [
            (1, "line", "a"), (2, "line", "b"), (3, "line", "c"), (4, "line", "d"),
        ]  # fmt: skip
        assert _events(database, operation_id, after=2) == [(3, "line", "c"), (4, "line", "d")]

    def test_several_who_say_at_once_do_not_collide(self, database, begin, clock, at_once):
        operation_id = begin()

        def say(name):
            for number in range(5):
                with database.write() as db:
                    said = [Said("line", f"{name}{number}a"), Said("line", f"{name}{number}b")]
                    operations.say(db, operation_id, said, clock.now())

        assert at_once(*[lambda name=name: say(name) for name in "xyz"]) == [None] * 3
        found = _events(database, operation_id)
        assert [n for n, _, _ in found] == list(range(1, 31))
        for name in "xyz":
            own = [text for _, _, text in found if text[0] == name]
            assert own == [f"{name}{number}{part}" for number in range(5) for part in "ab"]

    def test_what_programs_write_can_be_kept(self, database, begin, clock):
        """A build's output is any text, with NUL bytes and half characters in it."""
        operation_id = begin()
        with database.write() as db:
            said = [Said("line", "a\x00b \ud800 ü 😀", "first", {"text": "a\x00b \ud800"})]
            operations.say(db, operation_id, said, clock.now())
        ((_, _, text),) = _events(database, operation_id)
        assert text == "a\ufffdb \ufffd ü 😀"
        text.encode()

    def test_a_step_tells_its_time(self, database, begin, clock):
        operation_id = begin()
        with database.write() as db:
            operations.start_step(db, operation_id, "first", clock.now())
        clock.move(1.5)
        with database.write() as db:
            operations.end_step(db, operation_id, "first", StepState.DONE, "12 packages", clock.now())
            operations.end_step(db, operation_id, "second", StepState.SKIPPED, "nothing", clock.now())
        with database.read() as db:
            told = [(one.step, one.text, one.data) for one in operations.list_events(db, operation_id, 0)]
        assert told == [
            ("first", "", {"state": "running"}),
            ("first", "12 packages", {"state": "done", "seconds": 1.5}),
            ("second", "nothing", {"state": "skipped", "seconds": 0.0}),
        ]

    def test_a_page_of_events_has_a_limit(self, database, begin, clock):
        operation_id = begin()
        with database.write() as db:
            operations.say(db, operation_id, [Said("line", str(n)) for n in range(10)], clock.now())
        with database.read() as db:
            assert [one.n for one in operations.list_events(db, operation_id, 3, limit=4)] == [4, 5, 6, 7]


class TestEnds:
    @pytest.mark.parametrize(
        ("state", "running_becomes"), [("done", "done"), ("failed", "failed"), ("cancelled", "skipped")]
    )
    def test_no_step_is_left_open(self, database, begin, get, clock, state, running_becomes):
        operation_id = begin()
        _claim(database, operation_id, "here", clock.now())
        with database.write() as db:
            operations.start_step(db, operation_id, "first", clock.now())
        with database.write() as db:
            match state:
                case "done":
                    operations.finish(db, operation_id, {"release": 1}, clock.now())
                case "failed":
                    operations.fail(db, operation_id, {"code": "x", "message": "Cannot."}, clock.now())
                case _:
                    operations.cancelled(db, operation_id, clock.now())
        operation = get(operation_id)
        assert (operation.state, operation.has_ended, operation.ended_at) == (state, True, clock.now())
        assert (operation.lease_holder, operation.lease_until) == (None, None)
        assert _steps(database, operation_id) == {"first": running_becomes, "second": "skipped"}
        assert _events(database, operation_id)[-1][1] == ("error" if state == "failed" else "result")

    def test_results_and_errors_are_kept(self, database, begin, get, clock):
        done, failed = begin(), begin(subject=Subject("app_2", "two"))
        for one in (done, failed):
            _claim(database, one, "here", clock.now())
        with database.write() as db:
            operations.finish(db, done, {"release": 3}, clock.now())
            operations.fail(db, failed, {"code": "x", "message": "Cannot."}, clock.now())
        assert (get(done).result, get(done).error) == ({"release": 3}, None)
        assert (get(failed).result, get(failed).error) == (None, {"code": "x", "message": "Cannot."})


class TestCancel:
    def _cancel(self, database, actor, operation_id, clock):
        with database.write() as db:
            return operations.request_cancel(db, actor, operation_id, clock.now()).state

    def test_what_waits_is_claimed_to_be_ended(self, database, begin, get, people, clock):
        """What its begin has made is cleared up by who works, so it does not end here."""
        operation_id = begin()
        assert self._cancel(database, people.ada, operation_id, clock) == "queued"
        assert _claim(database, operation_id, "here", clock.now()) == 1
        assert get(operation_id).cancel_requested_at == clock.now()

    def test_what_runs_is_asked_to(self, database, begin, get, people, clock):
        operation_id = begin()
        _claim(database, operation_id, "here", clock.now())
        first = clock.now()
        assert self._cancel(database, people.ada, operation_id, clock) == "running"
        clock.move(5)
        assert self._cancel(database, people.ada, operation_id, clock) == "running"
        assert get(operation_id).cancel_requested_at == first

    @pytest.mark.parametrize("state", sorted(ENDED))
    def test_what_has_ended_stays(self, database, begin, put, get, people, clock, state):
        operation_id = begin()
        put(operation_id, state)
        assert self._cancel(database, people.ada, operation_id, clock) == state
        assert get(operation_id).cancel_requested_at is None

    def test_strangers_find_nothing_to_cancel(self, database, begin, get, people, clock):
        operation_id = begin()
        for stranger in (people.bob, people.vic):
            with pytest.raises(OperationNotFound):
                self._cancel(database, stranger, operation_id, clock)
        assert not get(operation_id).has_ended
        assert self._cancel(database, people.admin, operation_id, clock) == "queued"

    def test_cancelling_and_claiming_at_once_leaves_one_truth(
        self, database, begin, get, people, clock, at_once
    ):
        for number in range(5):
            operation_id = begin(subject=Subject(f"app_{number}", "x"))
            cancelled, attempt = at_once(
                lambda operation_id=operation_id: self._cancel(database, people.ada, operation_id, clock),
                lambda operation_id=operation_id: _claim(database, operation_id, "here", clock.now()),
            )
            state = get(operation_id).state
            assert (attempt, state) == (1, "running")
            assert cancelled in {"queued", "running"}
            assert get(operation_id).cancel_requested_at


class TestSight:
    def test_each_sees_ones_own_and_administrators_all(self, database, begin, people, clock):
        mine = begin()
        clock.move(1)
        theirs = begin(subject=Subject("app_2", "two"), actor=people.bob)

        def seen(actor, **wanted):
            with database.read() as db:
                return [one.id for one in operations.list_newest(db, actor, **wanted)]

        assert seen(people.ada) == [mine]
        assert seen(people.bob) == [theirs]
        assert seen(people.vic) == []
        assert seen(people.admin) == [theirs, mine]
        assert seen(people.admin, limit=1) == [theirs]
        assert seen(people.admin, name="one") == seen(people.admin, subject_id="app_1") == [mine]
        with database.read() as db:
            assert operations.get_visible(db, people.admin, mine).id == mine
            for stranger in (people.bob, people.vic):
                with pytest.raises(OperationNotFound):
                    operations.get_visible(db, stranger, mine)
            with pytest.raises(OperationNotFound):
                operations.get_visible(db, people.admin, "op_none")

    def test_the_last_of_each_subject(self, database, begin, put):
        first = begin()
        put(first, S.DONE)
        other = begin(subject=Subject("app_2", "two"))
        with database.read() as db:
            found = {one.id for one in operations.list_last(db, ["app_1", "app_2", "app_3"])}
            assert found == {first, other}
            assert operations.list_last(db, []) == []
            assert operations.find_under_way(db, "app_1") is None
            assert operations.find_under_way(db, "app_2").id == other

    def test_steps_of_several_come_with_one_query(self, database, begin):
        ids = [begin(subject=Subject(f"app_{n}", "x")) for n in range(3)]
        with database.read() as db:
            found = [operations.get_operation(db, one) for one in ids]
            steps = operations.list_steps(db, found)
            assert operations.list_steps(db, []) == {}
        assert [len(steps[one]) for one in ids] == [2, 2, 2]

    def test_its_rows_go_with_it(self, database, begin, clock):
        operation_id = begin()
        with database.write() as db:
            operations.say(db, operation_id, [Said("line", "x")], clock.now())
        with database.write() as db:
            db.delete(operations.get_operation(db, operation_id))
        assert _events(database, operation_id) == []
        with database.read() as db:
            assert db.query(OperationStep).count() == 0
