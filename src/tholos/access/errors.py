"""What can be wrong at an app's door."""

from __future__ import annotations

from tholos.kit.errors import Forbidden


class NotShared(Forbidden):
    """Cannot open this app: it is not shared with you."""

    code = "not_shared"


class NeedsSession(Forbidden):
    """Cannot open this app so: only a browser that is signed in is sent on to it."""

    code = "needs_session"
