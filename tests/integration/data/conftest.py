"""People to act, for every test of use cases."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from tholos.kit.db import Database
from tholos.testing.clock import TestClock
from tholos.testing.rows import People, add_people


@pytest.fixture
def people(database: Database, clock: TestClock) -> People:
    return add_people(database, clock.now())


@pytest.fixture
def at_once() -> Callable[..., list[Any]]:
    """Runs functions in threads of their own, all begun together; gives what each returned or raised, in order."""

    def run(*functions: Callable[[], Any]) -> list[Any]:
        results: list[Any] = [None] * len(functions)
        barrier = threading.Barrier(len(functions))

        def one(position: int, function: Callable[[], Any]) -> None:
            barrier.wait(10)
            try:
                results[position] = function()
            except Exception as error:  # noqa: BLE001 - what was raised is the result
                results[position] = error

        threads = [threading.Thread(target=one, args=each) for each in enumerate(functions)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive(), "a thread did not end"
        return results

    return run
