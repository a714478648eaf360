"""Any number of logs are followed with one inotify instance, and without any where the system has none left."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
from contextlib import aclosing
from pathlib import Path

import pytest
from asyncinotify import Mask

from tholos.runtime import logs, probe, watching


@pytest.fixture(params=["told", "none left"])
def system(request, monkeypatch):
    if request.param == "told":
        return

    def none_left(**_) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(watching, "Inotify", none_left)


@pytest.mark.usefixtures("system")
async def test_a_socket_is_awaited(tmp_path):
    path = tmp_path / "app.sock"
    async with asyncio.timeout(20):
        waiting = asyncio.create_task(probe.wait_for_socket(path))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        path.touch()
        await waiting


@pytest.mark.usefixtures("system")
async def test_a_log_is_followed(tmp_path):
    path = tmp_path / "app.log"
    async with asyncio.timeout(20), aclosing(logs.follow(path, 0)) as lines:
        for text in (b"one\n", b"two\n"):
            waiting = asyncio.ensure_future(anext(lines))
            await asyncio.sleep(0.05)
            assert not waiting.done()
            with path.open("ab") as log:
                log.write(text)
            assert await waiting == text


def _instances() -> int:
    """How many inotify instances this process has."""
    found = 0
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found += entry.readlink().name == "anon_inode:inotify"
    return found


async def test_three_hundred_followers_share_one_instance(tmp_path):
    """The usual limit is 128 for a user."""
    before = _instances()
    paths = [tmp_path / f"{number}.log" for number in range(100)]
    for path in paths:
        path.write_bytes(b"one\n")
    async with asyncio.timeout(20), contextlib.AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(aclosing(logs.follow(path, 0))) for path in paths * 3]
        assert [await anext(stream) for stream in streams] == [b"one\n"] * 300
        assert _instances() == before + 1
        async with asyncio.TaskGroup() as group:
            waiting = [group.create_task(anext(stream)) for stream in streams]
            await asyncio.sleep(0.05)
            for path in paths:
                with path.open("ab") as log:
                    log.write(b"two\n")
        assert [task.result() for task in waiting] == [b"two\n"] * 300
    assert _instances() == before


async def test_a_watch_goes_with_the_last_who_wants_it(tmp_path):
    path = tmp_path / "file"
    path.touch()
    with watching.watching() as one:
        with watching.watching() as other:
            one.add(path, Mask.MODIFY)
            other.add(path, Mask.ATTRIB)
        path.write_bytes(b"x")
        async with asyncio.timeout(20):
            await one.wait()
        assert one.woken.is_set() is False
        path.unlink()
        async with asyncio.timeout(20):
            await one.wait()


async def test_in_a_folder_only_the_entry_that_is_meant_wakes(tmp_path):
    with watching.watching() as one, watching.watching() as other:
        one.add(tmp_path, Mask.CREATE, "one")
        other.add(tmp_path, Mask.CREATE, "other")
        (tmp_path / "one").touch()
        async with asyncio.timeout(20):
            await one.woken.wait()
        assert not other.woken.is_set()


async def test_where_no_watch_is_left_one_looks_again_and_again(tmp_path, monkeypatch):
    def none_left(*_) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(watching.Inotify, "add_watch", none_left)
    async with asyncio.timeout(20), aclosing(logs.follow(tmp_path / "log", 0)) as lines:
        asyncio.get_running_loop().call_later(0.05, (tmp_path / "log").write_bytes, b"one\n")
        assert await anext(lines) == b"one\n"
