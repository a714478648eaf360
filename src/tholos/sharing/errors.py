"""What can be wrong with sharing."""

from __future__ import annotations

from tholos.kit.errors import Conflict, Invalid, NotFound


class GrantNotFound(NotFound):
    """It is not shared with that person or group."""

    code = "grant_not_found"


class PrincipalUnknown(Invalid):
    """Cannot share with that: there is no such account or group."""

    code = "principal_unknown"


class GrantInvalid(Invalid):
    """Cannot share it so."""

    code = "grant_invalid"


class RequestNotFound(NotFound):
    """There is no such request for access."""

    code = "access_request_not_found"


class RequestDecided(Conflict):
    """Cannot decide this request: it was decided already."""

    code = "access_request_decided"
