"""Where a server is: its URL taken apart, and the addresses that a host name stands for."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from tholos.kit.errors import Invalid

PORTS = {"http": 80, "https": 443}


class ServerInvalid(Invalid):
    """Cannot use this as a server: it is no http or https URL."""

    code = "server_invalid"


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a server. ``base`` is the path in front of ``/api``, without a slash at its end."""

    scheme: str
    host: str
    port: int
    base: str = ""

    @classmethod
    def parse(cls, url: str) -> Address:
        """The address in a URL; ``http://`` may be left out.

        Raises:
            ServerInvalid: it is no http or https URL, or it carries a name or password.
        """
        text = url.strip()
        try:
            parts = urlsplit(text if "://" in text else f"http://{text}")
            port = parts.port or PORTS[parts.scheme]
        except (ValueError, KeyError) as error:
            raise refusal(text) from error
        is_plain = all(sign.isprintable() and not sign.isspace() for sign in text) and parts.path.isascii()
        if not parts.hostname or parts.port == 0 or parts.username is not None or not is_plain:
            raise refusal(text)
        return cls(parts.scheme, parts.hostname, port, parts.path.rstrip("/"))

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine."""
        return (
            self.host == "localhost"
            or self.host.endswith(".localhost")
            or self.host.startswith("127.")
            or self.host == "::1"
        )

    @property
    def is_tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.scheme == "https"

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.base}"


def refusal(text: str) -> ServerInvalid:
    return ServerInvalid(
        f"Cannot use {text!r} as a server: it is not a URL such as http://localhost:8080.", where="server"
    )


def candidates(host: str) -> tuple[str, ...]:
    """What to connect to for a host name, in order.

    ``localhost`` and every name below it are this machine (RFC 6761, 6.3), whatever the resolver makes of them.
    """
    if host == "localhost" or host.endswith(".localhost"):
        return ("127.0.0.1", "::1")
    return (host,)


def connect(
    host: str,
    port: int,
    timeout: float,
    dial: Callable[[tuple[str, int], float], socket.socket] = socket.create_connection,
) -> socket.socket:
    """A connected socket, by the first of the host's candidates that answers.

    Raises:
        OSError: none of them did.
    """
    first, *others = candidates(host)
    try:
        return dial((first, port), timeout)
    except OSError:
        for other in others:
            with suppress(OSError):
                return dial((other, port), timeout)
        raise  # the first one's reason is the telling one: ::1 may not even exist here
