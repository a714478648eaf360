"""What can be wrong with a path of one's own."""

from __future__ import annotations

from tholos.kit.errors import Conflict, Forbidden, Invalid


class PathInvalid(Invalid):
    """Cannot lead this path to an app."""

    code = "path_invalid"


class PathReserved(Invalid):
    """Cannot lead this path to an app: Tholos uses its first word."""

    code = "path_reserved"
    usual_fix = "Begin it with another word, such as your team's name."


class PathTaken(Conflict):
    """Cannot lead this path to the app: another one has it."""

    code = "path_taken"
    usual_fix = "Choose another path."


class PathNotForYou(Forbidden):
    """Cannot choose a path: here that is for administrators."""

    code = "path_not_for_you"
    usual_fix = "Ask an administrator for it."
