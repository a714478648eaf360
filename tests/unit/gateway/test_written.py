"""What was written before stands in what is written now as if it were written now."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.gateway.written import Written, write

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_characters="\0")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_characters="\0")), inner),
)


@given(st.lists(st.tuples(VALUES, st.booleans())))
def test_nobody_sees_which_parts_were_written_before(parts):
    plain = {"parts": [part for part, _ in parts], "others": {"x": [part for part, _ in parts]}}
    mixed = [Written(write(part)) if is_written else part for part, is_written in parts]
    assert write({"parts": mixed, "others": {"x": mixed}}) == write(plain)
    assert json.loads(write(plain)) == plain


def test_what_is_no_json_is_told():
    with pytest.raises(TypeError, match="set is no JSON"):
        write({"a": {1, 2}})
