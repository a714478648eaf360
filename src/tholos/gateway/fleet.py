"""What stands in the proxy's files, as values: how it listens, and the lanes of the apps that are awake. No I/O.

A *lane* is the fast path of one app: requests that prove access to it go straight to its ready instance. Whatever matches no
lane goes to the server's own door, so leaving something out is always safe.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_ID = re.compile(r"[a-z0-9.-]{1,64}")
_PLACE = re.compile(r"[a-z0-9._-]{1,64}(?:/r[0-9]{1,9})?")
_HOST = re.compile(r"[a-z0-9.-]{1,253}(?::[0-9]{1,5})?")


class Unfit(ValueError):
    """A value that must not stand in the proxy's files: no user's text can make it refuse one."""


@dataclass(frozen=True, slots=True)
class Cookies:
    """The names of our cookies on the hosts of apps."""

    app_pass: str
    handle: str
    transaction: str
    """What the names of these begin with; eight hexadecimal digits follow."""


@dataclass(frozen=True, slots=True)
class Front:
    """How the proxy listens and whom it believes: what changes only with a restart of it."""

    host: str
    """An IP address."""
    port: int
    door: str
    """Path of the unix socket of the server's door."""
    admin: str
    """Path of the unix socket of its own administration."""
    folder: str
    """Where the files that change lie."""
    keys: str
    """The public keys of passes, as a JSON Web Key Set (RFC 7517)."""
    issuer: str
    cookies: Cookies
    is_secure: bool
    """Whether people come by https, here or at whatever stands in front."""
    certificate: str = ""
    """Path of the file of the chain; plain HTTP where empty."""
    private_key: str = ""
    max_head_kb: int = 64
    head_timeout_s: float = 20.0
    keep_alive_s: float = 75.0
    idle_timeout_s: float = 0.0
    """Between two bytes of a request and its answer; 0 never ends one."""
    compresses: bool = False
    logs: bool = False
    """Whether it writes a line of every request that it carries past the door."""
    logs_accounts: bool = False
    """Whether those say who asked."""


@dataclass(frozen=True, slots=True, order=True)
class Lane:
    """The fast path of one app, or of one of its drafts."""

    host: str
    """As browsers name it: with the port where it is not the scheme's own."""
    place: str
    access_version: int
    instance: str
    socket: str
    """Path of the instance's unix socket."""
    app: str
    """Id of the app where visits count; empty for a draft."""
    release: int
    is_public: bool = False
    name: str = ""
    """What logs call it."""
    revoked: tuple[str, ...] = ()
    """Sessions whose passes for this place are not to be believed any more."""

    def __post_init__(self) -> None:
        """Raises: Unfit."""
        fits = (
            _HOST.fullmatch(self.host)
            and _PLACE.fullmatch(self.place)
            and all(_is_id(one) for one in (self.instance, *self.revoked))
            and all(not one or _is_id(one) for one in (self.app, self.name))
            and self.socket.startswith("/")
            and "\0" not in self.socket
        )
        if not fits:
            raise Unfit(self.host)

    @property
    def cluster(self) -> str:
        """Names the instance: another release is another route, and no connection is shared between two."""
        return f"instance-{self.instance}"


@dataclass(frozen=True, slots=True)
class Fleet:
    """All lanes at one moment."""

    lanes: tuple[Lane, ...] = ()
    leaving: tuple[Lane, ...] = ()
    """Lanes of before, whose instances may still be answering: nothing new goes there."""
    generations: tuple[str, ...] = ()
    """Of passes: no others are believed, and with none, nobody's."""


def _is_id(text: str) -> bool:
    return _ID.fullmatch(text.replace("_", "-")) is not None
