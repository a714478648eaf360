"""The stream of states of apps: nothing that changes while it opens is lost."""

import asyncio

from tholos.apps import service as apps
from tholos.apps.models import AppState
from tholos.console import live
from tholos.kit.notices import Notices


async def test_a_change_while_the_stream_opens_is_told(console, monkeypatch):
    """Between what was read first and the watch there is no moment in which a notice is heard by nobody."""
    app, _ = console.add_app("ada", "sales")
    services, read = console.application.state.services, live._states
    opened = asyncio.Event()
    loop = asyncio.get_running_loop()
    has_changed = []

    def states(call, names):
        found = read(call, names)
        if not has_changed:
            has_changed.append(True)
            with console.database.write() as db:
                apps.set_state(db, app.id, AppState.FAILING, "It ended.", console.clock.now())
            services.get(Notices).publish(apps.TOPIC)
        return found

    monkeypatch.setattr(live, "_states", states)
    body = bytearray()

    async def send(message):
        body.extend(message.get("body", b""))
        if b'"failing"' in body:
            loop.call_soon(opened.set)

    await follow(console, "app=sales", send, opened)


async def test_what_instances_use_is_told_while_somebody_watches(console, monkeypatch):
    console.add_app("ada", "sales")
    monkeypatch.setattr(live, "MEASURED_EVERY_S", 0.01)
    told = asyncio.Event()

    async def send(message):
        if b'{"app": "sales", "items": [' in message.get("body", b""):
            told.set()

    await follow(console, "app=sales&measured=sales", send, told)


async def follow(console, query, send, until):
    """Read the stream until something was told."""
    asker = console.by_token("ada")
    received = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive():
        if not received:
            await asyncio.Event().wait()
        return received.pop()

    scope = asker._scope("GET", f"/api/v1/events?{query}", b"")
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        task = group.create_task(console.application(scope, receive, send))
        async with asyncio.timeout(20):
            await until.wait()
        task.cancel()
