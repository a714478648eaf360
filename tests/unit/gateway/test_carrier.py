"""The carrier without a listener; with one it is an integration test."""

import asyncio

from tholos.gateway.carrier import Carrier, new_event_loop
from tholos.gateway.model import Answer


async def test_an_idle_carrier_closes_at_once():
    """With a drain that nobody needs."""

    async def decide(head, attempt):
        return Answer(200)

    carrier = Carrier(decide)
    assert carrier.under_way("x") == 0
    assert await carrier.drained("x", 0)
    carrier.recheck()
    async with asyncio.timeout(20):
        await carrier.close(30)


def test_the_loop_can_run():
    """Whichever it is."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(asyncio.sleep(0))
