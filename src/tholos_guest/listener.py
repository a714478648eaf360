"""The unix socket that an app answers on: made by us for every kind, so that nobody else may open it."""

from __future__ import annotations

import os
import socket

from tholos_guest import warm
from tholos_guest.failure import CannotStart

BACKLOG = 1024


def listen(path: str) -> socket.socket:
    """A listening socket; call it once the app can answer, and not before.

    Raises:
        CannotStart: as ``bind``.
    """
    listener = bind(path)
    listener.listen(BACKLOG)
    warm.note()
    return listener


def bind(path: str) -> socket.socket:
    """A socket with mode 0600 that refuses connections until somebody listens on it.

    Raises:
        CannotStart: the path is too long, or its folder is not there or not writable.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # The mask and not a later chmod: there must be no moment in which another user can connect.
    mask = os.umask(0o177)
    try:
        remove(path)
        listener.bind(path)
    except OSError as error:
        listener.close()
        raise CannotStart("the socket %s cannot be made: %s" % (path, error.strerror or error)) from error
    finally:
        os.umask(mask)
    return listener


def remove(path: str) -> None:
    """Remove what an earlier process left."""
    if os.path.exists(path):
        os.unlink(path)
