"""What stands in the proxy's files, as values: how it listens, and the lanes of the apps that are awake. No I/O.

A *lane* is the fast path of one app: requests that prove access to it go straight to its ready instance. Whatever matches no
lane goes to the server's own door, so leaving something out is always safe.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_ID = re.compile(r"[a-z0-9.-]{1,64}")
_PLACE = re.compile(r"[a-z0-9._-]{1,64}(?:/r[0-9]{1,9})?")
_HASH = re.compile(r"[0-9a-f]{64}")
_PRINTABLE = re.compile(r"[!-~](?:[ -~]{0,2500}[!-~])?")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]{1,80}){0,8}")
_HOST = re.compile(r"[a-z0-9.-]{1,253}(?::[0-9]{1,5})?")


LANES_KEPT = 2048
"""Of which neither the lane nor its routes are made anew where nothing of it changed; 2 kB each."""
EVERYONE = "everyone"
"""In the place of a session, where everyone is let in; ids of sessions are others."""


def is_of_token(session: str) -> bool:
    """Whether what stands in the place of a session is the hash of an API token."""
    return _HASH.fullmatch(session) is not None


class Unfit(ValueError):
    """A value that must not stand in the proxy's files: no user's text can make it refuse one."""


@dataclass(frozen=True, slots=True)
class Cookies:
    """The names of our cookies on the hosts of apps."""

    app_pass: str
    handle: str
    transaction: str
    """What the names of these begin with; eight hexadecimal digits follow."""
    instance: str = "tholos_instance"
    """Which of an app's instances a browser is used to; no credential."""
    session: str = "tholos_session"
    """Of the console: where apps are under paths of its host, it comes along."""
    openid: str = "tholos_openid"
    """The same, as :attr:`transaction`."""


@dataclass(frozen=True, slots=True)
class OwnAnswer:
    """What the proxy answers by itself, as the door would."""

    status: int
    page: str
    """For whoever asks for HTML."""
    json: str
    """For anybody else."""
    headers: tuple[tuple[str, str], ...] = ()


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
    max_body: int = 0
    """Bytes that a request's body may have on a lane; 0 bounds none. What says less, or nothing, is left to the door."""
    compresses: bool = False
    logs: bool = False
    """Whether it writes a line of every request that it carries past the door."""
    logs_accounts: bool = False
    """Whether those say who asked."""
    answers: tuple[OwnAnswer, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Bearer:
    """Whom an API token admits to one place."""

    hash: str
    """SHA-256 of the token, in hexadecimal digits."""
    until: int
    """Unix seconds: from then on the door is asked."""
    account: str
    name: str
    identity: str
    """JSON."""

    def __post_init__(self) -> None:
        """Raises: Unfit."""
        is_printable = _PRINTABLE.fullmatch(self.name) and _PRINTABLE.fullmatch(self.identity)
        if not _HASH.fullmatch(self.hash) or not _is_id(self.account) or not is_printable:
            raise Unfit(self.name)


@dataclass(frozen=True, slots=True, order=True)
class Way:
    """To one instance."""

    instance: str
    socket: str
    """Path of the instance's unix socket."""
    whose: str = ""
    """Of an account, by its id, or of :data:`EVERYONE` who is not signed in: nobody else goes there. Empty where browsers go
    to the instance that they came to first.
    """

    def __post_init__(self) -> None:
        """Raises: Unfit."""
        is_named = _is_id(self.instance) and (not self.whose or _is_id(self.whose))
        if not is_named or not _is_path(self.socket):
            raise Unfit(self.instance)

    @property
    def cluster(self) -> str:
        """Names the instance: another release is another route, and no connection is shared between two."""
        return cluster_name(self.instance)


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
    bearers: tuple[Bearer, ...] = ()
    """Of whom an API token was good here within the last minutes."""
    prefix: str = ""
    """What stands before the app's own paths, as ``/app/sales``, where it has no host of its own."""
    among: tuple[Way, ...] = ()
    """Where there may be several instances, all of them: who goes to which is said there."""

    def __post_init__(self) -> None:
        """Raises: Unfit."""
        fits = (
            _HOST.fullmatch(self.host)
            and _PREFIX.fullmatch(self.prefix)
            and _PLACE.fullmatch(self.place)
            and all(_is_id(one) for one in (self.instance, *self.revoked))
            and all(not one or _is_id(one) for one in (self.app, self.name))
            and _is_path(self.socket)
        )
        if not fits:
            raise Unfit(self.host)

    @property
    def ways(self) -> tuple[Way, ...]:
        return self.among or (Way(self.instance, self.socket),)


@dataclass(frozen=True, slots=True, order=True)
class Stream:
    """The way of one session's websockets and event streams to an instance: ended as a whole, and nobody else's with it."""

    place: str
    session: str
    """Or :data:`EVERYONE`, or the hash of an API token."""
    instance: str
    socket: str
    """Path of the instance's unix socket."""

    def __post_init__(self) -> None:
        """Raises: Unfit."""
        fits = _PLACE.fullmatch(self.place) and _is_id(self.session) and _is_id(self.instance)
        if not fits or not _is_path(self.socket):
            raise Unfit(self.place)

    @property
    def name(self) -> str:
        """Of what leads there. Everyone's is chosen by the route; which of several a session's is, no pass says."""
        return self.listener if self.session == EVERYONE else stream_name(self.place, self.session)

    @property
    def listener(self) -> str:
        """Of one instance: what is under way at one of before goes on there."""
        return f"{stream_name(self.place, self.session)}-{self.instance}"

    @property
    def cluster(self) -> str:
        return cluster_name(self.instance)


def stream_name(place: str, session: str) -> str:
    """Names the way of a session's streams to what is live at a place; a pass says it, and can say no other."""
    return f"stream-{hashlib.sha256(f'{place} {session}'.encode()).hexdigest()[:20]}"


def cluster_name(instance: str) -> str:
    return f"instance-{instance}"


@dataclass(frozen=True, slots=True)
class Fleet:
    """All lanes at one moment."""

    lanes: tuple[Lane, ...] = ()
    leaving: tuple[Way, ...] = ()
    """Those of before, whose instances may still be answering: nothing new goes there."""
    coming: tuple[Way, ...] = ()
    """Those that requests are about to be sent to: what is known before need not be told at that moment."""
    streams: tuple[Stream, ...] = ()
    """Those of before that may still be open, and then those of lanes: of a session's the last is where the next one begins."""
    generations: tuple[str, ...] = ()
    """Of passes: no others are believed, and with none, nobody's."""

    @property
    def ways(self) -> tuple[Way, ...]:
        """Those that lanes lead to."""
        return tuple(way for lane in self.lanes for way in lane.ways)

    def latest_streams(self) -> dict[str, Stream]:
        """By the name of what leads there, where the next one begins: at what is live, and where nothing is, at one of before."""
        live = {way.instance for way in self.ways}
        return {one.name: one for one in sorted(self.streams, key=lambda one: one.instance in live)}

    def streaming(self) -> Mapping[tuple[str, str], Sequence[str]]:
        """By place and instance, the sessions whose websockets and event streams begin there."""
        found: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for one in self.latest_streams().values():
            found[one.place, one.instance].append(one.session)
        return found


def _is_path(text: str) -> bool:
    return text.startswith("/") and "\0" not in text


def _is_id(text: str) -> bool:
    return _ID.fullmatch(text.replace("_", "-")) is not None
