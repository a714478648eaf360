"""Streamlit scripts on our unix socket, in the ways that the versions of Streamlit know.

Up to 1.5x it is built on tornado and takes ``unix://`` as its address; later it is built on uvicorn, refuses such an
address, but makes its socket in one function that can be replaced.
"""

from __future__ import annotations

import os
import sys

from tholos_guest import warm
from tholos_guest.failure import CannotStart
from tholos_guest.listener import listen, remove

TYPE_CHECKING = False  # typing is not imported: start-up time
if TYPE_CHECKING:
    from socket import socket
    from typing import Any

SETTINGS = {
    "SERVER_HEADLESS": "true",
    "SERVER_FILE_WATCHER_TYPE": "none",
    "SERVER_RUN_ON_SAVE": "false",
    # The gateway decides on the origin of every request; Streamlit cannot know the names it is reached by.
    "SERVER_ENABLE_CORS": "false",
    "SERVER_ENABLE_XSRF_PROTECTION": "false",
    "BROWSER_GATHER_USAGE_STATS": "false",
    "LOGGER_HIDE_WELCOME_MESSAGE": "true",
    "GLOBAL_DEVELOPMENT_MODE": "false",
}


def serve(script: str, socket_path: str, _grace_s: float) -> None:
    """Run the script's app until TERM; what is in progress is Streamlit's to end.

    Raises:
        CannotStart: there is no such script, Streamlit is not installed, or it cannot use a unix socket.
    """
    if not os.path.isfile(script):
        raise CannotStart("there is no file %s" % script)
    arrange()
    try:
        from streamlit.web import cli  # type: ignore[import-not-found]  # in the app's environment
        from streamlit.web.server import server  # type: ignore[import-not-found]  # the same
    except ImportError as error:
        raise CannotStart("streamlit 1.12 or later is not installed; add it to the requirements") from error
    os.umask(0o077)
    if hasattr(server, "start_listening_unix_socket"):
        os.environ["STREAMLIT_SERVER_ADDRESS"] = "unix://" + socket_path
        os.environ["STREAMLIT_SERVER_USE_STARLETTE"] = "false"
        note_when_listening(server)
    else:
        replace_bind(socket_path)
    sys.argv = ["streamlit", "run", script]
    try:
        cli.main(standalone_mode=False)
    finally:
        remove(socket_path)


def arrange() -> None:
    """Say what Streamlit is to do, before it is imported; by environment: a version that does not know a word ignores it."""
    for name, value in SETTINGS.items():
        os.environ["STREAMLIT_" + name] = value


def note_when_listening(server: Any) -> None:
    """Let the versions that listen by themselves tell of it."""
    listens = server.start_listening_unix_socket

    def start_listening(*arguments: object) -> None:
        listens(*arguments)
        warm.note()

    server.start_listening_unix_socket = start_listening


def replace_bind(socket_path: str) -> None:
    """Make the uvicorn-based versions listen on our socket."""
    try:
        from streamlit.web.server.starlette import starlette_server  # type: ignore[import-not-found]  # in the app's environment
    except ImportError as error:
        raise CannotStart("this version of streamlit cannot listen on a unix socket") from error
    if not hasattr(starlette_server, "_bind_socket"):
        raise CannotStart("this version of streamlit cannot listen on a unix socket")

    def bind(*_address: object) -> socket:
        listener = listen(socket_path)
        listener.setblocking(False)
        return listener

    starlette_server._bind_socket = bind  # noqa: SLF001 - checked above
