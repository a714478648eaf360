"""HTTP/1.1 to one server: connections that are used again, timeouts, retries, answers and streams.

Knows methods, paths and bytes. What they mean is api.py's.
"""

from __future__ import annotations

import http.client
import json
import selectors
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from tholos.client.address import Address, connect
from tholos.client.errors import Quiet, Remote, RemoteUnavailable, UnexpectedAnswer, Unreachable, remote
from tholos.client.fields import is_object
from tholos.client.patience import Patience
from tholos.kit.errors import TholosError

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 60.0
STREAM_SECONDS = 60.0
"""A stream that is silent for so long is asked for again; this is also how a dead network is noticed."""

BROKEN = (OSError, http.client.HTTPException)


@dataclass(frozen=True, slots=True)
class Body:
    """What a request carries: ``size`` bytes, made anew by ``read`` for each try."""

    size: int
    read: Callable[[], Iterable[bytes]]
    content_type: str

    @classmethod
    def of(cls, data: bytes, content_type: str) -> Body:
        """A body that is in memory."""
        return cls(len(data), lambda: (data,), content_type)

    @classmethod
    def json(cls, value: object) -> Body:
        """A JSON body."""
        return cls.of(json.dumps(value, separators=(",", ":")).encode(), "application/json")


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer below 400."""

    status: int
    body: bytes

    def json(self) -> object:
        """The decoded body.

        Raises:
            UnexpectedAnswer: it is not JSON.
        """
        try:
            value: object = json.loads(self.body)
        except ValueError as error:
            raise UnexpectedAnswer(
                "Cannot read the server's answer: it is not JSON.",
                fix="is this the address of a Tholos server?",
            ) from error
        return value


class Connection(http.client.HTTPConnection):
    """One connection; names below ``localhost`` go to this machine while the Host header keeps them."""

    def __init__(self, address: Address, tls: ssl.SSLContext | None) -> None:
        super().__init__(address.host, address.port, timeout=ANSWER_SECONDS)
        self.default_port = 443 if tls else 80
        self._tls = tls
        self.was_made = False

    def connect(self) -> None:
        """Raises OSError."""
        sock = connect(self.host, self.port, CONNECT_SECONDS)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sock = self._tls.wrap_socket(sock, server_hostname=self.host) if self._tls else sock
            self.sock.settimeout(self.timeout)
            self.was_made = True
        except BaseException:
            sock.close()
            raise

    def is_fresh(self) -> bool:
        """Whether an idle connection can be used: the server has neither closed it nor said anything."""
        if self.sock is None:
            return False
        with selectors.DefaultSelector() as selector:
            selector.register(self.sock, selectors.EVENT_READ)
            return not selector.select(0)


class Transport:
    """Requests to one server; may be used by several threads."""

    def __init__(self, address: Address, token: str, user_agent: str) -> None:
        self.address = address
        self._token = token
        self._user_agent = user_agent
        self._tls = ssl.create_default_context() if address.is_tls else None
        self._idle: list[Connection] = []
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the connections that nobody uses."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def call(
        self,
        method: str,
        path: str,
        patience: Patience,
        *,
        body: Body | None = None,
        headers: dict[str, str] | None = None,
        may_repeat: bool = True,
    ) -> Answer:
        """One request with its whole answer.

        Args:
            method: ``GET``, ``POST`` or ``DELETE``.
            path: below the server's base, with its query.
            patience: how long to try again while the server is away or busy.
            body: what to send.
            headers: further ones.
            may_repeat: whether it may be sent again after it may have been received.

        Raises:
            Remote: the server answered with an error.
            Unreachable: nobody answered.
        """
        outage = patience.begin()
        while True:
            connection = self._take()
            was_idle = connection.was_made
            try:
                answer = self._answer(connection, self._send(connection, method, path, body, headers))
            except RemoteUnavailable as error:
                if not outage.pause(error.retry_after):
                    raise
            except BROKEN as error:
                connection.close()
                if was_idle and may_repeat and not isinstance(error, TimeoutError):
                    continue  # the server closed it just now: no outage, and there are only so many idle ones
                may_retry = is_passing(error) and (may_repeat or not connection.was_made)
                if not (may_retry and outage.pause()):
                    raise unreachable(self.address, error) from error
            except BaseException:
                connection.close()
                raise
            else:
                return answer

    @contextmanager
    def stream(self, path: str, accept: str) -> Iterator[Iterator[bytes]]:
        """The lines of an answer that goes on, without their line ends. Nothing is tried again here.

        Raises:
            Remote: the server answered with an error.
            Unreachable: nobody answered, or the stream broke off.
        """
        with self.pieces(path, accept) as read:
            yield split_lines(read)

    @contextmanager
    def pieces(self, path: str, accept: str) -> Iterator[Callable[[int], bytes]]:
        """Reads an answer piece by piece, at most so many bytes at a time; an empty one is its end.

        Raises: as :meth:`stream`.
        """
        connection = self._take()
        has_begun = False
        try:
            response = self._send(connection, "GET", path, None, {"Accept": accept})
            if response.status >= 300:
                self._answer(connection, response)
            has_begun = True
            if connection.sock:
                connection.sock.settimeout(STREAM_SECONDS)
            with response:
                yield response.read1
        except BROKEN as error:
            if has_begun and isinstance(error, TimeoutError):
                raise Quiet from error
            raise unreachable(self.address, error) from error
        finally:
            connection.close()

    def _send(
        self,
        connection: Connection,
        method: str,
        path: str,
        body: Body | None,
        headers: dict[str, str] | None,
    ) -> http.client.HTTPResponse:
        shown = {"User-Agent": self._user_agent, "Accept": "application/json", **(headers or {})}
        if self._token:
            shown["Authorization"] = f"Bearer {self._token}"
        if body:
            shown |= {"Content-Type": body.content_type, "Content-Length": str(body.size)}
        try:
            connection.request(method, self.address.base + path, body.read() if body else None, shown)
        except (BrokenPipeError, ConnectionResetError):
            # A server that refuses a body closes before it has read it: its reason may be there already.
            if connection.sock is None:
                raise
            connection.sock.settimeout(1)
        return connection.getresponse()

    def _answer(self, connection: Connection, response: http.client.HTTPResponse) -> Answer:
        body = response.read()
        if response.will_close:
            connection.close()
        else:
            self._give(connection)
        if response.status >= 400:
            raise error_of(response, body)
        if response.status >= 300:
            raise UnexpectedAnswer(
                f"Cannot use {self.address}: it sends its visitors on to another address.",
                fix=f"use {response.headers.get('Location') or 'that address'}",
            )
        return Answer(response.status, body)

    def _take(self) -> Connection:
        while True:
            with self._lock:
                if not self._idle:
                    return Connection(self.address, self._tls)
                connection = self._idle.pop()
            if connection.is_fresh():
                return connection
            connection.close()

    def _give(self, connection: Connection) -> None:
        with self._lock:
            self._idle.append(connection)


def split_lines(read: Callable[[int], bytes]) -> Iterator[bytes]:
    """The lines of a stream; an unfinished last one is given too if the stream ended cleanly."""
    rest = b""
    while data := read(65536):
        *lines, rest = (rest + data).split(b"\n")
        yield from lines
    if rest:
        yield rest


def error_of(response: http.client.HTTPResponse, body: bytes) -> TholosError:
    """The error that an answer of 400 and above stands for."""
    try:
        value = json.loads(body)
    except ValueError:
        value = None
    shown = value.get("error") if is_object(value) else None
    if not is_object(value) or not is_object(shown):
        return foreign_error(response)
    details = shown.get("details")
    return remote(
        response.status,
        str(shown.get("code") or ""),
        str(shown.get("message") or f"The server answered {response.status}."),
        fix=str(shown.get("fix") or ""),
        where=str(shown.get("where") or ""),
        details=details if is_object(details) else None,
        request_id=str(value.get("request_id") or ""),
        retry_after=retry_after(response),
    )


def foreign_error(response: http.client.HTTPResponse) -> Remote | UnexpectedAnswer:
    """An error that is not in our server's shape: something stands before it, or it is another server."""
    said = f"{response.status} {response.reason}".strip()
    if response.status in {429, 502, 503, 504}:
        return remote(
            response.status,
            "unavailable",
            f"The server is not available just now: {said}.",
            retry_after=retry_after(response),
        )
    if response.status == 413:
        return remote(413, "too_large", "Cannot send this: it is larger than the server accepts.")
    return UnexpectedAnswer(
        f"Cannot understand the server's answer: {said}.", fix="is this the address of a Tholos server?"
    )


def retry_after(response: http.client.HTTPResponse) -> float | None:
    """The seconds of a Retry-After header (RFC 9110, 10.2.3); its other form, a date, is not used by our server."""
    with suppress(ValueError):
        return min(600.0, max(0.0, float(response.headers.get("Retry-After", ""))))
    return None


def is_passing(error: Exception) -> bool:
    """Whether the same request may succeed a moment later."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return False
    return not isinstance(error, socket.gaierror) or error.errno == socket.EAI_AGAIN


def unreachable(address: Address, error: Exception) -> Unreachable:
    """What to tell about a connection that was not made or broke."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return Unreachable(
            f"Cannot trust {address}: {error.verify_message}.",
            fix="install its authority's certificate on this machine",
        )
    if isinstance(error, socket.gaierror):
        return Unreachable(f"Cannot reach {address}: there is no host of this name.", fix="check the address")
    return Unreachable(
        f"Cannot reach {address}: {reason_of(error)}.",
        fix="is it running? Start it with: tholos up"
        if address.is_loopback
        else "check the address and the network",
    )


def reason_of(error: Exception) -> str:
    """A broken connection in a few words."""
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there"
    if isinstance(error, http.client.HTTPException | ConnectionError):
        return "the connection broke"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
