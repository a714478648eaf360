"""Counting what is under way, and waiting for the last one."""

import asyncio

from tholos.gateway.tally import Tally


async def test_counts_by_label():
    """Each label for itself."""
    tally = Tally()
    tally.add("a")
    tally.add("a")
    tally.add("b")
    tally.remove("a")
    assert (tally.under_way("a"), tally.under_way("b"), tally.under_way("c")) == (1, 1, 0)


async def test_waits_for_the_last():
    """Every waiter of that label is woken, no other."""
    tally = Tally()
    tally.add("a")
    tally.add("b")
    async with asyncio.TaskGroup() as group:
        first = group.create_task(tally.drained("a", 5))
        second = group.create_task(tally.drained("a", 5))
        await asyncio.sleep(0)
        tally.remove("a")
    assert first.result()
    assert second.result()
    assert not await tally.drained("b", 0)
    assert await tally.drained("unknown", 0)


def test_it_is_known_since_when_nothing_is_under_way():
    clock = [10.0]
    tally = Tally(lambda: clock[0])
    assert (tally.idle_s("a"), tally.begun("a")) == (None, 0)
    tally.add("a")
    tally.add("a")
    tally.remove("a")
    clock[0] = 20.0
    assert tally.idle_s("a") == 0
    tally.remove("a")
    clock[0] = 25.0
    assert (tally.idle_s("a"), tally.begun("a"), tally.under_way("a")) == (5.0, 2, 0)
    tally.forget("a")
    assert (tally.idle_s("a"), tally.begun("a")) == (None, 0)
