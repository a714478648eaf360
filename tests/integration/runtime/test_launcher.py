"""The contract of launchers, kept by the stand-in and by real processes."""

import sys
from collections.abc import AsyncIterator

import pytest

from tholos.runtime.launchers import local
from tholos.runtime.launchers.local import LocalLauncher
from tholos.testing.launcher import LauncherContract, MemoryLauncher


class TestMemoryLauncher(LauncherContract):
    runs = ("server",)
    exits_3 = ("crasher",)
    missing = ("/nowhere/program",)

    @pytest.fixture
    async def launcher(self) -> AsyncIterator[MemoryLauncher]:
        launcher = MemoryLauncher({"crasher": 3, "/nowhere/program": None})
        yield launcher
        await launcher.close()


class TestLocalLauncher(LauncherContract):
    runs = ("sleep", "1000")
    exits_3 = (sys.executable, "-I", "-S", "-c", "raise SystemExit(3)")
    missing = ("/nowhere/program",)

    @pytest.fixture
    async def launcher(self, home) -> AsyncIterator[LocalLauncher]:
        launcher = LocalLauncher(home.state, home.run)
        yield launcher
        await launcher.close()
        await local.shutdown(home.state, home.run)
