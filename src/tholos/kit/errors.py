"""One root and five kinds of errors; a domain error subclasses a kind.

Kinds map to HTTP statuses, pages and exit codes in one table each, at the edge that needs it. A message reads
"Cannot X: reason." and the fix says what to do.
"""

from __future__ import annotations

from typing import ClassVar


class TholosError(Exception):
    """Something that a person can act on.

    Attributes:
        code: stable, machine-readable name of the error.
        message: what is wrong and where, one sentence or a few.
        usual_fix: what to do about any of its kind.
        fix: what to do about it; else what is usual, and empty where the message says it all.
        where: the file and line, field or name it is about, as ``app.py:4`` or ``name``; empty if none.
        details: further JSON values for programs.
    """

    code: ClassVar[str] = "error"
    usual_fix: ClassVar[str] = ""

    def __init__(self, message: str = "", *, fix: str = "", where: str = "", **details: object) -> None:
        self.message = message or (type(self).__doc__ or "").strip().split("\n", maxsplit=1)[0]
        self.fix = fix or self.usual_fix
        self.where = where
        self.details = details
        super().__init__(self.message)

    def to_json(self) -> dict[str, object]:
        """The one JSON shape of an error, on every channel."""
        shown: dict[str, object] = {"code": self.code, "message": self.message}
        if self.fix:
            shown["fix"] = self.fix
        if self.where:
            shown["where"] = self.where
        if self.details:
            shown["details"] = self.details
        return shown


class NotFound(TholosError):
    """There is no such thing here."""

    code = "not_found"


class Forbidden(TholosError):
    """This account may not do that."""

    code = "forbidden"


class NotSignedIn(Forbidden):
    """Nobody is signed in here."""

    code = "not_signed_in"


class Conflict(TholosError):
    """Something else was there first."""

    code = "conflict"


class Invalid(TholosError):
    """The input is not of the form that is needed."""

    code = "invalid"


class Unavailable(TholosError):
    """It cannot be done just now; the same call may succeed later."""

    code = "unavailable"
