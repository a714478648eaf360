"""An app starts and its log is followed where the system has no inotify instance left."""

from __future__ import annotations

import asyncio
import errno
import os
from contextlib import aclosing

import pytest

from tholos.runtime import logs, probe, watching


@pytest.fixture(params=["told", "none left"])
def system(request, monkeypatch):
    if request.param == "told":
        return

    def none_left() -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(watching, "Inotify", none_left)


@pytest.mark.usefixtures("system")
async def test_a_socket_is_awaited(tmp_path):
    path = tmp_path / "app.sock"
    async with asyncio.timeout(5):
        waiting = asyncio.create_task(probe.wait_for_socket(path))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        path.touch()
        await waiting


@pytest.mark.usefixtures("system")
async def test_a_log_is_followed(tmp_path):
    path = tmp_path / "app.log"
    async with asyncio.timeout(5), aclosing(logs.follow(path, 0)) as lines:
        for text in (b"one\n", b"two\n"):
            waiting = asyncio.ensure_future(anext(lines))
            await asyncio.sleep(0.05)
            assert not waiting.done()
            with path.open("ab") as log:
                log.write(text)
            assert await waiting == text
