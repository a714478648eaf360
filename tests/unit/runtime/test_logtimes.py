"""Offsets and the times that belong to them."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from tholos.runtime.logtimes import LogTimes, read_times, times_file
from tholos_supervisor.times import PAIR, Times

TIMES = LogTimes((0, 100, 500), (1000.0, 1060.0, 5000.0))


def test_the_time_of_a_line():
    """That of the last pair at its offset or before it."""
    assert [TIMES.at(offset) for offset in (0, 99, 100, 499, 500, 10_000)] == [
        1000,
        1000,
        1060,
        1060,
        5000,
        5000,
    ]
    assert LogTimes().at(5) is None
    assert LogTimes((10,), (1.0,)).at(5) is None


def test_since():
    """The first pair of that time or later; a second before counts too."""
    assert [TIMES.since(when) for when in (0, 1000.5, 1002, 1060, 4000, 5000.9)] == [0, 0, 100, 100, 500, 500]
    assert TIMES.since(5002) is None
    assert LogTimes().since(5002) == 0


def test_what_the_supervisor_writes_is_read(tmp_path):
    log = tmp_path / "log"
    times = Times(str(log))
    times.note(0, 1000.0)
    times.note(100, 1060.25)
    assert read_times(log) == LogTimes((0, 100), (1000.0, 1060.25))
    assert times_file(log).name == "log.times"
    assert read_times(tmp_path / "none") == LogTimes()


@given(st.binary(max_size=200))
def test_any_file_is_read(tmp_path_factory, data):
    """Offsets grow, whatever is in it."""
    log = tmp_path_factory.mktemp("times") / "log"
    times_file(log).write_bytes(data)
    times = read_times(log)
    assert list(times.offsets) == sorted(set(times.offsets))
    assert len(times.offsets) <= len(data) // PAIR.size
    times.at(10**9)
    times.since(10.0)


def test_a_log_that_began_anew(tmp_path):
    log = tmp_path / "log"
    pairs = [(0, 1000), (500, 2000), (0, 3000), (50, 4000)]
    times_file(log).write_bytes(b"".join(struct.pack("<QQ", *pair) for pair in pairs))
    assert read_times(log) == LogTimes((0, 50), (3.0, 4.0))
