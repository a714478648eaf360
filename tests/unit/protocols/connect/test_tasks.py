from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.operations.models import Operation, OperationEvent, OperationState
from tholos.protocols.connect import tasks

AT = datetime(2026, 1, 1, tzinfo=UTC)
SAID = st.tuples(
    st.sampled_from(["line", "finding", "step", "error", "result"]),
    st.sampled_from(["", "environment", "start", "upload", "other"]),
    st.text(max_size=40),
    st.sampled_from(
        [{}, {"state": "running"}, {"state": "done", "seconds": 1}, {"message": "no", "where": "a.py:1"}]
    ),
)


def event(number, kind, step, text, data):
    return OperationEvent(operation_id="op_1", n=number, at=AT, kind=kind, step=step, text=text, data=data)


def operation(state, error=None):
    return Operation(id="op_1", state=state, error=error)


@given(st.lists(SAID, max_size=12), st.integers(0, 12))
def test_what_was_told_once_stays_as_it_is(said, cut):
    """Clients count lines and ask for those after a number."""
    events = [event(number, *one) for number, one in enumerate(said)]
    whole = tasks.lines_of(events)
    assert whole[: len(tasks.lines_of(events[:cut]))] == tasks.lines_of(events[:cut])
    assert not any("\n" in line or "\x1b" in line for line in whole)


@given(st.lists(st.text(max_size=5), max_size=5), st.integers(0, 9))
def test_only_what_is_not_known_is_told(lines, known):
    told = tasks.to_json(operation(OperationState.RUNNING), lines, known)
    assert (told["output"], told["last"]) == (lines[known:], len(lines))


def test_colours_of_a_terminal_are_taken_out():
    assert tasks.lines_of([event(1, "line", "", "\x1b[1;31mred\x1b[0m", {})]) == ["red"]


@pytest.mark.parametrize(
    ("state", "finished", "code", "error"),
    [
        ("queued", False, 0, ""),
        ("running", False, 0, ""),
        ("done", True, 0, ""),
        ("failed", True, 1, "Cannot build. (app.py:3)"),
        ("cancelled", True, 1, "It was cancelled."),
    ],
)
def test_how_it_ended(state, finished, code, error):
    failed = {"code": "x", "message": "Cannot build.", "where": "app.py:3"} if state == "failed" else None
    told = tasks.to_json(operation(OperationState(state), failed), [], 0)
    assert (told["finished"], told["code"], told["error"], told["result"]) == (finished, code, error, None)


def test_a_failure_ends_with_what_to_do():
    error = {
        "message": "Cannot start.",
        "where": "app.py:4",
        "fix": "Mend it.",
        "excerpt": "Traceback\nKeyError",
    }
    assert tasks.lines_of([event(1, "error", "", "", error)]) == [
        "Traceback", "KeyError", "Cannot start.", "  at app.py:4", "Mend it.",
    ]  # fmt: skip
