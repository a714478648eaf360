import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.kit.durations import parse_seconds, to_words


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("15m", 900), (" 2 H ", 7200), ("1d", 86_400), ("0", 0), ("", None), ("soon", None), ("-1", None), ("1w", None), ("1.5h", None)],
)  # fmt: skip
def test_spans_of_time_are_read(text, seconds):
    assert parse_seconds(text) == seconds


@given(st.integers(0, 10**8))
def test_what_is_written_is_read_back(seconds):
    assert parse_seconds(to_words(seconds)) == seconds


def test_the_shortest_words_are_taken():
    assert [to_words(one) for one in (0, 90, 900, 7200, 86_400, 0.5)] == [
        "0s",
        "90s",
        "15m",
        "2h",
        "1d",
        "0.5s",
    ]
