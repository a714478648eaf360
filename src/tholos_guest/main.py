"""Options, paths and signals of an app's process; which server it becomes is decided here.

Importing the app is ``entry``'s work, serving it that of the module with the kind's name.
"""

from __future__ import annotations

import faulthandler
import importlib
import os
import signal
import sys

from tholos_guest import warm
from tholos_guest.failure import CannotStart, report

GRACE_S = 8.0
"""Seconds that requests in progress get after TERM; the supervisor kills after ten."""

KINDS = (
    "wsgi", "asgi", "streamlit", "gradio", "bokeh", "panel", "marimo", "voila", "notebook", "command", "static",
)  # fmt: skip

_NAMES = ("kind", "entrypoint", "socket", "path", "options", "notes")


def main(argv: list[str]) -> int:
    """Serve an app until TERM.

    Args:
        argv: ``--kind K --entrypoint E --socket S``, for the kinds that need our servers ``--path FOLDER``,
            ``--options A,B`` for what a kind is told besides, and ``--notes FILE`` where packages may be imported ahead.

    Returns:
        The exit code: 0 after TERM, 1 where the app cannot be started, 2 for a wrong command line.
    """
    faulthandler.enable()
    # Until the server is ready there is nothing to finish, whatever the parent process ignored.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    options = parse(argv)
    if options is None:
        usage = "--kind K --entrypoint E --socket S [--path FOLDER] [--options A,B] [--notes FILE]"
        sys.stderr.write("[tholos] usage: bootstrap.py %s\n" % usage)
        return 2
    arrange_path(sys.path, os.getcwd(), options.get("path", ""))
    try:
        serve(options.pop("kind"), options.pop("entrypoint"), options.pop("socket"), options)
    except CannotStart as error:
        report(error)
        return 1
    return 0


def parse(argv: list[str]) -> dict[str, str] | None:
    """The options by name, or ``None`` if they are not complete (argparse alone costs more than everything here)."""
    options = {}
    for name, value in zip(argv[::2], argv[1::2]):
        if name[:2] != "--" or name[2:] not in _NAMES:
            return None
        options[name[2:]] = value
    complete = len(argv) % 2 == 0 and all(options.get(name) for name in ("kind", "entrypoint", "socket"))
    return options if complete else None


def arrange_path(path: list[str], app: str, wheels: str) -> None:
    """The app's folder first (and its ``src``, if it has that layout), our servers last: the app's copies win."""
    source = os.path.join(app, "src")
    front = [app]
    if os.path.isdir(source) and not os.path.exists(os.path.join(source, "__init__.py")):
        front.append(source)
    path[:] = front + [entry for entry in path if entry not in front]
    if wheels:
        path.append(wheels)


def serve(kind: str, entrypoint: str, socket_path: str, told: dict[str, str]) -> None:
    """Become the server of this kind; returns after TERM.

    Args:
        kind: one of ``KINDS``.
        entrypoint: what is served.
        socket_path: where.
        told: ``options`` and ``notes``, if there are any.
    """
    if kind not in KINDS:
        raise CannotStart('there is no kind "%s"; there are: %s' % (kind, ", ".join(KINDS)))
    server = importlib.import_module("tholos_guest." + kind)
    if told.get("notes"):
        if hasattr(server, "arrange"):
            server.arrange()
        warm.begin(told["notes"])
    further = (frozenset(told.get("options", "").split(",")),) if kind == "notebook" else ()
    server.serve(entrypoint, socket_path, GRACE_S, *further)
