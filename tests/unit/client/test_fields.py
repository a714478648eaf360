from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tholos.client.errors import UnexpectedAnswer
from tholos.client.fields import Fields
from tholos.client.model import App, Event, Instance, Operation, Release, Snapshot, Unchanged, Why
from tholos.client.signing_in import Server, SignIn

KEYS = st.sampled_from(
    ["id", "name", "state", "n", "kind", "number", "live", "word", "data", "steps", "result", "app"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=20,
)


def test_absent_and_null_are_the_default():
    read = Fields({"a": None}, "it")
    assert (read.text("a", "x"), read.number("b", 3), read.flag("a"), list(read.items("a"))) == (
        "x",
        3,
        False,
        [],
    )
    assert read.child("a") is None
    assert read.seconds("a") is None


@pytest.mark.parametrize("value", [{}, {"n": None}, {"n": "1"}, {"n": True}])
def test_what_must_be_there_must_have_its_type(value):
    with pytest.raises(UnexpectedAnswer) as caught:
        Fields(value, "an event").number("n")
    assert caught.value.where == "n"
    assert "an event" in caught.value.message


@settings(deadline=None, max_examples=25)
@given(VALUES)
@pytest.mark.parametrize(
    "kind", [App, Event, Instance, Operation, Release, Server, SignIn, Snapshot, Unchanged, Why]
)
def test_whatever_a_server_sends_is_read_or_refused(kind, value):
    with suppress(UnexpectedAnswer):
        assert kind.from_json(value)


def test_fields_that_a_newer_server_adds_are_ignored():
    event = Event.from_json({"n": 1, "kind": "line", "text": "hello", "colour": "blue"})
    assert (event.n, event.text, event.data, event.is_last) == (1, "hello", {}, False)
