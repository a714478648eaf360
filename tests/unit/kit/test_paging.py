"""Cursors come back from whoever has them: what is not one of ours is refused, whatever it holds."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.kit.paging import CursorInvalid, from_cursor, to_cursor

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
NUMBERS = st.integers(0, (1 << 62) - 1)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    st.lists,
    max_leaves=5,
)


def cursor_of(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


@given(TEXTS, NUMBERS)
def test_a_key_comes_back_as_it_was(text, number):
    assert from_cursor(to_cursor(text, number), str, int) == (text, number)
    assert from_cursor(to_cursor(text), str) == (text,)


def test_no_cursor_is_no_key():
    assert from_cursor("", str) is None


@given(st.one_of(st.text(min_size=1), JSON.map(cursor_of)))
def test_anything_else_is_refused(cursor):
    try:
        key = from_cursor(cursor, str, int)
    except CursorInvalid:
        return
    text, number = key
    assert text.encode().count(b"\0") == 0
    assert type(number) is int


@pytest.mark.parametrize("text", ["\0", "a\0b", "\ud800", "a\udfff"])
def test_what_no_database_takes_is_refused(text):
    with pytest.raises(CursorInvalid):
        from_cursor(cursor_of([text]), str)


@pytest.mark.parametrize("number", [-1, 1 << 62, 1 << 200, True, 1.0])
def test_a_number_is_one_of_a_row(number):
    with pytest.raises(CursorInvalid):
        from_cursor(cursor_of([number]), int)


def test_one_that_is_nested_deeply_is_refused():
    with pytest.raises(CursorInvalid):
        from_cursor(base64.urlsafe_b64encode(b"[" * 200_000).decode(), str)
