"""The worker on real databases with handlers that do what a test says."""

import asyncio
import contextlib
import threading

import pytest

from tholos.kit.errors import Invalid, Unavailable
from tholos.kit.notices import Notices
from tholos.operations import service as operations
from tholos.operations import tasks
from tholos.operations.models import OperationState, StepState
from tholos.operations.service import Said, Subject
from tholos.operations.tasks import StepFailed, Work, Worker
from tholos.testing.waiting import until_async

S = OperationState
KIND = "publish"


class Bench:
    """A worker with one handler, and what can be asked of it."""

    def __init__(self, database, clock, actor) -> None:
        self.database, self.clock, self.actor = database, clock, actor
        self.notices = Notices(asyncio.get_running_loop())
        self.handler = self.succeed
        self.attempts: list[int] = []
        self.abandoned: list[str] = []
        self.errors = []
        self.on_abandoned = self.note_abandoned
        self.began = asyncio.Event()
        self.may_end = asyncio.Event()
        self._count = 0

    async def succeed(self, work: Work):
        return {"release": 1}

    async def hang(self, work: Work):
        self.began.set()
        await self.may_end.wait()
        return {"release": 1}

    async def note_abandoned(self, operation, error):
        self.abandoned.append(operation.id)
        self.errors.append(error)

    def begin(self, steps=("first", "second")):
        self._count += 1
        subject = Subject(f"app_{self._count}", f"name{self._count}")
        with self.database.write() as db:
            begun = operations.begin(db, self.actor, KIND, subject, steps, {}, self.clock.now())
        self.notices.publish(operations.QUEUE_TOPIC)
        return begun.id

    def cancel(self, operation_id):
        with self.database.write() as db:
            operations.request_cancel(db, self.actor, operation_id, self.clock.now())
        self.notices.publish(operations.QUEUE_TOPIC)

    def get(self, operation_id):
        with self.database.read() as db:
            return operations.get_operation(db, operation_id)

    def events(self, operation_id):
        with self.database.read() as db:
            return [(one.kind, one.text) for one in operations.list_events(db, operation_id, 0)]

    def steps(self, operation_id):
        with self.database.read() as db:
            found = operations.get_operation(db, operation_id)
            return {one.name: one.state for one in operations.list_steps(db, [found])[operation_id]}

    async def ended(self, operation_id):
        """The operation, once it has ended."""
        await until_async(lambda: self.get(operation_id).has_ended)
        return self.get(operation_id)

    @contextlib.asynccontextmanager
    async def working(self):
        """A worker that works while the block runs; leaving the block is the end of its server."""

        async def handle(work):
            self.attempts.append(work.operation.attempt)
            return await self.handler(work)

        async def abandon(operation, error):
            await self.on_abandoned(operation, error)

        worker = Worker(self.database, self.notices, self.clock, "node-1", {KIND: handle}, {KIND: abandon})
        task = asyncio.ensure_future(worker.run())
        try:
            yield worker
        finally:
            broke = task.done()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            assert not broke, "the worker ended by itself"


@pytest.fixture
async def bench(database, people, clock):
    return Bench(database, clock, people.ada)


async def test_success(bench):
    async def handler(work):
        async with work.step("first") as say:
            say("not yet")
            say("12 packages")
        await work.skip("second", "nothing to do")
        return {"release": 7}

    bench.handler = handler
    async with bench.working():
        operation = await bench.ended(bench.begin())
    assert (operation.state, operation.result, operation.error) == (S.DONE, {"release": 7}, None)
    assert bench.steps(operation.id) == {"first": "done", "second": "skipped"}
    assert bench.events(operation.id) == [
        ("step", ""), ("step", "12 packages"), ("step", "nothing to do"), ("result", ""),
    ]  # fmt: skip
    assert bench.abandoned == []


async def test_what_was_begun_before_the_worker_is_done(bench):
    operation_id = bench.begin()
    async with bench.working():
        assert (await bench.ended(operation_id)).state == S.DONE


async def test_failure_in_words(bench):
    async def handler(work):
        async with work.step("first"):
            raise StepFailed(
                "Cannot build: no wheel.", fix="Use another.", where="requirements.txt:3", excerpt="x"
            )

    bench.handler = handler
    async with bench.working():
        operation = await bench.ended(bench.begin())
    assert operation.state == S.FAILED
    assert operation.error == {
        "code": "step_failed", "message": "Cannot build: no wheel.", "fix": "Use another.",
        "where": "requirements.txt:3", "excerpt": "x",
    }  # fmt: skip
    assert bench.steps(operation.id) == {"first": "failed", "second": "skipped"}
    assert bench.events(operation.id)[-1] == ("error", "Cannot build: no wheel.")
    assert bench.abandoned == [operation.id]
    assert bench.errors == [operation.error]


async def test_an_unexpected_exception_ends_one_operation_and_tells_nothing_inside(bench):
    async def handler(work):
        if work.operation.subject_id == "app_1":
            raise ZeroDivisionError("secret")
        return {}

    bench.handler = handler
    async with bench.working():
        broken = await bench.ended(bench.begin())
        fine = await bench.ended(bench.begin())
    assert (broken.state, broken.error["code"]) == (S.FAILED, "bug")
    assert "secret" not in str(broken.error)
    assert fine.state == S.DONE


async def test_words_that_come_out_of_a_group_of_tasks_are_still_words(bench):
    async def handler(work):
        async with asyncio.TaskGroup():
            raise Invalid("Cannot do this.")

    bench.handler = handler
    async with bench.working():
        operation = await bench.ended(bench.begin())
    assert operation.error == {"code": "invalid", "message": "Cannot do this."}


async def test_a_kind_that_nobody_handles_fails_and_stops_nothing(bench, database):
    operation_id = bench.begin()
    with database.write() as db:
        operations.get_operation(db, operation_id).kind = "unheard-of"
    async with bench.working():
        assert (await bench.ended(operation_id)).error["code"] == "bug"
        assert (await bench.ended(bench.begin())).state == S.DONE


async def test_clearing_up_is_tried_again_where_that_can_help(bench):
    async def handler(work):
        raise StepFailed("Cannot build.")

    async def abandon(operation, error):
        bench.abandoned.append(operation.id)
        if len(bench.abandoned) == 1:
            raise Unavailable

    bench.handler, bench.on_abandoned = handler, abandon
    async with bench.working():
        operation = await bench.ended(bench.begin())
    assert bench.abandoned == [operation.id] * 2
    assert operation.state == S.FAILED


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), Invalid("Cannot clean up.")])
async def test_an_operation_ends_though_its_clearing_up_breaks(bench, error):
    async def handler(work):
        raise StepFailed("Cannot build.")

    async def abandon(operation, error):
        raise error

    bench.handler, bench.on_abandoned = handler, abandon
    async with bench.working():
        operation = await bench.ended(bench.begin())
        assert operation.error["message"] == "Cannot build."
        bench.handler = bench.succeed
        assert (await bench.ended(bench.begin())).state == S.DONE


class TestCancel:
    async def test_before_it_runs(self, bench):
        operation_id = bench.begin()
        bench.cancel(operation_id)
        async with bench.working():
            assert (await bench.ended(operation_id)).state == S.CANCELLED
        assert bench.attempts == []

    async def test_while_it_runs(self, bench):
        bench.handler = bench.hang
        async with bench.working():
            operation_id = bench.begin()
            await bench.began.wait()
            bench.cancel(operation_id)
            operation = await bench.ended(operation_id)
        assert (operation.state, operation.error) == (S.CANCELLED, None)
        assert (bench.abandoned, bench.errors) == ([operation_id], [None])
        assert bench.events(operation_id)[-1] == ("result", "cancelled")

    async def test_after_it_is_decided_it_ends_done(self, bench, database):
        async def handler(work):
            with database.write() as db:
                operations.decide(db, work.operation.id)
            return await bench.hang(work)

        bench.handler = handler
        async with bench.working():
            operation_id = bench.begin()
            await bench.began.wait()
            bench.cancel(operation_id)
            bench.handler = bench.succeed
            await bench.ended(bench.begin())  # the worker has looked at what was asked
            bench.may_end.set()
            operation = await bench.ended(operation_id)
        assert (operation.state, operation.result, bench.abandoned) == (S.DONE, {"release": 1}, [])

    async def test_that_the_work_finds_first_is_one_and_no_failure(self, bench, database):
        async def handler(work):
            with database.write() as db:
                operations.request_cancel(db, bench.actor, work.operation.id, bench.clock.now())
            async with work.step("first"):
                with database.write() as db:
                    operations.decide(db, work.operation.id)

        bench.handler = handler
        async with bench.working():
            operation = await bench.ended(bench.begin())
        assert (operation.state, operation.error, bench.errors) == (S.CANCELLED, None, [None])
        assert bench.steps(operation.id) == {"first": "skipped", "second": "skipped"}

    async def test_threads_are_told(self, bench):
        seen = threading.Event()

        async def handler(work):
            bench.began.set()
            await asyncio.to_thread(lambda: work.stop.wait(20) and seen.set())
            return {}

        bench.handler = handler
        async with bench.working():
            operation_id = bench.begin()
            await bench.began.wait()
            bench.cancel(operation_id)
            assert (await bench.ended(operation_id)).state == S.CANCELLED
        assert seen.wait(20)

    async def test_asking_again_does_not_cut_off_the_clearing_up(self, bench):
        """The queue wakes for other reasons too while an operation that was cancelled is being ended."""
        clearing, may_clear = asyncio.Event(), asyncio.Event()

        async def abandon(operation, error):
            clearing.set()
            await may_clear.wait()
            bench.abandoned.append(operation.id)

        bench.handler, bench.on_abandoned = bench.hang, abandon
        async with bench.working():
            operation_id = bench.begin()
            await bench.began.wait()
            bench.cancel(operation_id)
            await clearing.wait()
            bench.cancel(operation_id)
            bench.handler = bench.succeed
            assert (await bench.ended(bench.begin())).state == S.DONE
            may_clear.set()
            operation = await bench.ended(operation_id)
        assert operation.state == S.CANCELLED
        assert bench.abandoned == [operation_id]

    async def test_asking_while_it_fails_leaves_it_failed(self, bench):
        clearing, may_clear = asyncio.Event(), asyncio.Event()

        async def handler(work):
            raise StepFailed("Cannot build.")

        async def abandon(operation, error):
            clearing.set()
            await may_clear.wait()

        bench.handler, bench.on_abandoned = handler, abandon
        async with bench.working():
            operation_id = bench.begin()
            await clearing.wait()
            bench.cancel(operation_id)
            bench.handler = bench.succeed
            await bench.ended(bench.begin())
            may_clear.set()
            assert (await bench.ended(operation_id)).state == S.FAILED

    async def test_others_go_on(self, bench):
        bench.handler = bench.hang
        async with bench.working():
            one = bench.begin()
            await bench.began.wait()
            bench.began.clear()
            other = bench.begin()
            await bench.began.wait()
            bench.cancel(one)
            assert (await bench.ended(one)).state == S.CANCELLED
            bench.may_end.set()
            assert (await bench.ended(other)).state == S.DONE


class TestServerGone:
    async def test_the_next_one_begins_again(self, bench):
        bench.handler = bench.hang
        async with bench.working():
            operation_id = bench.begin()
            await bench.began.wait()
        assert bench.get(operation_id).state == S.RUNNING
        assert bench.abandoned == []
        bench.handler = bench.succeed
        async with bench.working():
            operation = await bench.ended(operation_id)
        assert (operation.state, operation.attempt, bench.attempts) == (S.DONE, 2, [1, 2])

    async def test_after_three_attempts_it_is_lost(self, bench):
        bench.handler = bench.hang
        operation_id = bench.begin()
        for _ in range(3):
            async with bench.working():
                await bench.began.wait()
            bench.began.clear()
        async with bench.working():
            operation = await bench.ended(operation_id)
        assert (operation.state, operation.error["code"]) == (S.FAILED, "operation_lost")
        assert bench.attempts == [1, 2, 3]
        assert bench.abandoned == [operation_id]

    async def test_a_cancellation_asked_for_meanwhile_is_heeded(self, bench):
        bench.handler = bench.hang
        async with bench.working():
            operation_id = bench.begin()
            await bench.began.wait()
        bench.cancel(operation_id)
        async with bench.working():
            assert (await bench.ended(operation_id)).state == S.CANCELLED
        assert bench.attempts == [1]
        assert bench.abandoned == [operation_id]

    async def test_steps_are_done_once_more(self, bench):
        async def handler(work):
            async with work.step("first"):
                pass
            async with work.step("second"):
                return await bench.hang(work)

        bench.handler = handler
        async with bench.working():
            operation_id = bench.begin()
            await bench.began.wait()
            await until_async(lambda: bench.steps(operation_id) == {"first": "done", "second": "running"})
        bench.may_end.set()
        async with bench.working():
            await bench.ended(operation_id)
        assert bench.steps(operation_id) == {"first": "done", "second": "done"}

    async def test_what_is_being_done_here_is_not_taken_twice(self, bench):
        """A machine that slept longer than a lease does not use up an attempt."""
        bench.handler = bench.hang
        async with bench.working():
            operation_id = bench.begin()
            await bench.began.wait()
            bench.clock.move(operations.LEASE * 2)
            bench.notices.publish(operations.QUEUE_TOPIC)
            await asyncio.sleep(0.1)
            bench.may_end.set()
            assert (await bench.ended(operation_id)).attempt == 1
        assert bench.attempts == [1]

    async def test_leases_are_renewed(self, bench, monkeypatch):
        monkeypatch.setattr(tasks, "RENEW_S", 0.02)
        bench.handler = bench.hang
        async with bench.working():
            operation_id = bench.begin()
            await bench.began.wait()
            renewed = bench.clock.move(10) + operations.LEASE
            await until_async(lambda: bench.get(operation_id).lease_until == renewed)
            bench.may_end.set()
            await bench.ended(operation_id)


class TestLines:
    async def test_they_come_in_order_among_the_rest(self, bench):
        """Lines are written in groups, and by several threads at once; none is lost, doubled or before its time."""

        def write(work, name):
            for number in range(200):
                work.line(f"{name}{number}")
                if number % 20 == 0:
                    work.flush()

        async def handler(work):
            async with work.step("first"):
                await asyncio.gather(*(asyncio.to_thread(write, work, name) for name in "abc"))
                await work.tell(Said("finding", "here"))
            async with work.step("second"):
                work.line("last")
            return {}

        bench.handler = handler
        async with bench.working():
            operation_id = bench.begin()
            await bench.ended(operation_id)
        events = bench.events(operation_id)
        lines = [text for kind, text in events if kind == "line"]
        assert len(lines) == 601
        for name in "abc":
            assert [one for one in lines if one[0] == name] == [f"{name}{number}" for number in range(200)]
        tail = [one for one in events if one[0] != "line" or one[1] == "last"]
        assert tail == [
            ("step", ""), ("finding", "here"), ("step", ""), ("step", ""), ("line", "last"), ("step", ""), ("result", ""),
        ]  # fmt: skip

    async def test_they_can_be_read_while_it_runs(self, bench):
        async def handler(work):
            work.line("soon")
            return await bench.hang(work)

        bench.handler = handler
        async with bench.working():
            operation_id = bench.begin()
            await bench.began.wait()
            await until_async(lambda: ("line", "soon") in bench.events(operation_id))
            bench.may_end.set()
            await bench.ended(operation_id)

    async def test_who_follows_is_woken(self, bench):
        async def handler(work):
            bench.began.set()
            await bench.may_end.wait()
            await work.tell(Said("line", "now"))
            return await bench.succeed(work)

        bench.handler = handler
        async with bench.working():
            operation_id = bench.begin()
            await bench.began.wait()
            with bench.notices.watch(operations.topic(operation_id)) as woken:
                bench.may_end.set()
                async with asyncio.timeout(20):
                    await woken.wait()
            await bench.ended(operation_id)

    async def test_a_line_that_could_not_be_written_is_written_later(self, bench, monkeypatch):
        broken = threading.Event()
        real = operations.say

        def say(db, operation_id, said, now):
            said = list(said)
            if not broken.is_set() and any(one.text == "fragile" for one in said):
                broken.set()
                raise OSError("the disk was full for a moment")
            return real(db, operation_id, said, now)

        monkeypatch.setattr(operations, "say", say)

        async def handler(work):
            work.line("fragile")
            return await bench.hang(work)

        bench.handler = handler
        async with bench.working():
            operation_id = bench.begin()
            await bench.began.wait()
            await until_async(broken.is_set)
            bench.may_end.set()
            await bench.ended(operation_id)
        assert bench.events(operation_id) == [("line", "fragile"), ("result", "")]

    async def test_they_have_a_length(self, bench):
        async def handler(work):
            work.line("x" * 100_000)
            return {}

        bench.handler = handler
        async with bench.working():
            operation = await bench.ended(bench.begin(steps=()))
        assert len(bench.events(operation.id)[0][1]) == 4000


def test_steps_are_of_the_list():
    assert {str(state) for state in StepState} == {"waiting", "running", "done", "failed", "skipped"}


async def test_what_is_cancelled_while_it_waits_is_cleared_up(bench):
    """A release that its begin has made would prepare for ever."""
    operation_id = bench.begin()
    bench.cancel(operation_id)
    async with bench.working():
        operation = await bench.ended(operation_id)
    assert operation.state == S.CANCELLED
    assert bench.abandoned == [operation_id]
    assert bench.attempts == []


async def test_a_talkative_one_is_cut_short(bench, monkeypatch):
    monkeypatch.setattr(tasks, "MOST_LINES", 3)

    async def handler(work):
        for number in range(50):
            work.line(str(number))
        assert work.is_full
        return {}

    bench.handler = handler
    async with bench.working():
        operation = await bench.ended(bench.begin())
    lines = [text for kind, text in bench.events(operation.id) if kind == "line"]
    assert lines == ["0", "1", "2", "… more in the log"]


@pytest.mark.parametrize("is_good", [True, False])
async def test_an_end_that_was_written_and_broke_is_the_end(bench, monkeypatch, is_good):
    """The commit came through, its answer did not."""
    real = Work.write
    broken = []

    def write(work, action=None):
        real(work, action)
        if action is not None and not broken:
            broken.append(1)
            raise ConnectionError("the answer to the commit was lost")

    async def handler(work):
        monkeypatch.setattr(Work, "write", write)
        if not is_good:
            raise StepFailed("Cannot.")
        return {"release": 1}

    bench.handler = handler
    async with bench.working() as worker:
        operation = await bench.ended(bench.begin())
        await until_async(lambda: not worker._running)
    assert broken
    assert [kind for kind, _ in bench.events(operation.id)] == ["result" if is_good else "error"]
