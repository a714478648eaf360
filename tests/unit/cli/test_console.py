from __future__ import annotations

import io

import pytest

from tholos.cli.console import GREEN, Console, age_of, count_of, seconds_of, shorten, size_of


def console(**options) -> tuple[Console, io.StringIO, io.StringIO]:
    out, err = io.StringIO(), io.StringIO()
    return Console(out, err, **options), out, err


def test_columns_are_aligned_and_times_end_at_the_width():
    it, out, _ = console()
    it.row("Flask", "app:app in app.py:4")
    it.row("packages", "12 from uv.lock, all cached", "0.2 s")
    it.row("http://sales.localhost/")
    first, second, third = out.getvalue().splitlines()
    assert first == "  Flask         app:app in app.py:4"
    assert second == "  packages      12 from uv.lock, all cached" + " " * 32 + "0.2 s"
    assert len(second) == 80
    assert third == "  http://sales.localhost/"


def test_a_long_label_keeps_its_distance():
    it, out, _ = console()
    it.row("bob@example.org", "viewer")
    assert out.getvalue() == "  bob@example.org  viewer\n"


def test_a_text_that_leaves_no_room_keeps_its_time():
    it, out, _ = console(width=40)
    it.row("packages", "x" * 60, "0.2 s")
    assert out.getvalue() == f"  packages      {'x' * 60}  0.2 s\n"


def test_nothing_moves_where_there_is_no_terminal():
    it, out, err = console()
    it.progress("upload", 1, 2)
    it.status("building")
    it.row("a", colour=GREEN)
    assert (out.getvalue(), err.getvalue()) == ("  a\n", "")


def test_progress_is_taken_away_before_a_row():
    it, out, err = console(is_live=True)
    it.progress("upload", 500_000, 1_000_000)
    it.row("done")
    assert err.getvalue() == "\r\x1b[K  upload        ████████████░░░░░░░░░░░░  500 kB of 1.0 MB\r\x1b[K"
    assert out.getvalue() == "  done\n"


def test_progress_is_not_drawn_at_every_step():
    it, _, err = console(is_live=True)
    for done in range(100):
        it.progress("upload", done, 100)
    assert err.getvalue().count("\r") < 10


def test_progress_of_nothing_and_in_a_narrow_terminal():
    it, _, err = console(is_live=True, width=20)
    it.progress("upload", 0, 0)
    assert len(err.getvalue().removeprefix("\r\x1b[K")) == 19


def test_colour_surrounds_the_text_only():
    it, out, _ = console(has_colour=True)
    it.row("live", right="0.1 s", colour=GREEN)
    assert out.getvalue().startswith("\x1b[32m  live\x1b[0m ")


def test_table_columns_are_as_wide_as_their_widest():
    it, out, _ = console()
    it.table([("NAME", "URL"), ("sales", "http://x/")])
    assert out.getvalue() == "  NAME    URL\n  sales   http://x/\n"


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (123_456, "123 kB"),
        (2e9, "2.0 GB"),
        (5e12, "5.0 TB"),
    ],
)
def test_sizes(size, text):
    assert size_of(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, ""), (0.04, "0.0 s"), (59.9, "59.9 s"), (61, "1 min 1 s")]
)
def test_durations(seconds, text):
    assert seconds_of(seconds) == text


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        ("1970-01-01T00:00:00Z", "1 d ago"),
        ("1970-01-01T22:00:00Z", "2 h ago"),
        ("1970-01-01T23:58:00Z", "2 min ago"),
        ("1970-01-01T23:59:59Z", "1 s ago"),
        ("1970-01-03T00:00:00Z", "0 s ago"),
        ("soon", "soon"),
    ],
)
def test_ages(instant, text):
    assert age_of(instant, now=86400.0) == text


def test_counts_and_cuts():
    assert (count_of(1, "file"), count_of(1200, "file")) == ("1 file", "1,200 files")
    assert (shorten("abc", 3), shorten("abcd", 3)) == ("abc", "ab…")
