"""The server in a terminal: says where it is, publishes the examples if asked, and ends everything on Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from tholos.gateway.carrier import new_event_loop
from tholos.kit import log
from tholos.kit.threads import in_thread
from tholos.server import program
from tholos.server.program import Running
from tholos.settings import Settings


def run(data: Path, host: str, port: int, examples: Path | None, *, open_browser: bool) -> int:
    """Serve until SIGINT or SIGTERM.

    Returns: 0; a second signal ends it at once.

    Raises: SettingInvalid.
    """
    settings = Settings.read(data, host, port)
    log.configure(
        level=settings.log.level if not sys.stderr.isatty() else "warning",
        form=log.Form(settings.log.format),
        with_access=settings.log.access,
    )
    terminal = _Terminal(settings, examples, open_browser)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(terminal.serve())
    return 0


@dataclass(slots=True)
class _Terminal:
    settings: Settings
    examples: Path | None
    open_browser: bool
    is_up: bool = False
    began: float = field(default_factory=time.monotonic)

    async def serve(self) -> None:
        _say(f"data {self.settings.data} · {self._database()} · local processes")
        with _interrupted_by_signals() as task:
            try:
                await program.serve(self.settings, self._on_ready)
            except asyncio.CancelledError:
                task.uncancel()
            finally:
                if self.is_up:  # a folder that another server uses is not ours to stop anything in
                    _say("stopping …")
                    await program.shut_down(self.settings)
        _say("stopped; everything is kept for the next start")

    async def _on_ready(self, running: Running) -> None:
        self.is_up = True
        seconds = time.monotonic() - self.began
        _say(f"open {running.sign_in_url}  (signs in {running.administrator} once, valid 15 min)")
        _say(f"ready at {running.site.url} in {seconds:.1f} s · Ctrl-C stops it")
        if self.open_browser:
            import webbrowser

            await in_thread(webbrowser.open, running.sign_in_url)
        if self.examples is not None:
            await _publish_examples(self.examples, running)

    def _database(self) -> str:
        return "PostgreSQL" if self.settings.database_url.get_secret_value() else "SQLite"


async def _publish_examples(folder: Path, running: Running) -> None:
    """Publish each folder of the examples as a user would: by the command line, with a token of its own."""
    token = await in_thread(running.token)
    env = {**os.environ, "THOLOS_SERVER": running.site.url, "THOLOS_TOKEN": token}
    for example in await in_thread(_folders_in, folder):
        command = (sys.executable, "-m", "tholos.cli", "publish", str(example), "--name", example.name)
        # A session of its own: Ctrl-C is ours to hear, and ends it below.
        process = await asyncio.create_subprocess_exec(
            *command, env=env, stdin=subprocess.DEVNULL, start_new_session=True
        )
        try:
            await process.wait()
        finally:
            if process.returncode is None:
                process.terminate()


def _folders_in(folder: Path) -> list[Path]:
    """Those with a file in them: others hold further examples."""
    return sorted(
        path for path in folder.iterdir() if path.is_dir() and any(one.is_file() for one in path.iterdir())
    )


@contextlib.contextmanager
def _interrupted_by_signals() -> Iterator[asyncio.Task[None]]:
    """Cancel the task that is running at the first SIGINT or SIGTERM; a second one has its usual effect."""
    loop = asyncio.get_running_loop()
    task = cast("asyncio.Task[None]", asyncio.current_task())
    signals = (signal.SIGINT, signal.SIGTERM)

    def interrupt() -> None:
        for number in signals:
            loop.remove_signal_handler(number)
        task.cancel()

    for number in signals:
        loop.add_signal_handler(number, interrupt)
    try:
        yield task
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


def _say(text: str) -> None:
    print(f"  {text}", flush=True)
