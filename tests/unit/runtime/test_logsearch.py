"""The last lines that fit, against reading all of a log line by line."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tholos.runtime import logsearch
from tholos.runtime.loglevels import Level, Levels
from tholos.runtime.logs import LONGEST_LINE, LogLine
from tholos.runtime.logsearch import Query, Sieve, contains, read_last
from tholos.runtime.logtimes import times_file
from tholos_supervisor.times import PAIR

LINE = st.sampled_from(
    [
        "INFO:root:one",
        "WARNING:root:two",
        "ERROR:root:three",
        "plain",
        "",
        "  indented",
        "Traceback (most recent call last):",
        '  File "app.py", line 3, in x',
        "KeyError: 'ünd'",
        "\x1b[31mERROR\x1b[0m in colour",
        "x" * 300,
        "DEBUG:root:four",
        "During handling of the above exception, another exception occurred:",
    ]
)
QUERY = st.builds(
    Query,
    text=st.sampled_from(["", "one", "ROOT", "ÜND", "error in", "x" * 280, "nowhere"]),
    level=st.sampled_from(Level),
)


def by_hand(lines, query):
    levels = Levels()
    told = [(n, levels.take(line), line) for n, line in enumerate(lines, 1)]
    return [
        (n, level, line) for n, level, line in told if level >= query.level and contains(line, query.text)
    ]


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LINE, max_size=60), QUERY, st.integers(1, 70), st.sampled_from([64, 700, 1 << 18]))
def test_the_same_as_by_hand(tmp_path, monkeypatch, lines, query, wanted, block):
    """Number, level, text and offset of each line, however a log is cut into blocks."""
    monkeypatch.setattr(logsearch, "BLOCK", block)
    path = tmp_path / "log"
    data = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(data + b"unfinished")
    found = read_last(path, wanted, query)
    assert [(one.n, one.level, one.text) for one in found.entries] == by_hand(lines, query)[-wanted:]
    assert all(data[one.start : one.end].decode() == f"{one.text}\n" for one in found.entries)
    assert (found.end, found.next_n) == (len(data), len(lines) + 1)
    if len(by_hand(lines, query)) > wanted:
        assert found.has_more


@given(st.lists(LINE, max_size=30), QUERY)
def test_what_comes_is_sieved_alike(lines, query):
    sieve, end, taken = Sieve(query, n=1), 0, []
    for line in lines:
        data = f"{line}\n".encode()
        end += len(data)
        taken.append(sieve.take(LogLine(data, end), 5.0))
    assert [(one.n, one.level, one.text) for one in taken if one] == by_hand(lines, query)


def write(path: Path, count: int) -> bytes:
    data = b"".join(b"line %d\n" % n for n in range(count))
    path.write_bytes(data)
    return data


def test_page_by_page(tmp_path):
    """Each page ends where the one after it begins, and together they are the log."""
    write(tmp_path / "log", 1000)
    before, pages = None, []
    while True:
        found = read_last(tmp_path / "log", 300, Query(), before)
        pages.insert(0, [one.text for one in found.entries])
        if not found.has_more:
            break
        before = found.entries[0].start
    assert [len(page) for page in pages] == [100, 300, 300, 300]
    assert [line for page in pages for line in page] == [f"line {n}" for n in range(1000)]


def test_before_the_middle_of_a_line(tmp_path):
    """Only whole lines count, wherever one says."""
    write(tmp_path / "log", 10)
    assert [one.text for one in read_last(tmp_path / "log", 2, Query(), 10).entries] == ["line 0"]
    assert read_last(tmp_path / "log", 2, Query(), 10**12).entries[-1].text == "line 9"
    assert read_last(tmp_path / "log", 2, Query(), 0).entries == ()


def test_since_begins_at_a_line(tmp_path):
    """What was noted in the middle of a line counts from the next one on."""
    path = tmp_path / "log"
    data = write(path, 100)
    pairs = [(0, 1000), (data.index(b"line 50") + 3, 9000)]
    times_file(path).write_bytes(b"".join(PAIR.pack(offset, when * 1000) for offset, when in pairs))
    found = read_last(path, 1000, Query(since=5000.0))
    assert found.entries[0].text == "line 51"
    assert found.entries[0].at == 9000
    assert not found.has_more
    assert read_last(path, 1000, Query(since=20_000.0)).entries == ()
    assert read_last(path, 1, Query(since=500.0)).has_more


def test_an_overlong_line_is_cut(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"a\n" + b"x" * (5 * LONGEST_LINE) + b"\nb\n")
    texts = [one.text for one in read_last(path, 10, Query()).entries]
    assert (texts[0], texts[-1]) == ("a", "b")
    assert len(texts[1]) < LONGEST_LINE + 100
    assert texts[1].endswith("bytes more")


@pytest.mark.parametrize("data", [b"", b"no end", b"\n", b"\xff\xfe\n"])
def test_odd_logs(tmp_path, data):
    (tmp_path / "log").write_bytes(data)
    found = read_last(tmp_path / "log", 5, Query())
    assert len(found.entries) == data.count(b"\n")
    assert read_last(tmp_path / "none", 5, Query()).entries == ()
    assert read_last(tmp_path / "log", 0, Query()).entries == ()
