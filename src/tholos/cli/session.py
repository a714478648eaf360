"""The client that a command talks to its server with: which server, which token."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tholos.cli import memory
from tholos.client.address import Address
from tholos.client.core import Core
from tholos.client.errors import RemoteNotSignedIn, UnexpectedAnswer
from tholos.kit.errors import Invalid, NotSignedIn, Unavailable

if TYPE_CHECKING:
    from tholos.client.api import Client

C = TypeVar("C", bound=Core)

ASSUMED = "http://localhost:8080"


class NotLoggedIn(NotSignedIn):
    """Cannot talk to the server: nobody is logged in here."""

    code = "not_logged_in"


class NoAppNamed(Invalid):
    """Cannot tell which app is meant."""

    code = "no_app_named"


def choose_server(server: str | None, remembered: str = "") -> str:
    """The server to use: said, else in ``THOLOS_SERVER``, else the folder's, else the default one.

    Raises:
        NotLoggedIn: none is known.
    """
    said = server or os.environ.get("THOLOS_SERVER", "")
    known = memory.read_servers()
    if said:
        return known_as(Address.parse(said), known)
    chosen = remembered if remembered in known.logins else known.default
    if chosen or "THOLOS_TOKEN" in os.environ:
        return chosen or ASSUMED
    raise NotLoggedIn("Cannot do this: you are not logged in to a server.", fix=f"tholos login {ASSUMED}")


def known_as(address: Address, known: memory.Servers) -> str:
    """The URL that a server is remembered by: on this machine 127.0.0.1 and localhost are the same one."""
    if address.is_loopback and str(address) not in known.logins:
        for url in known.logins:
            other = Address.parse(url)
            if other.is_loopback and (other.scheme, other.port, other.base) == (
                address.scheme,
                address.port,
                address.base,
            ):
                return url
    return str(address)


def find_token(server: str) -> str:
    """The token for a server: in ``THOLOS_TOKEN``, else the stored one.

    Raises:
        NotLoggedIn: there is none.
    """
    token = os.environ.get("THOLOS_TOKEN", "")
    if token:
        return token
    login = memory.read_servers().logins.get(server)
    if login is None:
        raise NotLoggedIn(f"Cannot do this: you are not logged in to {server}.", fix=f"tholos login {server}")
    return login.token


def connected(server: str | None, remembered: str = "") -> AbstractContextManager[Client]:
    """A client of the chosen server."""
    from tholos.client.api import (
        Client,  # start-up time: it is more than the commands need that are typed most
    )

    return connected_for(Client, server, remembered)


@contextmanager
def connected_for(calls: type[C], server: str | None, remembered: str = "") -> Iterator[C]:
    """A client of the chosen server with some of the calls."""
    chosen = choose_server(server, remembered)
    with calls(chosen, find_token(chosen)) as client:
        try:
            yield client
        except RemoteNotSignedIn as error:
            error.fix = f"tholos login {chosen}"
            raise
        except UnexpectedAnswer:
            check_version(chosen)
            raise


def check_version(server: str) -> None:
    """Raises: VersionsDiffer: it tells more than that an answer was not understood."""
    from tholos.client.api import Client  # start-up time

    with suppress(Unavailable), Client(server) as client:
        client.be_patient(0)
        client.server()


def choose_app(name: str | None) -> tuple[str, str]:
    """The app that is meant and its server, if known: the name that was said, else what this folder was published as.

    Raises:
        NoAppNamed: neither is there.
    """
    folder = memory.find_folder(Path.cwd())
    if name:
        return name, folder.server if folder and folder.app == name else ""
    if folder:
        return folder.app, folder.server
    raise NoAppNamed(
        "Cannot tell which app is meant: this folder was not published from here.", fix="name it: tholos list"
    )
