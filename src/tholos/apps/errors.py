"""What can be wrong with apps and releases."""

from __future__ import annotations

from tholos.kit.errors import Conflict, Forbidden, Invalid, NotFound


class AppNotFound(NotFound):
    """There is no such app among those you may see."""

    code = "app_not_found"


class ReleaseNotFound(NotFound):
    """The app has no such release."""

    code = "release_not_found"


class NotAnEditor(Forbidden):
    """Cannot do that with this app: it is for its owner and editors."""

    code = "not_an_editor"


class NameInvalid(Invalid):
    """Cannot take this name for an app."""

    code = "name_invalid"


class NameReserved(Invalid):
    """Cannot take this name for an app: it is reserved."""

    code = "name_reserved"


class NameTaken(Conflict):
    """Cannot take this name for an app: somebody else has it."""

    code = "name_taken"


class TransitionRefused(Conflict):
    """Cannot change the state of this release so."""

    code = "release_state"
