"""Work that goes on."""

import asyncio

import pytest

from tholos.kit.errors import Unavailable
from tholos.kit.persistence import attempt, go_on


async def test_it_is_done_again_until_it_ends() -> None:
    errors: list[Exception] = [Unavailable("not yet"), OSError("disk"), ValueError("odd")]
    done: list[int] = []

    async def work() -> None:
        done.append(1)
        if errors:
            raise errors.pop()

    await go_on(work, pause_s=0)
    assert len(done) == 4


async def test_one_attempt_says_whether_it_came_to_its_end() -> None:
    async def good() -> None:
        await asyncio.sleep(0)

    async def bad() -> None:
        raise OSError

    assert await attempt(good)
    assert not await attempt(bad)


async def test_cancellation_is_no_failure() -> None:
    task = asyncio.create_task(go_on(lambda: asyncio.sleep(60)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
