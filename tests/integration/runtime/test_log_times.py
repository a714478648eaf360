"""When the bytes of a log came: noted beside it while it grows, by notification, bounded, across holes and new beginnings."""

import itertools
import os
import struct
import time

import pytest

from tholos.testing.waiting import until
from tholos_supervisor import growth, logfile, tending
from tholos_supervisor.growth import Growth
from tholos_supervisor.loop import Loop
from tholos_supervisor.tending import TendedLog
from tholos_supervisor.times import MOST_PAIRS, Times

LIMIT = 1 << 20


def pairs_of(path):
    beside = path.with_name(f"{path.name}.times")
    data = beside.read_bytes() if beside.exists() else b""
    assert len(data) % 16 == 0
    return [(offset, when / 1000) for offset, when in struct.iter_unpack("<QQ", data)]


def do(_deed, call):
    call()


@pytest.fixture
def loop():
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture
def tended(loop, tmp_path):
    """A log, what tends it, and how to let time pass."""
    told = Growth(loop)
    log = TendedLog(str(tmp_path / "log"), LIMIT, loop, told, do)

    def run(seconds):
        loop.after(seconds, loop.stop)
        loop.run()

    yield log, run
    told.close()


def test_each_burst_has_its_time(tended, tmp_path):
    """What is written after a rest is noted with the moment it came, from where it begins; a rest notes nothing."""
    log, run = tended
    began = time.time()
    os.write(log.fd, b"one\n")
    run(1.5)
    again = time.time()
    os.write(log.fd, b"two\n")
    run(1.5)
    log.close()
    pairs = pairs_of(tmp_path / "log")
    assert [offset for offset, _ in pairs] == [0, 4]
    assert pairs[0][1] == pytest.approx(began, abs=0.2)
    assert pairs[1][1] == pytest.approx(again, abs=0.2)


def test_a_log_that_grows_is_noted_about_once_a_second(tended, loop, tmp_path):
    log, run = tended

    def write():
        os.write(log.fd, b"x" * 99 + b"\n")
        loop.after(0.02, write)

    write()
    run(3.5)
    pairs = pairs_of(tmp_path / "log")
    assert 3 <= len(pairs) <= 5
    assert all(0.9 <= b[1] - a[1] <= 1.5 for a, b in itertools.pairwise(pairs))


def test_a_log_that_rests_costs_nothing(tended, loop, monkeypatch):
    """Once it rests, nobody looks at it."""
    log, run = tended
    os.write(log.fd, b"one\n")
    run(1.5)
    looks = []
    monkeypatch.setattr(TendedLog, "_look", lambda _: looks.append(1))
    run(6.0)
    assert looks == []
    assert loop._wait_s() > 1000


def test_where_nobody_tells_one_looks(loop, tmp_path, monkeypatch):
    """Without inotify the log is still noted, as often as one looks."""

    def refuse():
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(growth.native, "inotify_init", refuse)
    monkeypatch.setattr(tending, "LOOK_AGAIN_S", (0.1, 0.1))
    log = TendedLog(str(tmp_path / "log"), LIMIT, loop, Growth(loop), do)
    os.write(log.fd, b"one\n")
    loop.after(0.5, loop.stop)
    loop.run()
    log.close()
    assert [offset for offset, _ in pairs_of(tmp_path / "log")] == [0]


def test_the_last_words_have_a_time(tended, tmp_path):
    """Also where a process ends before anybody looked."""
    log, _ = tended
    os.write(log.fd, b"one\n")
    log.close()
    assert [offset for offset, _ in pairs_of(tmp_path / "log")] == [0]


def test_a_log_that_is_cut_begins_anew(tended, tmp_path):
    log, run = tended
    os.write(log.fd, b"x" * 1000)
    run(1.5)
    os.truncate(tmp_path / "log", 0)
    os.write(log.fd, b"new\n")
    run(1.5)
    assert [offset for offset, _ in pairs_of(tmp_path / "log")] == [0]


def test_without_holes_the_times_move_too(tended, tmp_path, monkeypatch):
    """Where a log begins anew because it is too long, what is kept of it keeps its time."""
    log, run = tended

    def refuse(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(logfile.native, "punch_hole", refuse)
    began = time.time()
    os.write(log.fd, (b"x" * 99 + b"\n") * 5000)
    run(1.5)
    again = time.time()
    os.write(log.fd, (b"y" * 99 + b"\n") * 10_000)
    run(1.5)
    os.write(log.fd, b"z\n")
    run(0.5)
    data = (tmp_path / "log").read_bytes()
    assert len(data) < LIMIT
    pairs = pairs_of(tmp_path / "log")
    (first, when), (last, _) = pairs[0], pairs[-1]
    assert data[:first] == b"[tholos] older output was removed\n"
    assert when == pytest.approx(again, abs=0.3)
    assert when > began + 1
    assert data[last:] == b"z\n"


def test_the_file_is_bounded_and_whole(tmp_path):
    """However long a log grows; a pair that was torn by a full disk is dropped."""
    times = Times(str(tmp_path / "log"))
    for n in range(3 * MOST_PAIRS):
        times.note(n * 10, 1_000_000.0 + n)
        if n == 10:
            with (tmp_path / "log.times").open("ab") as file:
                file.write(b"torn")
    pairs = pairs_of(tmp_path / "log")
    assert len(pairs) <= MOST_PAIRS
    assert pairs == sorted(pairs)
    assert pairs[0] == (0, 1_000_000.0)
    assert pairs[-1] == ((3 * MOST_PAIRS - 1) * 10, 1_000_000.0 + 3 * MOST_PAIRS - 1)
    assert not (tmp_path / "log.times.new").exists()


async def test_a_real_process_has_times(home, launcher):
    """The supervisor notes them for what it starts, and its file is private."""
    code = "import time; print('one', flush=True); time.sleep(1.5); print('two', flush=True); time.sleep(99)"
    await launcher.start(home.spec("one", code))
    path = home.run / "one.log"
    until(lambda: "two" in home.log("one"))
    until(lambda: len(pairs_of(path)) == 2)
    pairs = pairs_of(path)
    assert path.read_bytes()[pairs[1][0] :] == b"two\n"
    assert pairs[1][1] == pytest.approx(time.time(), abs=1.0)
    assert (home.run / "one.log.times").stat().st_mode & 0o777 == 0o600


def test_watching_again_what_is_watched(loop, tmp_path):
    """Two logs at one path are one to the system: the second is looked at."""
    told = Growth(loop)
    fd = os.open(tmp_path / "log", os.O_RDWR | os.O_CREAT)
    calls = []
    first = told.tell_once(fd, lambda: calls.append(1))
    assert first is not None
    assert told.tell_once(fd, lambda: calls.append(2)) is None
    os.write(fd, b"x")
    os.write(fd, b"x")
    loop.after(0.1, loop.stop)
    loop.run()
    assert calls == [1]
    told.forget(first)
    told.close()
    os.close(fd)
