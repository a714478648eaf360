"""The socket: newline-delimited JSON in and out, never waiting for a client and never falling over one.

Requests are ``{"id", "op", ...}``, answers ``{"id", "ok", "result" or "error"}``, events ``{"event": status}``.
What an operation does is the supervisor's.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path

from tholos_supervisor import processes
from tholos_supervisor.loop import Loop
from tholos_supervisor.model import Refused

PROTOCOL = 4
LONGEST_LINE = 4 << 20
"""Bytes; the environment and arguments of a process are 2 MiB at most on usual systems."""
MOST_PENDING = 1 << 20
"""Bytes that may wait for a client that does not read before it is dropped."""
MOST_CONNECTIONS = 256
READ_STEP = 64 << 10
_CREDENTIALS = struct.Struct("3i")


class Request:
    """One question of one client, to be answered once."""

    __slots__ = ("_connection", "_id", "body", "operation")

    def __init__(self, connection: Connection, body: dict[str, object]) -> None:
        operation = body.get("op")
        self.operation = operation if isinstance(operation, str) else ""
        self.body = body
        named = body.get("id")
        self._id = named if isinstance(named, str | int) else None
        self._connection = connection

    def answer(self, result: object) -> None:
        self._connection.send({"id": self._id, "ok": True, "result": result})

    def refuse(self, refused: Refused) -> None:
        error = {"code": refused.code, "message": refused.message, "where": refused.where}
        self._connection.send({"id": self._id, "ok": False, "error": error})

    def subscribe(self) -> None:
        self._connection.watches = True


class Connection:
    """One client; closes itself when the other side is gone, slow or talks nonsense without end."""

    def __init__(self, listener: Listener, peer: socket.socket) -> None:
        peer.setblocking(False)
        self.watches = False
        self._listener = listener
        self._peer = peer
        self._heard = bytearray()
        self._pending = bytearray()
        self._open = True
        listener.loop.watch(peer.fileno(), self._ready)

    def send(self, message: dict[str, object]) -> None:
        if not self._open:
            return
        if len(self._pending) > MOST_PENDING:
            self.close()
            return
        was_idle = not self._pending
        self._pending += json.dumps(message, separators=(",", ":")).encode() + b"\n"
        if was_idle:
            self._flush()

    def close(self) -> None:
        if self._open:
            self._open = False
            self._listener.loop.unwatch(self._peer.fileno())
            self._peer.close()
            self._listener.forget(self)

    def drain(self, timeout_s: float) -> None:
        """Send what is left, waiting a moment for it, when the supervisor leaves."""
        try:
            self._peer.settimeout(timeout_s)
            self._peer.sendall(self._pending)
        except OSError:
            self._pending.clear()

    def _ready(self) -> None:
        self._flush()
        if not self._open:
            return
        try:
            data = self._peer.recv(READ_STEP)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        self._heard += data
        self._take_lines()

    def _take_lines(self) -> None:
        while self._open:
            line, newline, rest = self._heard.partition(b"\n")
            if not newline:
                break
            self._heard = rest
            self._take(bytes(line))
        if len(self._heard) > LONGEST_LINE:
            refused = Refused("bad_request", f"Cannot read a request of more than {LONGEST_LINE} bytes.")
            Request(self, {}).refuse(refused)
            self.close()

    def _take(self, line: bytes) -> None:
        try:
            body = json.loads(line)
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            Request(self, {}).refuse(
                Refused("bad_request", "Cannot read this request: it is no JSON object.")
            )
            return
        request = Request(self, body)
        try:
            self._listener.answer(request)
        except Refused as refused:
            request.refuse(refused)

    def _flush(self) -> None:
        try:
            sent = self._peer.send(self._pending) if self._pending else 0
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return
        del self._pending[:sent]
        self._listener.loop.watch(self._peer.fileno(), self._ready, write=bool(self._pending))


class Listener:
    """The socket file and everybody connected to it.

    Raises:
        OSError: the socket cannot be made.
    """

    loop: Loop
    answer: Callable[[Request], None]
    is_wary = False
    """Whether instances run that find the socket: then nobody is heard who gave up more than this process did."""

    def __init__(self, path: Path) -> None:
        self.folder = path.parent
        self._path = path
        self._connections: set[Connection] = set()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        if self._socket.connect_ex(str(path)) in {0, errno.EAGAIN}:
            raise OSError(errno.EADDRINUSE, "a supervisor of another folder listens there", str(path))
        path.unlink(missing_ok=True)
        earlier = os.umask(0o177)
        try:
            self._socket.bind(str(path))
        finally:
            os.umask(earlier)
        self._socket.listen(128)

    def serve(self, loop: Loop, answer: Callable[[Request], None]) -> None:
        """Begin to accept; what connected before has waited."""
        self.loop = loop
        self.answer = answer
        loop.watch(self._socket.fileno(), self._accept)

    def publish(self, event: dict[str, object]) -> None:
        for connection in [connection for connection in self._connections if connection.watches]:
            connection.send({"event": event})

    def forget(self, connection: Connection) -> None:
        self._connections.discard(connection)

    def close(self) -> None:
        for connection in list(self._connections):
            connection.drain(timeout_s=1.0)
            connection.close()
        self.loop.unwatch(self._socket.fileno())
        self._path.unlink(missing_ok=True)
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            if self.is_wary and _is_behind_walls(peer):
                peer.close()
            elif len(self._connections) < MOST_CONNECTIONS:
                self._connections.add(Connection(self, peer))
            else:
                peer.close()


def _is_behind_walls(peer: socket.socket) -> bool:
    """Whether this may be an instance. Source: SO_PEERCRED of unix(7); who is of another namespace has no number here."""
    told = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    try:
        theirs, ours = processes.gave_up(_CREDENTIALS.unpack(told)[0]), processes.gave_up(os.getpid())
    except OSError:
        return True
    return any(one > own for one, own in zip(theirs, ours, strict=True))
