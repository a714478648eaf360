"""Notebooks that visitors use, by Voilà, on our unix socket; its settings are those of the folder's ``voila.json``."""

from __future__ import annotations

import os
import signal
import tempfile

from tholos_guest import entry, notebook, prefix
from tholos_guest.failure import CannotStart
from tholos_guest.listener import listen, remove

TYPE_CHECKING = False  # typing is not imported: start-up time
if TYPE_CHECKING:
    from typing import Any

FLAGS = (
    "--no-browser",
    "--Voila.base_url=/",
    "--Voila.server_url=/",
    "--Voila.autoreload=False",
    "--KernelManager.shutdown_wait_time=2",
)
"""Said on the command line, so that they hold against the folder's settings."""
IDLE_S = 1200
"""Seconds after which the kernel of a visitor who is gone is ended."""


def serve(path: str, socket_path: str, _grace_s: float) -> None:
    """Serve a notebook, or all of the folder, until TERM; then end their kernels.

    Raises:
        CannotStart: there is no such notebook, Voilà is not installed, or its settings cannot be read.
    """
    if path != "." and not os.path.isfile(path):
        raise CannotStart("there is no file %s" % path)
    notebook.need("voila", "ipykernel")
    with tempfile.TemporaryDirectory(prefix="voila-") as folder:
        notebook.arrange(folder)
        try:
            from voila.app import Voila  # type: ignore[import-not-found]  # in the app's environment
        except ImportError as error:
            raise CannotStart(entry.explain(error, "voila")) from error
        if prefix.is_used():
            prefix.in_jupyter()
            prefix.in_tornado()
        app = Voila.instance()
        try:
            app.initialize([path, *FLAGS])
        except Exception as error:  # what the folder's settings and hooks may raise
            raise CannotStart("voila cannot be set up: %s" % str(error).partition("\n")[0]) from error
        app.config.MappingKernelManager.setdefault("cull_idle_timeout", IDLE_S)
        # The gateway decides on the origin of every request.
        app.tornado_settings = dict(app.tornado_settings, allow_origin="*")
        app.listen = lambda: run(app, socket_path)
        app.start()


def run(app: Any, socket_path: str) -> None:
    """In place of Voilà's own way to listen."""
    from tornado.httpserver import HTTPServer  # type: ignore[import-not-found]  # Voilà needs it
    from tornado.ioloop import IOLoop  # type: ignore[import-not-found]  # the same

    loop = app.ioloop = IOLoop.current()
    signal.signal(signal.SIGTERM, lambda *_: loop.add_callback_from_signal(loop.stop))
    server = HTTPServer(app.app, xheaders=True)
    listener = listen(socket_path)
    listener.setblocking(False)
    server.add_socket(listener)
    try:
        loop.start()
    finally:
        server.stop()
        remove(socket_path)
        app.stop()
