from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tholos.client.api import new_lines
from tholos.client.transport import split_lines


@settings(deadline=None, max_examples=100)
@given(st.lists(st.binary(max_size=6)))
def test_lines_do_not_depend_on_how_they_arrive(pieces):
    pieces = [piece for piece in pieces if piece]
    arriving = iter([*pieces, b""])
    found = list(split_lines(lambda size: next(arriving)))
    expected = b"".join(pieces).split(b"\n")
    assert found == (expected if expected[-1] else expected[:-1])


@settings(deadline=None, max_examples=100)
@given(st.lists(st.sampled_from("abc"), max_size=12), st.lists(st.sampled_from("xyz"), max_size=5))
def test_lines_after_a_break_are_given_once(given_lines, fresh):
    """The server sends its last lines, as many as were given; those among them that were given are left out."""
    log = [*given_lines, *fresh]
    again = log[-len(given_lines) :] if given_lines else log
    assert list(new_lines(iter(again), tuple(given_lines))) == fresh[-len(again) :]


def test_a_log_that_was_replaced_is_given_whole():
    assert list(new_lines(iter(["new 1", "new 2"]), ("old 1", "old 2", "old 3"))) == ["new 1", "new 2"]


def test_a_new_line_is_not_held_back():
    """It comes before the stream has given as many lines as were given before."""
    arriving = iter(["old 2", "fresh"])
    lines = new_lines(arriving, ("old 1", "old 2"))
    assert next(lines) == "fresh"


def test_a_replaced_log_is_not_held_back():
    lines = new_lines(iter(["other"]), ("old 1", "old 2"))
    assert next(lines) == "other"
