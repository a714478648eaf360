"""Tasks that end with whoever wanted them: races, and work beside a block."""

import asyncio
from contextlib import aclosing

import pytest

from tholos.kit.company import beside, first_of


class Worker:
    """Work that waits until it is let go, and tells how it ended."""

    def __init__(self):
        self.begun = asyncio.Event()
        self.go = asyncio.Event()
        self.ended = ""

    async def work(self, result=None):
        self.begun.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)  # ending takes its time
            self.ended = "cancelled"
            raise
        self.ended = "done"
        if isinstance(result, Exception):
            raise result
        return result


@pytest.fixture
def slow():
    return Worker()


@pytest.fixture
def quick():
    made = Worker()
    made.go.set()
    return made


@pytest.mark.parametrize("is_first", [True, False])
async def test_the_first_to_end_decides_and_the_other_is_ended(slow, quick, is_first):
    works = [quick.work(7), slow.work(8)]
    assert await first_of(*(works if is_first else works[::-1])) == 7
    assert slow.ended == "cancelled"


async def test_where_both_have_ended_the_first_named_decides():
    async def give(value):
        return value

    assert await first_of(give("one"), give("other")) == "one"


async def test_an_error_is_passed_on_as_it_is(slow, quick):
    error = ValueError("broken")
    with pytest.raises(ValueError, match="broken") as raised:
        await first_of(slow.work(), quick.work(error))
    assert raised.value is error
    assert slow.ended == "cancelled"


async def test_who_is_cancelled_ends_both():
    workers = [Worker(), Worker()]
    async with asyncio.TaskGroup() as group:
        race = group.create_task(first_of(*(one.work() for one in workers)))
        for one in workers:
            await one.begun.wait()
        race.cancel()
    assert race.cancelled()
    assert [one.ended for one in workers] == ["cancelled", "cancelled"]


async def test_work_beside_a_block_ends_with_it(slow):
    async with beside(slow.work()):
        await slow.begun.wait()
    assert slow.ended == "cancelled"


async def test_work_beside_a_block_may_be_awaited(quick):
    async with beside(quick.work(7)) as task:
        assert await task == 7


async def test_what_fails_beside_a_block_does_not_end_it(quick):
    async with beside(quick.work(ValueError("broken"))):
        await quick.begun.wait()
        await asyncio.sleep(0)


async def test_a_generator_may_be_left_from_another_task(slow):
    async def stream():
        async with beside(slow.work()):
            yield 1

    lines = stream()
    assert await anext(lines) == 1
    await slow.begun.wait()
    async with asyncio.TaskGroup() as group:
        group.create_task(lines.aclose())
    assert slow.ended == "cancelled"
    async with aclosing(stream()) as other:
        assert await anext(other) == 1
