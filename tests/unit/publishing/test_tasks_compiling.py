"""Byte-compiling in the background ends with the server, not a minute later."""

from __future__ import annotations

import asyncio
import threading

from tholos.publishing.tasks import Publisher


class SlowEnvironments:
    def __init__(self) -> None:
        self.begun = threading.Event()
        self.was_told_to_stop = False

    def compile(self, environment_id: str, *, cancel: threading.Event = threading.Event()) -> None:  # noqa: B008
        self.begun.set()
        self.was_told_to_stop = cancel.wait(1)


class NothingBefore(Publisher):
    def _not_compiled(self):
        return ["env_1"]


async def test_the_server_does_not_wait_for_it():
    """Ctrl-C while an environment compiles tells the compiler to stop."""
    environments = SlowEnvironments()
    publisher = NothingBefore(None, None, None, None, None, environments)
    task = asyncio.create_task(publisher.compile_in_background())
    await asyncio.to_thread(environments.begun.wait)
    task.cancel()
    await asyncio.wait({task})
    await asyncio.get_running_loop().shutdown_default_executor()
    assert environments.was_told_to_stop
