"""A folder of files over HTTP/1.1 (RFC 9110) on our unix socket; which file a path means is ``site``'s business."""

from __future__ import annotations

import selectors
import signal
import socket
import socketserver
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler

from tholos_guest import site
from tholos_guest.listener import listen, remove

# What is taken of a body that nobody reads: bytes at most, and seconds without any.
LINGER_BYTES = 1 << 20
LINGER_S = 2.0


def serve(place: str, socket_path: str, grace_s: float) -> None:
    """Serve a folder, or that of a first page, until TERM; then finish what is in progress for ``grace_s`` seconds."""
    root, page = site.root_of(place)
    server = Server(listen(socket_path), root, page)
    try:
        serve_until_told(server)
        server.socket.close()
        server.drain(time.monotonic() + grace_s)
    finally:
        remove(socket_path)


def serve_until_told(server: Server) -> None:
    """Answer until TERM. It only wakes the loop: what its handler raised might be lost in whatever runs just then, and one in
    Python does not run at all where the signal comes just before the loop begins to wait.
    """
    woken, waking = socket.socketpair()
    waking.setblocking(False)
    signal.set_wakeup_fd(waking.fileno())
    signal.signal(signal.SIGTERM, lambda *_: None)
    with woken, waking, selectors.DefaultSelector() as selector:
        selector.register(server, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        while not any(key.fileobj is woken for key, _ in selector.select()):
            server.handle_request()
        signal.set_wakeup_fd(-1)


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """One thread per connection; it knows how many answers are in progress."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, listener: socket.socket, root: str, page: str) -> None:
        socketserver.BaseServer.__init__(self, listener.getsockname(), Handler)
        self.socket = listener
        self.root = root
        self.page = page
        self.lock = threading.Lock()
        self.answering = 0

    def count(self, change: int) -> None:
        with self.lock:
            self.answering += change

    def drain(self, until: float) -> None:
        while self.answering and time.monotonic() < until:
            time.sleep(0.02)

    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]  # ours are sockets only
        """Close once what the visitor still sends has been taken: what is unread would reset the connection (RFC 9112, 9.6)."""
        try:
            request.shutdown(socket.SHUT_WR)
            request.settimeout(LINGER_S)
            left = LINGER_BYTES
            while left > 0 and (taken := request.recv(1 << 16)):
                left -= len(taken)
        except OSError:
            return  # they have left, or are too slow
        finally:
            self.close_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """A visitor who goes away is no error of the site."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # passed on as it came


class Handler(BaseHTTPRequestHandler):
    """GET and HEAD of one connection."""

    protocol_version = "HTTP/1.1"
    server: Server
    disable_nagle_algorithm = False

    def do_GET(self) -> None:
        self.server.count(1)
        try:
            # A body would be taken for the next request.
            if self.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in self.headers:
                self.close_connection = True
            self.answer(site.find(self.server.root, self.path, self.server.page))
        finally:
            self.server.count(-1)

    do_HEAD = do_GET  # noqa: N815 - the base class looks for it

    def answer(self, found: site.Found) -> None:
        if found.path is None:
            self.send_head(found.status, found.headers, len(found.body))
            if self.command != "HEAD":
                self.wfile.write(found.body)
            return
        try:
            file = open(found.path, "rb")  # noqa: SIM115 - closed just below
        except OSError:
            self.answer(site.refuse(404))
            return
        with file:
            reply = site.negotiate(file, found, self.headers)
            self.send_head(reply.status, reply.headers, reply.length)
            if self.command != "HEAD" and reply.length and reply.status != 304:
                self.wfile.flush()
                self.connection.sendfile(file, reply.offset, reply.length)

    def send_head(self, status: int, headers: dict[str, str], length: int) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(length))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """A method or request that the base class refuses, in our form."""
        self.close_connection = True
        status = 405 if code == 501 else int(code)
        found = site.refuse(status)
        self.send_head(status, found.headers, len(found.body))
        if self.command != "HEAD":
            self.wfile.write(found.body)

    def version_string(self) -> str:
        return "tholos"

    def address_string(self) -> str:
        forwarded: str = self.headers.get("X-Forwarded-For", "-") if hasattr(self, "headers") else "-"
        return forwarded.rpartition(",")[2].strip()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        line = (format % args).encode("unicode_escape").decode("ascii")
        sys.stdout.write("%s - %s\n" % (self.address_string(), line))
        sys.stdout.flush()
