"""``tholos up``: a server here, in the foreground, until Ctrl-C."""

from __future__ import annotations

import gc
from pathlib import Path

from tholos.kit.errors import Unavailable


class ServerNotInstalled(Unavailable):
    """Cannot start a server: this installation has only the client."""

    code = "server_not_installed"


def up(data: Path, host: str, port: int, examples: Path | None, *, open_browser: bool) -> int:
    """Serve until interrupted; ends every instance before it returns, and keeps everything for the next start.

    Raises: ServerNotInstalled; and what keeps a server from starting.
    """
    gc.disable()  # what importing makes stays: looking for garbage in it again and again is a tenth of the start
    try:
        from tholos.server import foreground  # start-up time: no other command needs the server
    except ModuleNotFoundError as error:
        raise ServerNotInstalled(
            f"Cannot start a server: {error.name} is missing.", fix='pip install "tholos[server]"'
        ) from error
    gc.freeze()  # nor does any later collection have to hold up requests for it
    gc.enable()
    return foreground.run(data, host, port, examples, open_browser=open_browser)
