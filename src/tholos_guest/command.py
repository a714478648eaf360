"""Any command that listens on a port of its own: what comes to our unix socket is passed on to it, and back, byte for byte.

The port is a free one, told as ``PORT``, or the one that the command begins with, as ``PORT=9000 python serve.py``.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import signal
import socket
import subprocess
import sys

from tholos_guest.failure import CannotStart
from tholos_guest.listener import listen, remove

TYPE_CHECKING = False  # typing is not imported: start-up time
if TYPE_CHECKING:
    from typing import Literal, NoReturn

HOSTS = ("127.0.0.1", "::1")
"""Where a command may listen; ``localhost`` is either."""
CHUNK = 1 << 16
LAST_S = 1.0
"""Seconds that answers have to arrive after the command has ended."""
LOOK_S = 0.02
"""Seconds between two looks at whether the command listens: nobody tells when it does."""

_FIXED = re.compile(r"\s*PORT=([0-9]{1,5})\s+")


def serve(command: str, socket_path: str, grace_s: float) -> None:
    """Run the command until TERM, which it is sent too, or until it ends by itself: then this ends as it did.

    Raises:
        CannotStart: its port is taken, or it ended before it listened.
    """
    port, shell = choose_port(command)
    asyncio.run(Forwarder(shell, port, socket_path, grace_s).run())


def choose_port(command: str) -> tuple[int, str]:
    """The port that the command is to listen on, and what the shell is given.

    Raises:
        CannotStart: it names a port that is none, is taken, or is the machine's.
    """
    fixed = _FIXED.match(command)
    port = int(fixed.group(1)) if fixed else 0
    if fixed and not 0 < port < 65536:
        raise CannotStart("%d is no port" % port)
    while True:
        found = hold(port)
        if found:
            return found, command[fixed.end() :] if fixed else command
        if fixed:
            raise CannotStart(
                "port %d is one that every app of this machine reaches: Tholos' own, or one of THOLOS_SANDBOX__LOCAL_PORTS;"
                " let the command listen on another, or on $PORT" % port
            )


def hold(port: int) -> int:
    """Have a port for a moment; 0 where somebody else answers at it, who would be taken for the command.

    Behind walls 127.0.0.1 is an app's own, so a port can be had although somebody answers at it who was there before.

    Args:
        port: 0 for a free one.

    Raises:
        CannotStart: it cannot be had.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOSTS[0], port))
        except OSError as error:
            raise CannotStart(
                "port %d cannot be had (%s): perhaps another app of this machine listens on it, or the release before;"
                " let the command listen on $PORT, or see what tholos doctor says of guard"
                % (port, os.strerror(error.errno or errno.EADDRINUSE))
            ) from None
        address = trial.getsockname()
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as asking:
            return 0 if asking.connect_ex(address) == 0 else address[1]


class Forwarder:
    """One command and the way to it."""

    def __init__(self, shell: str, port: int, socket_path: str, grace_s: float) -> None:
        self.shell = shell
        self.port = port
        self.socket_path = socket_path
        self.grace_s = grace_s
        self.host = ""
        self.open: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        told = asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, told.set)
        # In our own process group, so that whoever ends us ends it too; by the shell, which puts $PORT in.
        command = await asyncio.create_subprocess_exec(
            "/bin/sh", "-c", self.shell, env=dict(os.environ, PORT=str(self.port)), stdin=subprocess.DEVNULL
        )
        ended = asyncio.ensure_future(command.wait())
        stopped = asyncio.ensure_future(told.wait())
        try:
            if await self.await_listening(ended, stopped):
                self.warn()
                server = await asyncio.start_unix_server(self.accept, sock=listen(self.socket_path))
                await asyncio.wait((ended, stopped), return_when=asyncio.FIRST_COMPLETED)
                server.close()
            if not ended.done():
                await end(command, ended, self.grace_s)
            if self.open:  # what the command said last is still on its way
                await asyncio.wait(self.open, timeout=LAST_S)
        finally:
            stopped.cancel()
            remove(self.socket_path)
        if not told.is_set():
            self.end_alike(ended.result())

    async def await_listening(
        self, ended: asyncio.Future[int], stopped: asyncio.Future[Literal[True]]
    ) -> bool:
        """Whether the command listens; else it was told to end."""
        while not stopped.done():
            if ended.done():
                raise CannotStart(
                    "the command ended with %s before it listened on port %d: %s"
                    % (name_of(ended.result()), self.port, self.shell)
                )
            for host in HOSTS:
                try:
                    _, writer = await asyncio.open_connection(host, self.port)
                except OSError:
                    continue
                writer.close()
                self.host = host
                return True
            await asyncio.wait((ended, stopped), timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
        return False

    def warn(self) -> None:
        """Say so where it can be reached past the sign-in."""
        if is_reachable(self.port):
            sys.stderr.write(
                "[tholos] the command listens on every address of this machine, so that whoever reaches port %d"
                " needs no sign-in: let it listen on 127.0.0.1\n" % self.port
            )
            sys.stderr.flush()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self.forward(reader, writer))
        self.open.add(task)
        task.add_done_callback(self.open.discard)

    async def forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: both ways at once, and each way ends by itself (half-close)."""
        try:
            there, back = await asyncio.open_connection(self.host, self.port)
        except OSError:
            writer.transport.abort()
            return
        try:
            await asyncio.gather(pump(reader, back), pump(there, writer))
        except OSError:  # one side is gone: the other learns of it at once
            back.transport.abort()
            writer.transport.abort()
        finally:
            back.close()
            writer.close()

    def end_alike(self, code: int) -> NoReturn:
        """End with the command's exit code, or by the signal that ended it."""
        sys.stderr.write("[tholos] the command ended with %s\n" % name_of(code))
        sys.stderr.flush()
        if code < 0:
            if -code != signal.SIGKILL:
                signal.signal(-code, signal.SIG_DFL)
            os.kill(os.getpid(), -code)
        sys.exit(code)


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes until no more does; then say so."""
    while True:
        chunk = await reader.read(CHUNK)
        if not chunk:
            break
        writer.write(chunk)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def end(command: asyncio.subprocess.Process, ended: asyncio.Future[int], grace_s: float) -> None:
    """Ask the command to end, and make it."""
    command.terminate()
    await asyncio.wait((ended,), timeout=grace_s)
    if not ended.done():
        print(
            "tholos: the command did not stop within %g s, and is killed" % grace_s,
            file=sys.stderr,
            flush=True,
        )
        command.kill()
        await ended


def is_reachable(port: int) -> bool:
    """Whether somebody listens on a port for more than this machine (proc(5), net/tcp)."""
    wanted = ":%04X" % port
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(table) as file:
                rows = [line.split() for line in file]
        except OSError:
            continue
        for row in rows:
            if row[3] == "0A" and row[1].endswith(wanted) and not row[1].partition(":")[0].strip("0"):
                return True
    return False


def name_of(code: int) -> str:
    if code < 0:
        return signal.Signals(-code).name
    return "exit code %d" % code
