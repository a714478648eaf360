"""ASGI 3 apps behind uvicorn, on our unix socket."""

from __future__ import annotations

import asyncio
import signal

import uvicorn

from tholos_guest import entry, prefix, warm
from tholos_guest.failure import CannotStart
from tholos_guest.listener import bind, remove

TYPE_CHECKING = False  # typing is not imported: start-up time
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from socket import socket
    from typing import Any

CLOCK_S = 1.0

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {"format": "%(levelname)s: %(message)s"},
        "access": {"format": "%(message)s"},
    },
    "handlers": {
        "plain": {"class": "logging.StreamHandler", "formatter": "plain", "stream": "ext://sys.stderr"},
        "access": {"class": "logging.StreamHandler", "formatter": "access", "stream": "ext://sys.stdout"},
    },
    "loggers": {
        "uvicorn": {"handlers": ["plain"], "level": "INFO", "propagate": False},
        "uvicorn.access": {"handlers": ["access"], "level": "INFO", "propagate": False},
    },
}


def serve(entrypoint: str, socket_path: str, grace_s: float) -> None:
    """Serve until TERM, then finish what is in progress for at most ``grace_s`` seconds."""
    serve_app(entry.load(entrypoint), socket_path, grace_s)


def serve_app(app: object, socket_path: str, grace_s: float) -> None:
    """As ``serve``, an app that is loaded."""
    server = Server(uvicorn.Config(GatewayHeaders(app), **known_options(grace_s)))
    listener = bind(socket_path)  # uvicorn listens once the app's lifespan has begun
    # Before and after its own handling uvicorn leaves TERM to the handler that it found.
    signal.signal(signal.SIGTERM, end)
    try:
        server.run(sockets=[listener])
    except Ended:
        return
    except SystemExit as error:
        if server.started:
            raise
        raise CannotStart("the app's lifespan start-up failed; the log above has its traceback") from error
    finally:
        listener.close()
        remove(socket_path)
    if not server.started:
        raise CannotStart("the app's lifespan start-up failed; the log above has its traceback")


class Ended(BaseException):
    """TERM came."""


def end(_number: int, _frame: object) -> None:
    raise Ended


def known_options(grace_s: float) -> dict[str, Any]:
    """Our options, less those that the app's own uvicorn is too old to know."""
    options = {
        "interface": "asgi3",
        "lifespan": "auto",
        "ws": websocket_protocol,
        "ws_max_size": 1 << 40,
        "proxy_headers": False,  # GatewayHeaders does it the same way for every version
        "log_config": LOGGING,
        "server_header": False,
        "timeout_keep_alive": 3600,  # the gateway keeps idle connections for as long
        "timeout_graceful_shutdown": int(grace_s),
    }
    known = uvicorn.Config.__init__.__code__.co_varnames
    return {name: value for name, value in options.items() if name in known}


def websocket_protocol(**arguments: Any) -> object:
    """Uvicorn's choice, imported at the first upgrade; an app's copy of websockets that it cannot use is passed by."""
    try:
        from uvicorn.protocols.websockets.auto import AutoWebSocketsProtocol as Protocol
    except (ImportError, AttributeError):
        from uvicorn.protocols.websockets.wsproto_impl import WSProtocol as Protocol
    return Protocol(**arguments)  # type: ignore[misc]  # never None: we bring both libraries


class Server(uvicorn.Server):
    """Ends at once on a TERM that comes during the app's lifespan start-up, and later when it is told to.

    Uvicorn looks ten times a second whether it should end; a hundred apps that nobody uses would keep a machine busy with that.
    """

    its_loop: asyncio.AbstractEventLoop | None = None

    async def main_loop(self) -> None:
        while not await self.on_tick(0):  # which also sets the clock that answers tell
            try:
                await asyncio.wait_for(self.told.wait(), CLOCK_S)
            except asyncio.TimeoutError:
                continue

    def handle_exit(self, sig: int, frame: Any) -> None:
        super().handle_exit(sig, frame)
        if self.its_loop is not None:
            self.its_loop.call_soon_threadsafe(self.told.set)

    async def startup(self, sockets: list[socket] | None = None) -> None:
        self.told, self.its_loop = asyncio.Event(), asyncio.get_running_loop()
        handler = signal.signal(signal.SIGTERM, signal.SIG_DFL)
        await super().startup(sockets=sockets)
        if self.started:
            warm.note()
        signal.signal(signal.SIGTERM, handler)


class GatewayHeaders:
    """Scheme and client as the gateway saw them: only it can open the socket, and its entry is the last one."""

    def __init__(self, app: object) -> None:
        self.app: Callable[..., Awaitable[None]] = app  # type: ignore[assignment]  # entry.load saw that it is callable

    async def __call__(self, scope: dict[str, Any], receive: object, send: object) -> None:
        if scope["type"] != "lifespan":
            believe(scope)
        await self.app(scope, receive, send)


def believe(scope: dict[str, Any]) -> None:
    """Take ``X-Forwarded-Proto``, ``-For`` and ``-Prefix`` into the scope, in place so that the access log has them."""
    for name, value in scope["headers"]:
        if name == b"x-forwarded-proto":
            scheme = value.decode("latin-1").rpartition(",")[2].strip()
            is_websocket = scope["type"] == "websocket"
            if scheme in {"http", "https", "ws", "wss"}:
                scope["scheme"] = scheme.replace("http", "ws") if is_websocket else scheme
        elif name == b"x-forwarded-prefix":
            prefix.of_asgi(scope, value.decode("latin-1"))
        elif name == b"x-forwarded-for":
            scope["client"] = (value.decode("latin-1").rpartition(",")[2].strip(), 0)
