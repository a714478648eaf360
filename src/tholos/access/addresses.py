"""Where apps are reached: at hosts of their own, or under paths of the console's host, whichever the installation has.

Under a path an app sees its own paths alone: what stands before them is taken away, and told it in headers.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from tholos.gateway.model import Header, RequestHead

_NAME = "([a-z][a-z0-9-]{1,51})"


@dataclass(frozen=True, slots=True)
class Address:
    """What a request is for."""

    name: str
    """Of an app, or of one of its drafts."""
    prefix: str
    """What stands before the app's own paths, as ``/app/sales``; empty at a host of its own."""
    target: str
    """Path and query as the app is to see them; empty for ``/app/sales`` itself, which lacks a slash."""

    @property
    def cookie_path(self) -> str:
        return f"{self.prefix}/"

    @property
    def headers(self) -> list[Header]:
        """How the app is told: frameworks look for either."""
        if not self.prefix:
            return []
        told = self.prefix.encode()
        return [(b"x-forwarded-prefix", told), (b"x-script-name", told)]

    def keep_inside(self, path: str) -> str:
        """A path to go to, if it is one of the app's; else its first page."""
        return path if path.startswith(self.cookie_path) else self.cookie_path


class Addresses:
    """Tells which app a request is for.

    Args:
        app_url: an app's address with ``{name}`` in its host or its path.
        console_hosts: the Host headers that mean the console.
    """

    def __init__(self, app_url: str, console_hosts: Collection[str]) -> None:
        host, slash, path = app_url.partition("//")[2].partition("/")
        before, _, after = host.partition("{name}")
        self._path = slash + path
        """With ``{name}`` in it where apps are under paths; else empty."""
        self._console_hosts = console_hosts
        self._host = re.compile(re.escape(before) + _NAME + re.escape(after))
        self._under = re.compile(re.escape(self._path.removesuffix("{name}")) + _NAME + "(?=[/?]|$)")

    def find(self, head: RequestHead) -> Address | None:
        """The app; None for what is the console's, or nobody's."""
        if head.host in self._console_hosts:
            found = self._under.match(head.target) if self._path else None
            if found is None:
                return None
            rest = head.target[found.end() :]
            return Address(found[1], found[0], rest if rest.startswith("/") else "")
        match = None if self._path else self._host.fullmatch(head.host)
        return Address(match[1], "", head.target) if match else None

    def of(self, name: str, target: str) -> Address:
        """An app's own address, where it is reached by another one."""
        return Address(name, self._path.format(name=name), target)
