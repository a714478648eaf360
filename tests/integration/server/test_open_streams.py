"""What is open ends, or tells less, as soon as its reader may see less: of operations, and of states of apps."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from tholos.kit.notices import Notices
from tholos.operations import service as operations
from tholos.operations.service import Said, Subject


class Opened:
    def __init__(self) -> None:
        self.body, self.more = b"", asyncio.Event()

    async def send(self, message) -> None:
        self.body += message.get("body", b"")
        self.more.set()

    async def until(self, text: bytes) -> None:
        async with asyncio.timeout(20):
            while text not in self.body:
                self.more.clear()
                await self.more.wait()

    async def ended(self) -> None:
        async with asyncio.timeout(4):
            await asyncio.wait({self.task})
        assert self.task.exception() is None


class Site:
    """Ada's app and an operation on it; bob is an administrator for now."""

    def __init__(self, console) -> None:
        self.console = console
        self.app, _ = console.add_app("ada", "sales")
        self.admin, self.bob = console.by_token("admin"), console.by_token("bob")
        with console.database.write() as db:
            subject = Subject(self.app.id, "sales")
            begun = operations.begin(
                db, console.people.ada, "publish", subject, ("build",), {}, console.clock.now()
            )
        self.operation = begun.id

    def say(self, text: str) -> None:
        with self.console.database.write() as db:
            operations.say(db, self.operation, [Said("log", text)], self.console.clock.now())
        services = self.console.application.state.services
        services.get(Notices).publish(operations.topic(self.operation))

    async def make(self, role: str) -> None:
        body = f'{{"role": "{role}"}}'.encode()
        answer = await self.admin.send("PATCH", "/api/v1/accounts/bob", body)
        assert answer.status == 200, answer.text

    @asynccontextmanager
    async def opened(self, path):
        opened = Opened()
        scope = self.bob._scope("GET", path, b"")
        received = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive():
            if not received:
                await asyncio.Event().wait()
            return received.pop()

        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            opened.task = group.create_task(self.console.application(scope, receive, opened.send))
            yield opened
            opened.task.cancel()


@pytest.fixture
async def site(console):
    site = Site(console)
    await site.make("administrator")
    return site


async def test_an_operation_is_told_no_more_to_who_is_no_administrator_any_more(site):
    site.say("first words")
    async with site.opened(f"/api/v1/operations/{site.operation}/events") as opened:
        await opened.until(b"first words")
        await site.make("publisher")
        await opened.ended()
        site.say("second words")
    assert b"second words" not in opened.body


@pytest.mark.parametrize("what", ["operation", "apps"])
async def test_nothing_is_told_to_who_was_signed_out(site, what):
    paths = {"operation": f"/api/v1/operations/{site.operation}/events", "apps": "/api/v1/events?app=sales"}
    async with site.opened(paths[what]) as opened:
        await asyncio.sleep(0.3)
        answer = await site.admin.post("/api/v1/accounts/bob/sign-out", {"tokens": True})
        assert answer.status == 200
        await opened.ended()
    assert b"sales" not in opened.body


async def test_an_app_is_gone_for_who_may_not_see_it_any_more(site):
    async with site.opened("/api/v1/events?app=sales") as opened:
        await asyncio.sleep(0.3)
        await site.make("publisher")
        await opened.until(b'"sales"')
    told = json.loads(opened.body)
    assert told["state"] == ""
