"""Calls about how things are set: an app's words and limits, what one is told, identities, and the installation."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TypeVar
from urllib.parse import quote

from tholos.client.core import Core, account_path, app_path, operation_in
from tholos.client.fields import Fields
from tholos.client.model import App, Operation

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """What each of an app's processes may have; None for as much as the installation says."""

    open_files: int | None = None
    start_timeout_s: int | None = None
    memory_mb: int | None = None
    """Of all its processes together, as the next two are."""
    cpu_percent: int | None = None
    """100 is one core."""
    processes: int | None = None
    disk_mb: int | None = None
    """Of all that it stores."""
    network: bool | None = None
    """Whether it may use the network."""

    @classmethod
    def from_json(cls, value: object) -> Limits:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "the limits")
        whole = ("open_files", "start_timeout_s", "memory_mb", "cpu_percent", "processes", "disk_mb")
        network = None if read.value.get("network") is None else read.flag("network")
        return cls(**{name: read.number(name, 0) or None for name in whole}, network=network)


@dataclass(frozen=True, slots=True)
class Life:
    """How an app's instances live; None for what the installation says."""

    min_instances: int | None = None
    """How many run even when nobody uses the app."""
    max_instances: int | None = None
    connections: int | None = None
    """Requests at once that an instance takes before another is started."""
    idle_timeout_s: int | None = None
    """Seconds without a request after which the app sleeps; 0 for never."""
    drain_timeout_s: int | None = None
    """Seconds that requests have to end by themselves when their instance is to end."""
    personal: bool | None = None
    """Whether everybody has an instance of their own."""

    @classmethod
    def from_json(cls, value: object) -> Life:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "the life of its instances")
        numbers = {name: read.number(name, -1) for name in _NUMBERS if read.number(name, -1) >= 0}
        personal = None if read.value.get("personal") is None else read.flag("personal")
        return cls(**numbers, personal=personal)


_NUMBERS = ("min_instances", "max_instances", "connections", "idle_timeout_s", "drain_timeout_s")


@dataclass(frozen=True, slots=True)
class Notice:
    """One line of one's inbox."""

    id: str
    at: str
    action: str
    text: str
    detail: str
    command: str
    """The next one."""
    is_seen: bool

    @classmethod
    def from_json(cls, value: object) -> Notice:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a notice")
        return cls(
            read.text("id"),
            read.text("at", ""),
            read.text("action", ""),
            read.text("text", ""),
            read.text("detail", ""),
            read.text("command", ""),
            read.flag("is_seen"),
        )


@dataclass(frozen=True, slots=True)
class Preference:
    """Whether one is told of something by a channel."""

    action: str
    text: str
    channel: str
    is_muted: bool

    @classmethod
    def from_json(cls, value: object) -> Preference:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a preference")
        return cls(read.text("action"), read.text("text", ""), read.text("channel"), read.flag("is_muted"))


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a sign-in provider knows an account as."""

    id: str
    issuer: str
    subject: str
    email: str
    used_at: str

    @classmethod
    def from_json(cls, value: object) -> Identity:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "an identity")
        return cls(*(read.text(key, "") for key in ("id", "issuer", "subject", "email", "used_at")))


@dataclass(frozen=True, slots=True)
class Check:
    """One thing about the server's machine that was looked at."""

    name: str
    verdict: str
    """``ok``, ``note`` or ``missing``."""
    text: str
    fix: str


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as the server runs with it; of a secret only whether it is set."""

    name: str
    value: str
    source: str
    """``default``, ``environment`` or ``argument``."""


@dataclass(frozen=True, slots=True)
class Installation:
    """How a server is, and what it runs with."""

    version: str
    checks: tuple[Check, ...]
    settings: tuple[Setting, ...]
    instances: int
    operations: tuple[Operation, ...]

    @classmethod
    def from_json(cls, value: object) -> Installation:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "the installation")
        checks = (
            Check(one.text("name"), one.text("verdict"), one.text("text", ""), one.text("fix", ""))
            for one in read.items("checks")
        )
        settings = (
            Setting(one.text("name"), one.text("value", ""), one.text("source", ""))
            for one in read.items("settings")
        )
        begun = (Operation.from_json(one.value) for one in read.items("operations"))
        return cls(
            read.text("version", ""),
            tuple(checks),
            tuple(settings),
            len([*read.items("instances")]),
            tuple(begun),
        )


def _lives(value: object) -> tuple[Life, Life]:
    read = Fields(value, "the life of its instances")
    return Life.from_json(value), Life.from_json(read.value.get("holds"))


class SettlingCalls(Core):
    """The calls about how things are set; :class:`tholos.client.api.Client` has them."""

    def change_app(
        self,
        name: str,
        *,
        title: str | None = None,
        description: str | None = None,
        keep_releases: int | None = None,
    ) -> App:
        """Change an app's title, its description, or how many releases it keeps; what is None stays.

        Args:
            name: of the app.
            title: shown beside its name.
            description: what it is.
            keep_releases: 0 for as many as the installation says.
        """
        said: dict[str, object] = {"title": title, "description": description, "keep_releases": keep_releases}
        body = {key: value for key, value in said.items() if value is not None}
        if keep_releases == 0:
            body["keep_releases"] = None
        return App.from_json(self._call("PATCH", app_path(name), body).json())

    def limits(self, name: str) -> Limits:
        """What each of an app's processes may have."""
        return self._get(f"{app_path(name)}/limits", Limits.from_json)

    def held_limits(self, name: str) -> Limits:
        """What holds of each of these: the same with the installation's defaults; None for no limit."""
        found = self._call("GET", f"{app_path(name)}/limits").json()
        return Limits.from_json(Fields(found, "the limits").value.get("holds"))

    def set_limits(self, name: str, limits: Limits) -> Operation | None:
        """Set all of an app's limits; the operation that makes the release with them live, if one is needed."""
        body = asdict(limits)
        return operation_in(Fields(self._call("PUT", f"{app_path(name)}/limits", body).json(), "the answer"))

    def life(self, name: str) -> tuple[Life, Life]:
        """What an app says of its instances' life, and what holds: the same with the installation's defaults."""
        return _lives(self._call("GET", f"{app_path(name)}/life").json())

    def set_life(self, name: str, life: Life) -> tuple[Life, Life]:
        """Set all that an app says of its instances' life; what it says then, and what holds."""
        return _lives(self._call("PUT", f"{app_path(name)}/life", asdict(life)).json())

    def notifications(self, *, most: int = 50) -> list[Notice]:
        """One's inbox, the newest first."""
        return self._list(f"/notifications?limit={min(most, 200)}", Notice.from_json, most=most)

    def mark_seen(self, until: str = "") -> None:
        """Note that one's inbox was read, up to a notice's id, or all of it."""
        self._call("POST", "/notifications/seen", {"until": until})

    def preferences(self) -> list[Preference]:
        """What one is told, by which channel, and what of it is muted."""
        return self._list("/notification-preferences", Preference.from_json)

    def set_preference(self, action: str, channel: str, *, is_muted: bool) -> list[Preference]:
        """Mute or unmute one thing by one channel."""
        items = [{"action": action, "channel": channel, "is_muted": is_muted}]
        answer = self._call("PUT", "/notification-preferences", {"items": items})
        return [Preference.from_json(one.value) for one in Fields(answer.json(), "the list").items("items")]

    def identities(self, account: str) -> list[Identity]:
        """Whom sign-in providers know an account as."""
        return self._list(f"{account_path(account)}/identities", Identity.from_json)

    def remove_identity(self, account: str, identity: str) -> None:
        """Let a provider's person sign in as an account no longer."""
        path = f"{account_path(account)}/identities/{quote(identity, safe='')}"
        self._call("DELETE", path)

    def installation(self) -> Installation:
        """Health with fixes, and settings with the source of each value."""
        return self._get("/installation", Installation.from_json)
