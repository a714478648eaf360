"""Commands about paths of one's own: those that there are, and that of an app."""

from __future__ import annotations

from dataclasses import asdict

from tholos.cli.console import of_terminal, say_done
from tholos.cli.failures import print_json
from tholos.cli.session import connected
from tholos.kit.errors import Invalid


class SaidTwice(Invalid):
    """Cannot do both: a path is named, and removed."""

    code = "said_twice"


def list_paths(*, server: str | None, as_json: bool) -> int:
    """Print the paths that lead to apps."""
    with connected(server) as client:
        found = client.paths()
    if as_json:
        print_json(paths=[asdict(one) for one in found])
        return 0
    console = of_terminal()
    if not found:
        console.row("no path leads to an app yet · tholos path NAME /team/report/")
        return 0
    console.table([("APP", "ADDRESS"), *((one.app, one.url) for one in found)])
    return 0


def app_path(*, name: str, path: str, remove: bool, force: bool, server: str | None, as_json: bool) -> int:
    """Print the path that leads to an app, or say or remove it.

    Raises:
        SaidTwice: both of that.
    """
    if path and remove:
        raise SaidTwice(fix=f"tholos path {name} {path}")
    with connected(server) as client:
        if remove:
            client.remove_path(name)
            return say_done(name, "has its own address only", as_json=as_json, app=name, path="")
        found = client.set_path(name, path, force=force) if path else client.path(name)
    if as_json:
        print_json(**asdict(found))
        return 0
    of_terminal().row(name, found.url or f"has none · tholos path {name} /team/report/")
    return 0
