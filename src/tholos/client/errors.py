"""What can go wrong between a client and a server, as the five kinds of errors.

::

    TholosError
    ├── RemoteNotFound, RemoteForbidden, RemoteNotSignedIn,
    │   RemoteConflict, RemoteInvalid, RemoteUnavailable     the server answered with an error of that kind
    ├── RemoteBug                                            the server answered 500
    ├── Unreachable (Unavailable)                            nobody answered
    ├── UnexpectedAnswer (Unavailable)                       somebody answered something else
    └── VersionsDiffer (Conflict)                            the server speaks another version of the API
"""

from __future__ import annotations

from tholos.kit.errors import Conflict, Forbidden, Invalid, NotFound, NotSignedIn, TholosError, Unavailable


class Remote(TholosError):
    """The server answered with an error.

    Attributes:
        status: the HTTP status of the answer.
        request_id: what finds the request in the server's log; empty if the server named none.
        retry_after: seconds after which the server asks to try again; None if it did not say.
    """

    status: int = 0
    request_id: str = ""
    retry_after: float | None = None


class RemoteNotFound(Remote, NotFound):
    """The server has no such thing."""


class RemoteForbidden(Remote, Forbidden):
    """The server does not permit it."""


class RemoteNotSignedIn(Remote, NotSignedIn):
    """The server does not know who is asking."""


class RemoteConflict(Remote, Conflict):
    """Something else was there first."""


class RemoteInvalid(Remote, Invalid):
    """The server refuses the input."""


class RemoteUnavailable(Remote, Unavailable):
    """The server cannot do it just now."""


class RemoteBug(Remote):
    """The server failed."""

    code = "bug"


class Unreachable(Unavailable):
    """Cannot reach the server."""

    code = "unreachable"


class Quiet(Unreachable):
    """A stream said nothing for so long that it is asked for again."""

    code = "quiet"


class UnexpectedAnswer(Unavailable):
    """Cannot understand the server's answer."""

    code = "unexpected_answer"


class VersionsDiffer(Conflict):
    """Cannot talk to the server: it speaks another version of the API."""

    code = "versions_differ"


KINDS: dict[int, type[Remote]] = {
    400: RemoteInvalid,
    401: RemoteNotSignedIn,
    403: RemoteForbidden,
    404: RemoteNotFound,
    409: RemoteConflict,
    412: RemoteConflict,
    413: RemoteInvalid,
    422: RemoteInvalid,
    429: RemoteUnavailable,
    500: RemoteBug,
    502: RemoteUnavailable,
    503: RemoteUnavailable,
    504: RemoteUnavailable,
}


def remote(
    status: int,
    code: str,
    message: str,
    *,
    fix: str = "",
    where: str = "",
    details: dict[str, object] | None = None,
    request_id: str = "",
    retry_after: float | None = None,
) -> Remote:
    """The error that an answer stands for, with the server's own code."""
    kind = KINDS.get(status) or (RemoteBug if status >= 500 else RemoteInvalid)
    error = kind(message, fix=fix, where=where)
    error.details.update(details or {})
    error.status, error.request_id, error.retry_after = status, request_id, retry_after
    if code:
        vars(error)["code"] = code  # the class only knows the kind, the server names the error
    return error
