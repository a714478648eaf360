"""The life of an instance as pure transitions."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tholos_supervisor import lifecycle
from tholos_supervisor.lifecycle import BACKOFF, EXITED, FAILED, RUNNING, STOPPING, TRANSITIONS
from tholos_supervisor.model import End, spec_from


def make(restarts=2, stable_s=60.0):
    return spec_from(
        {
            "instance": "a",
            "argv": ["x"],
            "env": {},
            "cwd": "/",
            "log": "/log",
            "restarts": restarts,
            "stable_s": stable_s,
        }
    )


def running(spec):
    return lifecycle.started(lifecycle.fresh(spec), 7, 100.0)


def crash(spec, status, ran_s=0.2, exit_code=1):
    return lifecycle.ended(spec, status, End(exit_code, ran_s, seen=True), 200.0)


def test_crashes_in_a_row_are_tolerated_up_to_the_limit():
    """Each end waits twice as long as the one before; one more than ``restarts`` is FAILED."""
    spec = make(restarts=2)
    status = running(spec)
    waits = []
    while (status := crash(spec, status)).state == BACKOFF:
        waits.append(round(status.next_start_at - 200.0, 3))
        status = lifecycle.started(status, 8, 300.0)
    assert waits == [0.1, 0.2]
    assert (status.state, status.ends, status.exit_code) == (FAILED, 3, 1)
    assert status.reason == "exited with code 1 after 0.2 s; it ended by itself 3 times in a row"


def test_long_run_begins_the_count_anew():
    """An end after ``stable_s`` is the first one again."""
    spec = make(restarts=1)
    status = lifecycle.started(crash(spec, running(spec)), 8, 300.0)
    status = crash(spec, status, ran_s=61.0)
    assert (status.state, status.ends) == (BACKOFF, 1)
    assert lifecycle.proved_stable(lifecycle.started(status, 9, 400.0)).ends == 0


def test_no_end_is_tolerated_with_no_restarts():
    """``restarts`` of 0 means one start."""
    assert crash(make(restarts=0), running(make())).state == FAILED


@pytest.mark.parametrize(
    ("ends", "delay_s"), [(1, 0.1), (2, 0.2), (5, 1.6), (9, 25.6), (10, 30), (10**6, 30)]
)
def test_delays(ends, delay_s):
    """0.1 s, doubled each time, at most 30 s."""
    assert lifecycle.delay_s(ends) == pytest.approx(delay_s)


def test_stop():
    """A running one is ended first, a waiting one at once, an ended one not at all."""
    spec = make()
    stopping = lifecycle.stopping(running(spec), 150.0)
    assert stopping.state == STOPPING
    assert lifecycle.stopping(stopping, 151.0) is stopping
    exited = crash(spec, stopping, exit_code=-15)
    assert (exited.state, exited.exit_code, exited.ends) == (EXITED, -15, 0)
    assert exited.reason == "killed by SIGTERM after 0.2 s, after it was told to stop"
    assert lifecycle.stopping(crash(spec, running(spec)), 150.0).state == EXITED
    assert lifecycle.stopping(exited, 160.0) is exited


@pytest.mark.parametrize(
    ("end", "text"),
    [
        (End(0, 0.25, seen=True), "exited with code 0 after 0.2 s"),
        (End(-9, 3600.0, seen=True), "killed by SIGKILL after 3600 s"),
        (End(-63, 1.0, seen=True), "killed by signal 63 after 1.0 s"),
        (
            End(None, 1.0, seen=True),
            "ended with an unknown exit code, because the supervisor was restarted meanwhile",
        ),
        (End(None, 1.0, seen=False), "ended while the supervisor was away, with an unknown exit code"),
    ],
)
def test_descriptions(end, text):
    """Every end has a clause for people."""
    assert lifecycle.describe(end) == text


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.sampled_from(["start", "fail", "crash", "long", "stop", "stable"]), max_size=30))
def test_every_path_stays_in_the_table(events):
    """Whatever happens in whatever order: only steps of the table, a pid exactly while something runs."""
    spec = make(restarts=3)
    status = lifecycle.fresh(spec)
    for event in events:
        before = status
        if event == "start" and status.state == BACKOFF:
            status = lifecycle.started(status, 7, 1.0)
        elif event == "fail" and status.state in {BACKOFF, RUNNING}:
            status = lifecycle.not_started(status, "no", 1.0)
        elif event in {"crash", "long"} and status.state in {RUNNING, STOPPING}:
            status = crash(spec, status, ran_s=99.0 if event == "long" else 0.0)
        elif event == "stop":
            status = lifecycle.stopping(status, 1.0)
        elif event == "stable" and status.state == RUNNING:
            status = lifecycle.proved_stable(status)
        assert status is before or status.state in TRANSITIONS[before.state]
        assert (status.pid is not None) == (status.state in {RUNNING, STOPPING})
        assert (status.next_start_at is not None) <= (status.state == BACKOFF)
        assert status.ends <= spec.restarts + 1


def test_step_outside_the_table_is_a_bug():
    """What has ended for good cannot be started."""
    failed = crash(make(restarts=0), running(make()))
    with pytest.raises(ValueError, match="failed cannot become running"):
        lifecycle.started(failed, 9, 1.0)


def test_without_its_secrets_it_is_over():
    """It has EXITED where it would have been started again, and FAILED where it would not."""
    spec = make(restarts=1)
    end = End(1, 0.2, seen=True)
    status = lifecycle.ended(spec, running(spec), end, 200.0, lacks_secrets=True)
    assert (status.state, status.ends, status.next_start_at) == (EXITED, 1, None)
    assert status.reason == f"exited with code 1 after 0.2 s; {lifecycle.NO_SECRETS_LEFT}"
    status = lifecycle.ended(make(restarts=0), running(spec), end, 200.0, lacks_secrets=True)
    assert status.state == FAILED
    waiting = crash(spec, running(spec))
    assert lifecycle.not_restarted(waiting).state == EXITED
    told = lifecycle.ended(spec, lifecycle.stopping(running(spec), 1.0), end, 200.0, lacks_secrets=True)
    assert told.reason.endswith("after it was told to stop")


def test_one_that_waits_is_not_started_again():
    """Whoever asked for it asks for another one, if it is still wanted."""
    spec = make()._replace(waits=True)
    status = lifecycle.warmed(running(spec))
    assert (status.waits, status.is_warm) == (True, True)
    ended = crash(spec, status)
    assert (ended.state, ended.waits, ended.is_warm) == (FAILED, True, False)
    assert "while it waited" in ended.reason
    assert lifecycle.gone_on(status)._replace(reason="") == running(make())._replace(reason="")
