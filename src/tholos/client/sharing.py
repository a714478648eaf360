"""Calls about who may open what: how an app is shared, who can open it and why, and asking for access."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote

from tholos.client.core import Core, account_path, app_path, unless_changed
from tholos.client.fields import Fields

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Grant:
    """One account or group that an app is shared with."""

    kind: str
    """``account`` or ``group``."""
    name: str
    level: str
    """``viewer`` or ``editor``."""
    people: int = 0
    """How many it lets in."""

    @classmethod
    def from_json(cls, value: object) -> Grant:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a grant")
        return cls(read.text("kind"), read.text("name"), read.text("level"), read.number("people", 0))


@dataclass(frozen=True, slots=True)
class GrantChange:
    """A grant to give, or to take back where the level is None."""

    kind: str
    name: str
    level: str | None


@dataclass(frozen=True, slots=True)
class Access:
    """How an app is shared."""

    app: str
    version: int
    owner: str
    audience: str
    """``listed``, ``signed_in`` or ``everyone``."""
    grants: tuple[Grant, ...]
    words: str
    """Who can open it, as a sentence."""
    changes: tuple[str, ...]
    """What a change did, or would do, as sentences."""

    @classmethod
    def from_json(cls, value: object) -> Access:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "how it is shared")
        return cls(
            app=read.text("app"),
            version=read.number("version"),
            owner=read.text("owner", ""),
            audience=read.text("audience", ""),
            grants=tuple(Grant.from_json(one.value) for one in read.items("grants")),
            words=read.text("words", ""),
            changes=read.texts("changes"),
        )


@dataclass(frozen=True, slots=True)
class Way:
    """One reason why somebody can open an app."""

    by: str
    """``owner``, ``account``, ``group`` or ``audience``."""
    level: str
    """``viewer``, or ``editor``."""
    group: str
    """The group's name, where it is one."""

    @classmethod
    def from_json(cls, value: object) -> Way:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a way")
        return cls(read.text("by"), read.text("level", ""), read.text("group", ""))


@dataclass(frozen=True, slots=True)
class Reach:
    """One person and one app, and why the one can open the other."""

    account: str
    app: str
    rank: str
    ways: tuple[Way, ...]

    @classmethod
    def from_json(cls, value: object) -> Reach:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a reach")
        ways = tuple(Way.from_json(one.value) for one in read.items("ways"))
        return cls(read.text("account"), read.text("app"), read.text("rank"), ways)


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody asked for access."""

    id: str
    app: str
    account: str
    message: str
    state: str
    """``open``, ``granted`` or ``refused``."""
    created_at: str

    @classmethod
    def from_json(cls, value: object) -> Request:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a request")
        return cls(
            read.text("id"),
            read.text("app"),
            read.text("account"),
            read.text("message", ""),
            read.text("state"),
            read.text("created_at", ""),
        )


class SharingCalls(Core):
    """The calls about sharing; :class:`tholos.client.api.Client` has them."""

    def access(self, name: str) -> Access:
        """How an app is shared, and in words who can open it."""
        return self._get(f"{app_path(name)}/access", Access.from_json)

    def set_access(
        self, name: str, audience: str, grants: Sequence[Grant], *, seen: int | None = None
    ) -> Access:
        """Share an app with just these; what is not named is taken back.

        Args:
            name: of the app.
            audience: ``listed``, ``signed_in`` or ``everyone``.
            grants: all of them.
            seen: the version that this goes out from; somebody's later change is not overwritten then.
        """
        body = {
            "audience": audience,
            "grants": [{"kind": one.kind, "name": one.name, "level": one.level} for one in grants],
        }
        return Access.from_json(
            self._call("PUT", f"{app_path(name)}/access", body, unless_changed(seen)).json()
        )

    def change_access(
        self,
        name: str,
        audience: str | None = None,
        grants: Sequence[GrantChange] = (),
        *,
        seen: int | None = None,
    ) -> Access:
        """Change what is named, and nothing else.

        Args:
            name: of the app.
            audience: ``listed``, ``signed_in`` or ``everyone``; None leaves it.
            grants: to give, or to take back.
            seen: the version that this goes out from; somebody's later change is not overwritten then.
        """
        answer = self._call(
            "PATCH", f"{app_path(name)}/access", _change(audience, grants), unless_changed(seen)
        )
        return Access.from_json(answer.json())

    def preview_access(
        self, name: str, audience: str | None = None, grants: Sequence[GrantChange] = ()
    ) -> tuple[str, ...]:
        """What a change would do, as sentences; nothing is changed."""
        answer = self._call("POST", f"{app_path(name)}/access/preview", _change(audience, grants)).json()
        return Fields(answer, "the preview").texts("changes")

    def share(self, name: str, who: str, level: str = "viewer", *, kind: str = "account") -> Access:
        """Share an app with one account or group, for opening (``viewer``) or managing it (``editor``)."""
        return Access.from_json(self._call("PUT", _grant(name, kind, who), {"level": level}).json())

    def unshare(self, name: str, who: str, *, kind: str = "account") -> Access:
        """Take back what one account or group has."""
        return Access.from_json(self._call("DELETE", _grant(name, kind, who)).json())

    def people_of(self, name: str) -> list[Reach]:
        """Everybody who can open an app, and why."""
        return self._list(f"{app_path(name)}/access/people", Reach.from_json)

    def apps_of(self, account: str) -> list[Reach]:
        """Every app that an account can open, and why."""
        return self._list(f"{account_path(account)}/apps", Reach.from_json)

    def ask_for_access(self, name: str, message: str = "") -> Request:
        """Ask for an app that one may not open."""
        answer = self._call("POST", f"{app_path(name)}/access/requests", {"message": message})
        return Request.from_json(answer.json())

    def access_requests(self, name: str) -> list[Request]:
        """Who asked for an app, the newest first."""
        return self._list(f"{app_path(name)}/access/requests", Request.from_json)

    def decide_request(self, name: str, request: str, *, level: str = "") -> Request:
        """Let in whoever asked, at a level; without one, refuse."""
        path = f"{app_path(name)}/access/requests/{quote(request, safe='')}"
        if level:
            return Request.from_json(self._call("POST", f"{path}/grant", {"level": level}).json())
        return Request.from_json(self._call("POST", f"{path}/refuse").json())

    def hand_over(self, name: str, account: str, *, keep: str | None = None) -> Access:
        """Make somebody else the owner of an app; the former one keeps a level of it, or nothing."""
        body = {"account": account, "keep": keep}
        return Access.from_json(self._call("POST", f"{app_path(name)}/owner", body, may_repeat=False).json())

    def pin_app(self, name: str, *, is_pinned: bool = True) -> None:
        """Keep an app at the top of one's own home page, or no longer."""
        self._call("PUT" if is_pinned else "DELETE", f"{app_path(name)}/pin")


def _grant(name: str, kind: str, who: str) -> str:
    return f"{app_path(name)}/access/grants/{kind}/{quote(who, safe='')}"


def _change(audience: str | None, grants: Sequence[GrantChange]) -> dict[str, object]:
    given = [{"kind": one.kind, "name": one.name, "level": one.level} for one in grants]
    return {"audience": audience, "grants": given}
