"""The server in a terminal: says where it is, publishes the examples if asked, and ends everything on Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
import webbrowser
from dataclasses import dataclass, field
from pathlib import Path

from tholos.gateway.carrier import new_event_loop
from tholos.kit import log
from tholos.server import program
from tholos.server.program import Running
from tholos.settings import Settings


def run(data: Path, host: str, port: int, examples: Path | None, *, open_browser: bool) -> int:
    """Serve until SIGINT or SIGTERM.

    Returns: 0; a second signal ends it at once.
    """
    settings = Settings(data=data, host=host, port=port)
    log.configure(level=settings.log_level if not sys.stderr.isatty() else "warning")
    terminal = _Terminal(settings, examples, open_browser)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(terminal.serve())
    return 0


@dataclass(slots=True)
class _Terminal:
    settings: Settings
    examples: Path | None
    open_browser: bool
    began: float = field(default_factory=time.monotonic)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    running: Running | None = None

    async def serve(self) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        print(f"  data {self.settings.data} · {self._database()} · local processes", flush=True)
        server = asyncio.ensure_future(program.serve(self.settings, self._on_ready))
        showing = asyncio.ensure_future(self._publish_examples())
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait({server, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        stopping.cancel()
        showing.cancel()
        if server.done():
            await server  # it ended by itself: what it raised says why
            return
        print("  stopping …", flush=True)
        server.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await server
        await program.shut_down(self.settings)
        print("  stopped; everything is kept for the next start", flush=True)

    def _on_ready(self, running: Running) -> None:
        self.running = running
        seconds = time.monotonic() - self.began
        print(
            f"  open {running.sign_in_url}  (signs in {running.administrator} once, valid 15 min)", flush=True
        )
        print(f"  ready at {running.site.url} in {seconds:.1f} s · Ctrl-C stops it", flush=True)
        if self.open_browser:
            webbrowser.open(running.sign_in_url)
        self.ready.set()

    async def _publish_examples(self) -> None:
        """Publish each folder of the examples as a user would, by the command line and with a token of its own."""
        if self.examples is None:
            return
        await self.ready.wait()
        if self.running is None:
            return
        environment = {
            **os.environ,
            "THOLOS_SERVER": self.running.site.url,
            "THOLOS_TOKEN": self.running.token(),
        }
        for folder in sorted(path for path in self.examples.iterdir() if path.is_dir()):
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tholos.cli", "publish", str(folder), "--name", folder.name,
                env=environment, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
            await process.wait()

    def _database(self) -> str:
        return "PostgreSQL" if self.settings.database_url.get_secret_value() else "SQLite"
