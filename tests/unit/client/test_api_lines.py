from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tholos.client.errors import UnexpectedAnswer
from tholos.client.logs import LogLine, LogQuery, logs_path, parse_log_line
from tholos.client.transport import split_lines


@settings(deadline=None, max_examples=100)
@given(st.lists(st.binary(max_size=6)))
def test_lines_do_not_depend_on_how_they_arrive(pieces):
    pieces = [piece for piece in pieces if piece]
    arriving = iter([*pieces, b""])
    found = list(split_lines(lambda size: next(arriving)))
    expected = b"".join(pieces).split(b"\n")
    assert found == (expected if expected[-1] else expected[:-1])


def test_what_is_asked_of_a_log():
    asked = LogQuery(2, "ins_1", "error", "a b", "10m")
    path = logs_path("sales", 5, asked)
    assert path == (
        "/apps/sales/logs?format=json&lines=5&release=2&level=error&q=a+b&instance=ins_1&since=10m"
    )


def test_going_on_behind_a_line():
    """What was asked for holds on, but for the time that it began at; one instance stays the only one."""
    last = LogLine(7, "", "", 2, "ins_9", 100, "x")
    path = logs_path("sales", 5, LogQuery(level="error", since="10m"), last)
    assert path.endswith("&level=error&instance=ins_9&offset=100&first=8")
    assert logs_path("sales", 5, LogQuery(instance="ins_9"), last).endswith("&only=true")


@pytest.mark.parametrize("line", [b"no json", b"[]", b"{}", b'{"text": 1}', b'{"text": "x", "n": "1"}'])
def test_a_line_that_is_none(line):
    with pytest.raises(UnexpectedAnswer):
        parse_log_line(line)


def test_a_line():
    line = parse_log_line(
        b'{"text": "x", "n": 1, "at": null, "release": 2, "instance": "i", "offset": 2, "level": "error"}'
    )
    assert line == LogLine(1, "", "error", 2, "i", 2, "x")
