"""Environments that are gone, built once more from the lock that their release recorded: after a restore, say.

What cannot be built now is tried again later and later, so that an index that is away is not asked all the time; whoever asks
for it in person does not wait for that.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tholos.kit.errors import TholosError, Unavailable
from tholos.kit.log import get_logger
from tholos.runtime import locks
from tholos.runtime.environments import Environments
from tholos.runtime.interpreters import Interpreter
from tholos.runtime.locks import Lock
from tholos.runtime.own_wheels import Files

FIRST_WAIT_S = 15.0
LONGEST_WAIT_S = 900.0


class EnvironmentMissing(Unavailable):
    """Cannot start the app: its environment is gone."""

    code = "environment_missing"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a release says of its environment."""

    environment: str
    lock: str
    scope: str
    """Who published it."""


@dataclass(frozen=True, slots=True)
class _Failure:
    error: EnvironmentMissing
    wait_s: float
    until: float


@dataclass(slots=True)
class Rebuilding:
    """Builds what is missing; may be used from several threads.

    Args:
        monotonic: the clock that waits are measured by.
    """

    monotonic: Callable[[], float] = time.monotonic
    stop: threading.Event = field(default_factory=threading.Event)
    """Set when the server ends: it does not wait for its threads to."""
    _failures: dict[str, _Failure] = field(default_factory=dict)

    async def run(self) -> None:
        """Until cancelled, nothing; then builds that are under way end."""
        try:
            await asyncio.Event().wait()
        finally:
            self.stop.set()

    def build(
        self,
        environments: Environments,
        recorded: Recorded,
        interpreter: Interpreter,
        files: Files,
        *,
        is_asked: bool,
    ) -> None:
        """Build an environment anew, unless that failed a moment ago.

        Args:
            environments: where it is built.
            recorded: which one it is.
            interpreter: the one it was made for.
            files: what was published; packages of the lock may lie in it.
            is_asked: somebody waits for it, whatever failed before.

        Raises: EnvironmentMissing: why it cannot be built, and what to do.
        """
        name = recorded.environment
        failed = self._failures.get(name)
        if failed is not None and not is_asked and self.monotonic() < failed.until:
            raise failed.error
        lock = find_lock(environments, recorded, interpreter)
        if lock is None:
            raise EnvironmentMissing(fix="Publish the app again: that builds it.")
        get_logger().info("environment_rebuild_begun", environment=name)
        try:
            environments.build(lock, interpreter, recorded.scope, files=files, cancel=self.stop)
        except TholosError as error:
            raise self._note(name, error) from error
        self._failures.pop(name, None)
        get_logger().info("environment_rebuilt", environment=name)

    def _note(self, name: str, cause: TholosError) -> EnvironmentMissing:
        before = self._failures.get(name)
        wait_s = FIRST_WAIT_S if before is None else min(before.wait_s * 2, LONGEST_WAIT_S)
        error = EnvironmentMissing(
            f"Cannot start the app: its environment is gone and cannot be built again. {cause.message}",
            fix=cause.fix or "Publish the app again: that builds it.",
        )
        self._failures[name] = _Failure(error, wait_s, self.monotonic() + wait_s)
        return error


def find_lock(environments: Environments, recorded: Recorded, interpreter: Interpreter) -> Lock | None:
    """The lock that an environment was built of: a release records its text, and the environment's name says the rest."""
    is_hashed = "--hash=" in recorded.lock and "git+" not in recorded.lock
    for form, is_wheels in itertools.product((locks.REQUIREMENTS, locks.PYLOCK), (True, False)):
        lock = Lock(recorded.lock, form, is_wheels=is_wheels, is_hashed=is_hashed)
        if environments.id_of(lock, interpreter, recorded.scope) == recorded.environment:
            return lock
    return None
