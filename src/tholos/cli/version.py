"""The version command."""

from __future__ import annotations

from tholos import __version__
from tholos.cli.console import of_terminal
from tholos.cli.failures import print_json
from tholos.cli.session import NotLoggedIn, choose_server
from tholos.client.api import Client
from tholos.client.errors import Unreachable


def show_version(*, server: str | None, as_json: bool) -> int:
    """Print this program's version and, where one can be reached, the server's."""
    url, other = "", ""
    try:
        url = choose_server(server)
        with Client(url) as client:
            client.be_patient(0)
            other = client.server().version
    except NotLoggedIn:
        pass
    except Unreachable:
        other = "not reachable"
    if as_json:
        print_json(client=__version__, server=url or None, server_version=other or None)
        return 0
    console = of_terminal()
    console.row("tholos", __version__)
    if url:
        console.row("server", f"{other} at {url}")
    return 0
