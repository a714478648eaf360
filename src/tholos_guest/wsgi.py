"""WSGI apps (PEP 3333) behind waitress, unbuffered, on our unix socket."""

from __future__ import annotations

import signal
import time

from tholos_guest import entry, prefix
from tholos_guest.failure import CannotStart
from tholos_guest.listener import listen, remove

TYPE_CHECKING = False  # typing is not imported: start-up time
if TYPE_CHECKING:
    from typing import Any

THREADS = 8
BODY_LIMIT = 2 << 30
"""Bytes of a request's body; waitress keeps a large one in a temporary file."""


def serve(entrypoint: str, socket_path: str, grace_s: float) -> None:
    """Serve until TERM, then finish what is in progress for at most ``grace_s`` seconds."""
    app = entry.load(entrypoint)
    refuse_asgi(app, entrypoint)
    if prefix.is_used():
        prefix.in_dash()
        app = prefix.of_wsgi(app)
    from waitress.server import create_server  # type: ignore[import-untyped]

    listener = listen(socket_path)
    server = create_server(
        app,
        sockets=[listener],
        threads=THREADS,
        send_bytes=1,  # a stream's chunks leave as they come
        max_request_body_size=BODY_LIMIT,
        connection_limit=1000,
        channel_timeout=3600,  # the gateway keeps idle connections for as long
        ident=None,
        # Only the gateway can open the socket, and its own entry is the last one.
        trusted_proxy="*",
        trusted_proxy_count=1,
        trusted_proxy_headers={"x-forwarded-for", "x-forwarded-proto"},
        clear_untrusted_proxy_headers=False,
    )
    state = {"ends_at": 0.0}

    def end(_number: int, _frame: object) -> None:
        state["ends_at"] = time.monotonic() + grace_s
        server.pull_trigger()  # wakes the loop

    signal.signal(signal.SIGTERM, end)
    run(server, state)
    remove(socket_path)


def refuse_asgi(app: object, entrypoint: str) -> None:
    """An ASGI app called as WSGI fails at each request only, and not clearly."""
    for owner in (app, vars(type(app)).get("__call__")):
        code = getattr(owner, "__code__", None)
        if code is not None and code.co_flags & 0x80:  # inspect.CO_COROUTINE, without importing inspect
            raise CannotStart('"%s" is an ASGI app; publish it with --kind asgi' % entrypoint)


def run(server: Any, state: dict[str, float]) -> None:
    """Waitress's own loop ends at once on TERM; this one stops accepting, then finishes answers."""
    channels = server._map  # noqa: SLF001 - waitress has no public name for it
    while not state["ends_at"]:
        server.asyncore.loop(timeout=30, use_poll=True, map=channels, count=1)
    server.del_channel()
    server.socket.close()
    while time.monotonic() < state["ends_at"] and any(map(is_busy, list(server.active_channels.values()))):
        server.asyncore.loop(timeout=0.05, use_poll=True, map=channels, count=1)


def is_busy(channel: Any) -> bool:
    """Whether a connection has an unfinished request or unsent bytes."""
    return bool(channel.requests or channel.total_outbufs_len)
