"""What can be wrong with sharing."""

from __future__ import annotations

from tholos.kit.errors import Conflict, Invalid, NotFound


class GrantNotFound(NotFound):
    """It is not shared with that person or group."""

    code = "grant_not_found"
    usual_fix = "See who can open it, and why: tholos access NAME --people"


class PrincipalUnknown(Invalid):
    """Cannot share with that: there is no such account or group."""

    code = "principal_unknown"
    usual_fix = "See who there is: tholos users list"


class GrantInvalid(Invalid):
    """Cannot share it so."""

    code = "grant_invalid"
    usual_fix = "Choose somebody else; an app's owner may do everything already."


class RequestNotFound(NotFound):
    """There is no such request for access."""

    code = "access_request_not_found"
    usual_fix = "See who asked: tholos requests NAME"


class RequestDecided(Conflict):
    """Cannot decide this request: it was decided already."""

    code = "access_request_decided"
    usual_fix = "Share it, or take it back, if that was wrong: tholos access NAME --people"
