"""The client for event loops is the other one, call for call."""

import asyncio
import inspect

import pytest
from tools import async_client

from tholos.client.aio import AsyncClient
from tholos.client.api import Client
from tholos.client.errors import Unreachable


def test_the_file_is_up_to_date():
    assert async_client.TARGET.read_text("utf-8") == async_client.formatted(), (
        "run: python tools/async_client.py"
    )


def _calls(kind):
    return {name for name, _ in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}


def test_it_has_every_call_with_the_same_arguments():
    assert _calls(AsyncClient) == _calls(Client)
    for name in _calls(Client):
        ours, theirs = (inspect.signature(getattr(kind, name)) for kind in (AsyncClient, Client))
        assert list(ours.parameters) == list(theirs.parameters), name


async def test_errors_are_the_same_and_the_loop_goes_on_meanwhile():
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(tick())
    async with AsyncClient("http://localhost:1") as client:
        with pytest.raises(Unreachable):
            await client.apps()
        with pytest.raises(Unreachable):
            async for _ in client.export_audit():
                pass
    beside.cancel()
    assert ticks > 0
