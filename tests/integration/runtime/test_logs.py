"""Logs on a real disk: bounded, followed without polling, read across holes."""

import asyncio
import os
import time
from contextlib import aclosing

import pytest

from tholos.runtime import logs
from tholos.runtime.model import ProcessState
from tholos.testing.launcher import wait_for
from tholos.testing.waiting import until
from tholos_supervisor import logfile, native
from tholos_supervisor.logfile import LogFile

LIMIT = 1 << 20
LINE = b"x" * 99 + b"\n"
FLOOD = """
import os, time
for number in range(24 * 10):
    os.write(1, b"".join(b"%07d %s\\n" % (number * 1000 + n, b"x" * 92) for n in range(1000)))
    time.sleep(0.005)
print("done", flush=True)
time.sleep(1000)
"""
PRINTER = """
import os, time
number = 0
while True:
    os.write(1, b"".join(b"%09d %s\\n" % (number + n, b"x" * 90) for n in range(100)))
    number += 100
    time.sleep(0.01)
"""


async def test_flood_is_bounded_on_disk(home, launcher):
    """24 MB, written as fast as can be, hold about the limit on the disk, and offsets stay as they were."""
    await launcher.start(home.spec("one", FLOOD, log_limit=LIMIT))
    path = home.run / "one.log"
    disks = []
    until(lambda: disks.append(home.disk("one")) or logs.read_tail(path, 1).lines == ("done",), 60)
    until(lambda: home.disk("one") < LIMIT * 1.3)
    assert max(disks) < 12 * LIMIT
    assert path.stat().st_size > 24_000_000
    tail = logs.read_tail(path, 3)
    assert [line[:7] for line in tail.lines] == ["0239998", "0239999", "done"]
    assert tail.end == path.stat().st_size
    assert logs.read_tail(path, 10**9).lines[0].startswith("0")
    async with asyncio.timeout(20):
        first = await anext(logs.follow(path, 0))
    assert len(first) == 101
    assert first[:7].isdigit()


async def test_megabyte_a_second_is_followed_without_loss(home, launcher):
    """Who follows from the beginning gets every line once, in order, while old ones are given back."""
    await launcher.start(home.spec("one", PRINTER, log_limit=LIMIT))
    numbers = []
    async with asyncio.timeout(20):
        async for line in logs.follow(home.run / "one.log", 0):
            if line[:9].isdigit():
                numbers.append(int(line[:9]))
            if len(numbers) == 25_000:
                break
    assert numbers == list(range(25_000))
    until(lambda: home.disk("one") < LIMIT * 1.5)


async def test_follow_waits_for_growth_and_birth(tmp_path):
    """A log that is not there yet is waited for; a line comes when it is complete, within milliseconds."""
    path = tmp_path / "log"
    found = []

    async def read():
        async for line in logs.follow(path, 0):
            found.append((line, time.monotonic()))
            if line == b"last\n":
                return

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        task = group.create_task(read())
        await asyncio.sleep(0.05)
        with path.open("ab", buffering=0) as file:
            for piece in (b"one\ntw", b"o\n", "ü".encode()[:1], "ü".encode()[1:] + b"\n", b"last\n"):
                file.write(piece)
                written = time.monotonic()
                await asyncio.sleep(0.02)
        await task
    assert [line for line, _ in found] == [b"one\n", b"two\n", "ü\n".encode(), b"last\n"]
    assert found[-1][1] - written < 0.015


async def test_follow_goes_on_from_an_offset(tmp_path):
    """Each line tells where to go on; nothing is missed or repeated."""
    path = tmp_path / "log"
    path.write_bytes(b"one\ntwo\nthree\n")
    first = await anext(logs.follow_lines(path, 0))
    assert (first.data, first.end) == (b"one\n", 4)
    assert await anext(logs.follow(path, first.end)) == b"two\n"
    tail = logs.read_tail(path, 1)
    assert tail == logs.Tail(("three",), 14)


@pytest.mark.parametrize("inside", [4, 5, 7])
async def test_follow_from_within_a_line_begins_with_all_of_it(tmp_path, inside):
    path = tmp_path / "log"
    path.write_bytes(b"one\ntwo\nthree\n")
    assert await anext(logs.follow(path, inside)) == b"two\n"


async def test_follow_from_within_an_overlong_line(tmp_path):
    """What its pieces say of where they end is good to go on from; far behind its beginning the rest is passed over."""
    path = tmp_path / "log"
    path.write_bytes(b"one\n" + "€".encode() * (2 << 20) + b"\nlast\n")
    stream = logs.follow_lines(path, 0)
    pieces = [await anext(stream) for _ in range(4)]
    assert await anext(logs.follow(path, pieces[1].end)) == pieces[2].data
    for offset in (pieces[1].end + 1, pieces[2].end - 1):
        assert await anext(logs.follow(path, offset)) == pieces[2].data
    assert await anext(logs.follow(path, 3 << 20)) == b"last\n"


@pytest.mark.parametrize("rotate", ["truncate", "replace", "remove"])
async def test_follow_survives_rotation(tmp_path, rotate):
    """A log that is cut short or replaced is read from its new beginning, after the old one's end."""
    path = tmp_path / "log"
    path.write_bytes(b"a long first line\nlast\n")
    stream = logs.follow(path, 0)
    async with asyncio.timeout(20):
        assert [await anext(stream), await anext(stream)] == [b"a long first line\n", b"last\n"]
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0.02)
        if rotate == "truncate":
            os.truncate(path, 0)
        elif rotate == "replace":
            path.rename(tmp_path / "old")
        else:
            path.unlink()
        with path.open("ab") as file:
            file.write(b"new\n")
        assert await waiting == b"new\n"
    await stream.aclose()


def test_tail(tmp_path):
    """Whole last lines, however long the log; none where there is none."""
    path = tmp_path / "log"
    assert logs.read_tail(path, 5) == logs.Tail((), 0)
    path.write_bytes(b"".join(b"%06d\n" % number for number in range(100_000)) + b"unfinished")
    assert logs.read_tail(path, 3) == logs.Tail(("099997", "099998", "099999"), 700_000)
    assert logs.read_tail(path, 0).lines == ()
    assert len(logs.read_tail(path, 50_000).lines) == 50_000
    path.write_bytes(b"y" * 200_000)
    tail = logs.read_tail(path, 9)
    assert [len(line) for line in tail.lines] == [64 << 10] * 3
    assert tail.end == 3 * (64 << 10)


def punched(path, lines, end):
    path.write_bytes(LINE * lines)
    with path.open("r+b") as file:
        native.punch_hole(file.fileno(), 0, end)


async def test_hole_is_passed_over(tmp_path):
    """Behind a hole reading begins with the first whole line, at its true offset."""
    path = tmp_path / "log"
    punched(path, 1000, 40_960)
    assert path.stat().st_size == 100_000
    first = await anext(logs.follow_lines(path, 0))
    assert (first.data, first.end) == (LINE, 41_100)
    assert len(logs.read_tail(path, 10_000).lines) == 590
    assert await anext(logs.follow(path, 50_000)) == LINE


async def test_hole_that_ends_inside_a_block_is_passed_over(tmp_path):
    """Zeros that a coarser file system leaves behind a hole are no text."""
    path = tmp_path / "log"
    punched(path, 1000, 40_960 + 300)
    first = await anext(logs.follow_lines(path, 0))
    assert (first.data, first.end) == (LINE, 41_400)
    assert logs.read_tail(path, 10_000).lines[0] == LINE.decode().strip()


def test_limit_gives_back_in_steps(tmp_path):
    """The newest bytes up to the limit stay, the file keeps its size, and what is young is not touched."""
    log = LogFile(str(tmp_path / "log"), LIMIT)
    os.write(log.fd, LINE * 10_000)
    log.trim()
    assert os.fstat(log.fd).st_blocks * 512 >= 1_000_000
    os.write(log.fd, LINE * 30_000)
    log.trim()
    found = os.fstat(log.fd)
    assert found.st_size == 4_000_000
    assert LIMIT <= found.st_blocks * 512 <= LIMIT * 1.1
    log.close()


def test_no_holes_keeps_the_newer_half(tmp_path, monkeypatch):
    """Where the file system has none the log begins anew with a line that says so, and goes on."""

    def refuse(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(logfile.native, "punch_hole", refuse)
    log = LogFile(str(tmp_path / "log"), LIMIT)
    os.write(log.fd, LINE * 30_000)
    log.trim()
    os.write(log.fd, b"next\n")
    log.close()
    data = (tmp_path / "log").read_bytes()
    assert data.startswith(b"[tholos] older output was removed\n" + LINE)
    assert data.endswith(LINE + b"next\n")
    assert LIMIT // 2 - 200 < len(data) < LIMIT // 2 + 200


def test_marks_stand_on_lines_of_their_own(tmp_path):
    """Also after output that does not end its line."""
    log = LogFile(str(tmp_path / "log"), LIMIT)
    log.mark("started, pid 1")
    os.write(log.fd, b"unfinished")
    log.mark("exited")
    log.close()
    assert (tmp_path / "log").read_text() == "[tholos] started, pid 1\nunfinished\n[tholos] exited\n"


async def test_traceback_of_a_crash(home, launcher):
    """A crashed app's error and place are found in its log, from where its release began."""
    (home.run / "app.py").write_text("def total(row):\n    return row['total']\n\ntotal({})\n")
    code = "import sys; sys.path.insert(0, '.'); import app"
    await launcher.start(home.spec("one", code, restarts=0))
    await wait_for(launcher, "one", ProcessState.FAILED)
    path = home.run / "one.log"
    found = logs.first_traceback(path, 0, str(home.run))
    assert found is not None
    assert (found.error, found.where) == ("KeyError: 'total'", "app.py:2")
    assert logs.first_traceback(path, path.stat().st_size, str(home.run)) is None
    assert logs.first_traceback(home.run / "none", 0, str(home.run)) is None


@pytest.mark.parametrize("when", ["before", "while it waits"])
async def test_follow_ends_at_the_present_end(tmp_path, when):
    """Once it is over, all that the log has comes, what is unfinished too; not what is written later."""
    path = tmp_path / "log"
    path.write_bytes(b"one\ntwo\nthr")
    until = logs.Until()
    if when == "before":
        until.end()
    async with asyncio.timeout(20), aclosing(logs.follow(path, 0, until)) as stream:
        assert [await anext(stream), await anext(stream)] == [b"one\n", b"two\n"]
        asyncio.get_running_loop().call_later(0.02, until.end)
        assert [line async for line in stream] == [b"thr\n"]
    async with asyncio.timeout(20), aclosing(logs.follow(tmp_path / "none", 0, until)) as stream:
        assert [line async for line in stream] == []


async def test_follow_of_a_flood_ends_too(tmp_path):
    """Who writes faster than is read does not hold up the end."""
    path = tmp_path / "log"
    until = logs.Until()
    path.write_bytes(LINE * 2000)
    count = 0
    async with asyncio.timeout(20):
        async for _ in logs.follow(path, 0, until):
            count += 1
            if count == 10:
                until.end()
            if count % 10 == 0:
                with path.open("ab") as file:
                    file.write(LINE * 20)
    assert 2000 <= count < 10_000
