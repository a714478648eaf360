"""Moments as people write them, and what a deed changed in one line."""

from datetime import UTC, datetime

import pytest

from tholos.cli.audit import changes_of, moment_of, write_lines
from tholos.client.deeds import AuditEntry

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10m", "2026-03-01T11:50:00+00:00"),
        ("2h", "2026-03-01T10:00:00+00:00"),
        (" 7d ", "2026-02-22T12:00:00+00:00"),
        ("2w", "2026-02-15T12:00:00+00:00"),
        ("2026-02-01", "2026-02-01"),
        ("yesterday", "yesterday"),
        ("", ""),
    ],
)
def test_spans_are_counted_from_now(text, expected):
    assert moment_of(text, NOW) == expected


@pytest.mark.parametrize(
    ("before", "after", "note", "expected"),
    [
        (None, None, "", ""),
        (None, {"role": "viewer"}, "", "role: viewer"),
        ({"role": "viewer", "same": 1}, {"role": "publisher", "same": 1}, "", "role: viewer → publisher"),
        ({"url": "x"}, None, "", "url: x →"),
        (None, {"n": 1}, "line one\nline two", "line one line two; n: 1"),
    ],
)
def test_changes_are_told_in_one_line(before, after, note, expected):
    entry = AuditEntry(1, "", "ada", "app.changed", "", "app", "sales", "app_1", before, after, note, "")
    assert changes_of(entry) == expected


def test_a_file_is_there_whole_or_not_at_all(tmp_path):
    path = tmp_path / "audit.csv"
    path.write_text("old")

    def lines():
        yield b"one"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        write_lines(path, lines())
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["audit.csv"]
    assert write_lines(path, [b"one", b"two"]) == 2
    assert path.read_bytes() == b"one\ntwo\n"
