"""What can be wrong at an app's door."""

from __future__ import annotations

from tholos.kit.errors import Forbidden


class NotShared(Forbidden):
    """Cannot open this app: it is not shared with you."""

    code = "not_shared"
