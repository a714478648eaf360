"""What the front door does with a request for an app that is not quite there."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from types import SimpleNamespace

import pytest

from tholos.access import door
from tholos.access.door import Door
from tholos.instances.errors import AppNotServing
from tholos.instances.serving import Serving, ServingTable

GONE = Serving(
    "app_1", "sales", "acc_1", "listed", 0, 0, release=3, instance="", address="", state="", reason=""
)
STARTING = replace(GONE, state="starting")
READY = replace(GONE, instance="ins_2", address="unix:/run/2", state="ready")


@pytest.fixture
def table():
    return ServingTable(None)


@pytest.fixture
def front_door(table):
    cookies = SimpleNamespace(
        handle="h", app_pass="p", transaction="t", session="s", openid="o", instance="i"
    )
    site = SimpleNamespace(cookies=cookies, app_url="http://{name}.localhost", url="", is_secure=False)
    return Door(None, None, site, table, None, None, console_address="", console_hosts=frozenset(), hold_s=5)


async def test_an_instance_that_was_lost_is_waited_for(front_door, table):
    """After the machine was off, the row tells of an instance that is gone; the next one is started in a moment."""
    await table.replace([GONE])
    answer = asyncio.create_task(front_door._await_address("sales", GONE, 1))
    for row in (STARTING, READY):
        await asyncio.sleep(0)
        assert not answer.done()
        await table.put("app_1", [row])
    assert await answer == READY


async def test_an_app_that_nobody_starts_is_told_of(front_door, table, monkeypatch):
    monkeypatch.setattr(door, "NOTICED_S", 0.01)
    await table.replace([GONE])
    with pytest.raises(AppNotServing, match=re.escape("sales does not run")):
        await front_door._await_address("sales", GONE, 0)


async def test_an_app_without_a_release_is_told_of_at_once(front_door, table):
    empty = replace(GONE, release=0)
    await table.replace([empty])
    with pytest.raises(AppNotServing, match="no release"):
        await front_door._await_address("sales", empty, 0)
