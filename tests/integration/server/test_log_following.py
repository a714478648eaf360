"""Following an app's log by the API, without a socket: takeover, deletion, failure, and too many at once."""

import asyncio
import re
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tholos.apps import service as apps
from tholos.instances import following
from tholos.instances import service as instances
from tholos.kit.notices import Notices
from tholos.runtime.layout import Layout
from tholos.testing.rows import add_release


class Followed:
    """One stream as a client has it so far."""

    def __init__(self) -> None:
        self.status = 0
        self.body = b""
        self.more = asyncio.Event()
        self.has_ended = False

    async def send(self, message) -> None:
        self.status = message.get("status", self.status)
        self.body += message.get("body", b"")
        self.has_ended = message["type"] == "http.response.body" and not message.get("more_body")
        self.more.set()

    async def until(self, text: bytes) -> None:
        async with asyncio.timeout(20):
            while text not in self.body:
                self.more.clear()
                await self.more.wait()


class Logs:
    """An app with instances that write logs."""

    def __init__(self, console, folder) -> None:
        self.console, self.layout = console, Layout(folder)
        self.app, self.release = console.add_app("ada", "sales")
        self.asker = console.by_token("ada")

    def add_instance(self, text: bytes, release=None) -> Path:
        with self.console.database.write() as db:
            made = instances.create_instance(
                db, self.app, release or self.release, self.layout, self.console.clock.now()
            )
        self.console.clock.move(1)
        path = Path(made.log)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
        return path

    def switch(self):
        with self.console.database.write() as db:
            release = add_release(
                db, self.console.people.ada, apps.get_app(db, self.app.id), self.console.clock.now()
            )
            apps.switch(db, release.id, self.console.clock.now())
        return release

    def remove(self) -> None:
        with self.console.database.write() as db:
            instances.remove_of_app(db, self.app.id)
            apps.remove_app(db, self.app.id)

    def notice(self) -> None:
        self.console.application.state.services.get(Notices).publish(apps.TOPIC)

    @asynccontextmanager
    async def following(self, path="/api/v1/apps/sales/logs?follow=true"):
        followed = Followed()
        scope = self.asker._scope("GET", path, b"")
        received = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive():
            if not received:
                await asyncio.Event().wait()
            return received.pop()

        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            task = group.create_task(self.console.application(scope, receive, followed.send))
            followed.task = task
            yield followed
            task.cancel()


@pytest.fixture
def written(console, tmp_path):
    return Logs(console, tmp_path / "data")


async def test_what_is_added_comes(written):
    path = written.add_instance(b"one\ntwo\n")
    async with written.following() as followed:
        await followed.until(b"two\n")
        with path.open("ab") as log:
            log.write(b"three\n")
        await followed.until(b"three\n")
    assert followed.body == b"one\ntwo\nthree\n"
    assert not following.followers


async def test_the_last_words_come_before_the_next_log(written):
    """What the old instance wrote until another took over is not lost."""
    path = written.add_instance(b"one\n")
    async with written.following() as followed:
        await followed.until(b"one\n")
        release = written.switch()
        written.add_instance(b"next\n", release)
        with path.open("ab") as log:
            log.write(b"line\n" * 5000 + b"last words")
        written.notice()
        await followed.until(b"next\n")
    assert followed.body == b"one\n" + b"line\n" * 5000 + b"last words\nnext\n"


async def test_a_stream_goes_on_behind_the_last_event(written):
    """Whatever log took over meanwhile, no new line is left out and none comes twice; lines go on being counted."""
    first = written.add_instance(b"a1\na2\n")
    written.asker = written.asker.with_headers(accept="text/event-stream")
    page = f"/api/v1/apps/sales/logs?follow=true&format=json&lines=0&instance={first.stem.partition('-')[2]}&offset=6&first=3"
    async with written.following(page) as followed:
        release = written.switch()
        second = written.add_instance(b"b1\nb2\nb3\n", release)
        written.notice()
        await followed.until(b'"b3"')
        ids = re.findall(rb"^id: (.+)$", followed.body, re.MULTILINE)
        numbers = [int(n) for n in re.findall(rb'"n": (\d+)', followed.body)]
        assert numbers == [3, 4, 5]
    with second.open("ab") as log:
        log.write(b"b4\n")
    third = written.add_instance(b"c1\nc2\n", written.switch())
    written.asker = written.asker.with_headers(last_event_id=ids[-1].decode())
    async with written.following(page) as followed:
        await followed.until(b'"c2"')
        with third.open("ab") as log:
            log.write(b"c3\n")
        await followed.until(b'"c3"')
    assert re.findall(rb'"n": (\d+).*"text": "(\w+)"', followed.body) == [
        (b"6", b"b4"), (b"7", b"c1"), (b"8", b"c2"), (b"9", b"c3"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "last", ["", "7", "x:y:z", "inst_1:1", f"inst_1:{1 << 70}:1", "\u00fc:1:1", "inst_gone:3:1"]
)
async def test_a_last_event_that_is_none_of_ours(written, last):
    written.add_instance(b"one\ntwo\n")
    written.asker = written.asker.with_headers(accept="text/event-stream", last_event_id=last)
    async with written.following() as followed:
        await followed.until(b"data: two\n")


@pytest.mark.parametrize("files", ["stay", "go first"])
async def test_a_stream_ends_in_good_order_with_its_app(written, files):
    path = written.add_instance(b"one\n")
    async with written.following() as followed:
        await followed.until(b"one\n")
        if files == "go first":
            path.unlink()
            path.parent.rmdir()
            await asyncio.sleep(0.05)
        written.remove()
        written.notice()
        await asyncio.wait({followed.task})
        assert followed.task.exception() is None
        assert followed.has_ended
    assert followed.body == b"one\n"


async def test_a_failure_ends_the_stream_and_is_logged(written, monkeypatch, caplog):
    path = written.add_instance(b"one\n")
    async with written.following() as followed:
        await followed.until(b"one\n")
        with path.open("ab") as log:
            log.write(b"two\n")
        await followed.until(b"two\n")
        monkeypatch.setattr(following, "find_log", lambda *_: 1 / 0)
        written.notice()
        await asyncio.wait({followed.task})
        assert followed.task.exception() is None
        assert followed.has_ended
    assert "work_broke" in caplog.text


async def test_one_account_follows_an_app_only_so_often(written, monkeypatch):
    monkeypatch.setattr(following, "MOST_FOLLOWERS", 2)
    written.add_instance(b"one\n")
    url = "/api/v1/apps/sales/logs?follow=true"
    async with written.following() as one, written.following() as other:
        await one.until(b"one\n")
        await other.until(b"one\n")
        refused = await written.asker.get(url)
        assert (refused.status, refused.json["error"]["code"]) == (503, "too_many_followers")
        assert (await written.asker.get("/api/v1/apps/sales/logs")).status == 200
        async with Logs.following(written) as third:
            await asyncio.wait({third.task})
            assert third.status == 503
    async with written.following() as again:
        await again.until(b"one\n")


@pytest.mark.parametrize("how", ["a lower role", "disabled", "signed out"])
async def test_who_may_read_it_no_more_is_told_no_more(written, how):
    """At once, and not after the moment that one waits for news."""
    path = written.add_instance(b"one\n")
    admin = written.console.by_token("admin")
    async with written.following() as followed:
        await followed.until(b"one\n")
        if how == "a lower role":
            answer = await admin.send("PATCH", "/api/v1/accounts/ada", b'{"role": "viewer"}')
        elif how == "disabled":
            answer = await admin.post("/api/v1/accounts/ada/disable")
        else:
            answer = await admin.post("/api/v1/accounts/ada/sign-out", {"tokens": True})
        assert answer.status == 200, answer.text
        async with asyncio.timeout(4):
            await asyncio.wait({followed.task})
        with path.open("ab") as log:
            log.write(b"two\n")
        assert followed.task.exception() is None
        assert followed.has_ended
    assert followed.body == b"one\n"
