"""Bokeh scripts and folders on our unix socket: Bokeh's own server, which is given our listener in place of a port.

A script that fails answers with status 500, as an app of another kind does; Bokeh itself would show an empty page.
"""

from __future__ import annotations

import os
import secrets

from tholos_guest import entry, prefix
from tholos_guest.failure import CannotStart
from tholos_guest.listener import listen, remove

TYPE_CHECKING = False  # typing is not imported: start-up time
if TYPE_CHECKING:
    from socket import socket
    from typing import Any

OPTIONS = {"port": 0, "use_xheaders": True}
MAIN = "main.py"
"""The script of an app that is a folder, with its templates, its theme and its static files."""


def serve(script: str, socket_path: str, _grace_s: float) -> None:
    """Serve until TERM; sessions are ended in Bokeh's own way."""
    check(script, "bokeh")
    try:
        from bokeh.server.server import Server  # type: ignore[import-not-found]  # in the app's environment
    except ImportError as error:
        raise CannotStart(entry.explain(error, "bokeh")) from error
    application = build(os.path.dirname(script) or "." if os.path.basename(script) == MAIN else script)
    run(lambda: Server({place_of(application): application}, **OPTIONS), socket_path)


def check(script: str, package: str) -> None:
    """That there is something to run and something that runs it; prepare the latter.

    Raises:
        CannotStart: there is no such script, or the package is not installed.
    """
    if not os.path.isfile(script):
        raise CannotStart("there is no file %s" % script)
    # A visitor brings back a session's headers in a token: unless it is signed, an account could be made up.
    os.environ.setdefault("BOKEH_SIGN_SESSIONS", "true")
    os.environ.setdefault("BOKEH_SECRET_KEY", secrets.token_urlsafe(32))
    # The gateway decides on the origin of every request; Bokeh cannot know the names it is reached by.
    os.environ["BOKEH_ALLOW_WS_ORIGIN"] = "*"
    try:
        __import__(package)
        from bokeh.util.logconfig import basicConfig  # type: ignore[import-not-found]  # in the app's environment
    except ModuleNotFoundError as error:
        if error.name != package:
            raise CannotStart(entry.explain(error, package)) from error
        raise CannotStart("%s is not installed; add it to the requirements" % package) from error
    basicConfig(level="INFO", format="%(levelname)s: %(message)s")


def build(place: str) -> Any:
    """The application of a script or folder, which fails where its code does.

    Raises:
        CannotStart: its code cannot be read.
    """
    from bokeh.command.util import build_single_handler_application  # type: ignore[import-not-found]  # in the app's environment

    try:
        application = build_single_handler_application(place)
    except (RuntimeError, SyntaxError, ValueError) as error:
        raise CannotStart(str(error).strip()) from None
    fill = application.initialize_document

    def initialize_document(document: object) -> None:
        fill(document)
        for handler in application.handlers:
            if handler.failed:
                raise Failed(handler.error)

    application.initialize_document = initialize_document
    return application


class Failed(Exception):
    """The app's code failed for a visitor; its traceback was logged before."""


def place_of(application: Any) -> str:
    """The path that it is served at; an app with static files has to leave Bokeh's own theirs."""
    return "/" if application.static_path is None else "/" + os.environ.get("THOLOS_APP", "app")


def run(make: Any, socket_path: str) -> None:
    """Run the server that ``make`` makes on our socket."""
    import asyncio

    from bokeh.server import server as module  # type: ignore[import-not-found]  # in the app's environment

    listener: list[socket] = []

    def bind_sockets(*_address: object) -> tuple[list[socket], int]:
        listener.append(listen(socket_path))
        listener[0].setblocking(False)
        return listener, 80

    module.bind_sockets = bind_sockets
    if prefix.is_used():
        prefix.in_bokeh()
        prefix.in_tornado()
    asyncio.set_event_loop(asyncio.new_event_loop())
    try:
        make().run_until_shutdown()
    finally:
        remove(socket_path)
