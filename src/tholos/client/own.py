"""One's own account as values, and the calls about it: tokens, browsers that are signed in, invitations."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from tholos.client.core import Core, account_path, once
from tholos.client.fields import Fields
from tholos.client.signing_in import Account, SignIn, Token


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is signed in."""

    id: str
    label: str
    """The browser, in a few words."""
    address: str
    created_at: str
    expires_at: str
    current: bool
    """Whether it is the one that asks."""

    @classmethod
    def from_json(cls, value: object) -> Session:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a session")
        return cls(
            read.text("id"),
            read.text("label", ""),
            read.text("address", ""),
            read.text("created_at", ""),
            read.text("expires_at", ""),
            read.flag("current"),
        )


@dataclass(frozen=True, slots=True)
class Ended:
    """How much a sign-out everywhere ended."""

    sessions: int
    tokens: int


@dataclass(frozen=True, slots=True)
class NewToken:
    """What a token is to be."""

    label: str = ""
    days: int = 90
    scope: str = "full"
    """``open``, ``read``, ``publish`` or ``full``."""
    app: str = ""
    """The one app that it is to be good for; all where empty."""


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """What an invitation is to give."""

    app: str = ""
    level: str = "viewer"
    """``viewer`` or ``editor`` of the app."""
    role: str = "viewer"
    """Of an account that is made by it."""
    group: str = ""
    email: str = ""
    """Whom it is meant for, as a note."""
    uses: int = 1
    days: int = 7


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation, all but its link."""

    id: str
    state: str
    """``open``, ``used``, ``expired`` or ``revoked``."""
    by: str
    role: str
    email: str
    group: str
    app: str
    level: str
    uses_left: int
    used_by: tuple[str, ...]
    created_at: str
    expires_at: str

    @classmethod
    def from_json(cls, value: object) -> Invitation:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "an invitation")
        return cls(
            read.text("id"),
            read.text("state", ""),
            read.text("by", ""),
            read.text("role", ""),
            read.text("email", ""),
            read.text("group", ""),
            read.text("app", ""),
            read.text("level", ""),
            read.number("uses_left", 0),
            tuple(use.text("account") for use in read.items("uses")),
            read.text("created_at", ""),
            read.text("expires_at", ""),
        )


@dataclass(frozen=True, slots=True)
class InvitationMade:
    """A new invitation; the server shows its link this once."""

    url: str = field(repr=False)
    invitation: Invitation

    @classmethod
    def from_json(cls, value: object) -> InvitationMade:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "the new invitation")
        return cls(read.text("url"), Invitation.from_json(read.need("invitation").value))


class OwnCalls(Core):
    """The calls about one's own account; :class:`tholos.client.api.Client` has them."""

    def me(self) -> Account:
        """The account that is signed in."""
        return self._get("/me", Account.from_json)

    def change_me(self, *, full_name: str | None = None, email: str | None = None) -> Account:
        """Change what it says of itself; what is None stays."""
        wish = {"full_name": full_name, "email": email}
        body = {name: value for name, value in wish.items() if value is not None}
        return Account.from_json(self._call("PATCH", "/me", body).json())

    def change_password(self, password: str, current: str = "") -> None:
        """Change one's own password, and sign out one's browsers.

        Args:
            password: the new one.
            current: the present one; a first one is set in a browser, not by a token.
        """
        body = {"current": current, "password": password}
        self._call("POST", "/me/password", body, may_repeat=False)

    def tokens(self, account: str = "") -> list[Token]:
        """This account's tokens; or, for administrators, another's."""
        return self._list(_tokens_path(account), Token.from_json)

    def create_token(self, new: NewToken, account: str = "") -> SignIn:
        """One more token of this account; or, for administrators, of a program's."""
        body = {"label": new.label, "days": new.days, "scope": new.scope, "app": new.app}
        return SignIn.from_json(self._call("POST", _tokens_path(account), body, once()).json())

    def revoke_token(self, identity: str = "current", account: str = "") -> None:
        """End a token by its id; ``current`` is the one in use."""
        self._call("DELETE", f"{_tokens_path(account)}/{quote(identity, safe='')}")

    def sessions(self) -> list[Session]:
        """The browsers that are signed in as this account."""
        return self._list("/sessions", Session.from_json)

    def end_session(self, identity: str) -> None:
        """Sign a browser out, by the session's id."""
        self._call("DELETE", f"/sessions/{quote(identity, safe='')}")

    def end_sessions(self, *, tokens: bool = False) -> Ended:
        """Sign out everywhere.

        Args:
            tokens: revoke every token as well, the one in use included.
        """
        read = Fields(
            self._call("DELETE", f"/sessions{'?tokens=true' if tokens else ''}").json(), "the answer"
        )
        return Ended(read.number("sessions"), read.number("tokens"))

    def invite(self, new: NewInvitation) -> InvitationMade:
        """A link that lets somebody in."""
        body = {
            "app": new.app,
            "level": new.level,
            "role": new.role,
            "group": new.group,
            "email": new.email,
            "uses": new.uses,
            "days": new.days,
        }
        return InvitationMade.from_json(self._call("POST", "/invitations", body, once()).json())

    def invitations(self) -> list[Invitation]:
        """Those that one made, the newest first; for administrators everybody's."""
        found: list[Invitation] = []
        cursor = ""
        while True:
            query = urlencode({"limit": 500, **({"cursor": cursor} if cursor else {})})
            read = Fields(self._call("GET", f"/invitations?{query}").json(), "the list")
            found += [Invitation.from_json(one.value) for one in read.items("items")]
            cursor = read.text("next", "")
            if not cursor:
                return found

    def invitation(self, identity: str) -> Invitation:
        """One of them, by its id."""
        return self._get(f"/invitations/{quote(identity, safe='')}", Invitation.from_json)

    def revoke_invitation(self, identity: str) -> None:
        """Take an invitation back, by its id."""
        self._call("DELETE", f"/invitations/{quote(identity, safe='')}")


def _tokens_path(account: str) -> str:
    return f"{account_path(account)}/tokens" if account else "/tokens"
