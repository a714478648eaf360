"""What can be wrong with apps and releases."""

from __future__ import annotations

from tholos.kit.errors import Conflict, Forbidden, Invalid, NotFound


class AppNotFound(NotFound):
    """There is no such app among those you may see."""

    code = "app_not_found"
    usual_fix = "See those that you may see: tholos list"


class ReleaseNotFound(NotFound):
    """The app has no such release."""

    code = "release_not_found"
    usual_fix = "See those that there are: tholos releases NAME"


class NotAnEditor(Forbidden):
    """Cannot do that with this app: it is for its owner and editors."""

    code = "not_an_editor"


class OwnerInvalid(Invalid):
    """Cannot hand it over to that account."""

    code = "owner_invalid"
    usual_fix = "See who there is: tholos users list"


class HandOverRefused(Forbidden):
    """Cannot hand over what somebody else owns: that is for them and for administrators."""

    code = "hand_over_refused"


class OpenAlready(Conflict):
    """Cannot ask for access: you may open it."""

    code = "open_already"


class RefusedLately(Conflict):
    """Cannot ask for access again just now: it was refused lately."""

    code = "refused_lately"


class DraftNotFound(NotFound):
    """That release is no draft of the app (any more)."""

    code = "draft_not_found"


class NotReady(Conflict):
    """Cannot make this release live: it failed, or is still being made."""

    code = "release_not_ready"


class NothingBefore(Conflict):
    """Cannot roll back: no release before the live one was ever live."""

    code = "nothing_before"


class ReleaseInUse(Conflict):
    """Cannot remove this release: something names it."""

    code = "release_in_use"
    usual_fix = "Make another release live first: tholos activate NAME N"


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


class LifeInvalid(Invalid):
    """Cannot let an app's instances live so."""

    code = "life_invalid"
    usual_fix = "Choose a number between these."


class LimitInvalid(Invalid):
    """Cannot give an app this limit."""

    code = "limit_invalid"
    usual_fix = "Choose a number between these."
