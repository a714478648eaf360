"""Marimo notebooks as apps on our unix socket: marimo's own command, whose server is given our listener in place of a port."""

from __future__ import annotations

import os
import signal

from tholos_guest import entry
from tholos_guest.failure import CannotStart
from tholos_guest.listener import bind, remove

TYPE_CHECKING = False  # typing is not imported: start-up time
if TYPE_CHECKING:
    from typing import Any

FLAGS = ("--headless", "--no-token", "--host", "127.0.0.1", "--port", "80")
"""A port that nobody listens on; one has to be named, or a free one is looked for."""


def serve(script: str, socket_path: str, _grace_s: float) -> None:
    """Serve until TERM; sessions are ended in marimo's own way.

    Raises:
        CannotStart: there is no such notebook, or marimo is not installed.
    """
    if not os.path.isfile(script):
        raise CannotStart("there is no file %s" % script)
    try:
        from marimo._cli.cli import main  # type: ignore[import-not-found]  # in the app's environment
    except ModuleNotFoundError as error:
        if error.name != "marimo":
            raise CannotStart(entry.explain(error, "marimo")) from error
        raise CannotStart("marimo is not installed; add it to the requirements") from error
    import uvicorn

    from tholos_guest import asgi

    class Server(uvicorn.Server):
        """Listens where we are asked."""

        def run(self, *_arguments: Any, **_named: Any) -> None:
            self.config.app = asgi.GatewayHeaders(self.config.app)
            listener = bind(socket_path)
            signal.signal(signal.SIGTERM, asgi.end)
            try:
                super().run(sockets=[listener])
            finally:
                listener.close()

    uvicorn.Server = Server  # type: ignore[misc]  # marimo's is made of it
    try:
        main(["-q", "-y", "run", script, *FLAGS], standalone_mode=False)
    except asgi.Ended:
        return
    finally:
        remove(socket_path)
