"""Other people's accounts and groups as values, and the calls about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import quote, urlencode

from tholos.client.core import Core, account_path, once, unless_changed
from tholos.client.fields import Fields
from tholos.client.own import Ended
from tholos.client.transport import Answer

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Person:
    """An account, as far as one may know it."""

    name: str
    full_name: str
    kind: str
    """``person``, or ``service`` for a program's."""
    role: str
    email: str
    """Empty, too, where one may not know it."""
    groups: tuple[str, ...]
    is_disabled: bool
    version: int
    created_at: str
    seen_at: str

    @classmethod
    def from_json(cls, value: object) -> Person:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "an account")
        return cls(
            name=read.text("name"),
            full_name=read.text("full_name", ""),
            kind=read.text("kind", ""),
            role=read.text("role", ""),
            email=read.text("email", ""),
            groups=read.texts("groups"),
            is_disabled=read.flag("is_disabled"),
            version=read.number("version", 1),
            created_at=read.text("created_at", ""),
            seen_at=read.text("seen_at", ""),
        )


@dataclass(frozen=True, slots=True)
class NewPerson:
    """An account that is to be made."""

    name: str
    role: str = "viewer"
    kind: str = "person"
    full_name: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class PersonMade:
    """A new account; the server shows the link that lets its person in this once."""

    person: Person
    sign_in_url: str = field(repr=False)
    """Empty for a program, which has tokens."""

    @classmethod
    def from_json(cls, value: object) -> PersonMade:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "the new account")
        return cls(Person.from_json(read.need("account").value), read.text("sign_in_url", ""))


@dataclass(frozen=True, slots=True)
class PeopleQuery:
    """Which accounts are asked for; what is empty leaves none out."""

    text: str = ""
    kind: str = ""
    role: str = ""
    is_disabled: bool | None = None

    def to_query(self) -> dict[str, str]:
        """Parameters of a URL."""
        state = "" if self.is_disabled is None else str(self.is_disabled).lower()
        asked = {"q": self.text, "kind": self.kind, "role": self.role, "disabled": state}
        return {key: value for key, value in asked.items() if value}


@dataclass(frozen=True, slots=True)
class Owned:
    """Names of what an account owns, or of what was handed over."""

    apps: tuple[str, ...]
    secrets: tuple[str, ...]
    webhooks: tuple[str, ...]
    """Their labels; of one without, its address."""

    @classmethod
    def from_json(cls, value: object) -> Owned:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "what it owns")
        webhooks = tuple(one.text("label", "") or one.text("url", "") for one in read.items("webhooks"))
        return cls(read.texts("apps"), read.texts("secrets"), webhooks)


@dataclass(frozen=True, slots=True)
class Group:
    """Accounts under one name."""

    name: str
    note: str
    is_claimed: bool
    """Whether the sign-in provider says who is in it: it is read only here."""
    members: int
    version: int

    @classmethod
    def from_json(cls, value: object) -> Group:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a group")
        return cls(
            read.text("name"),
            read.text("note", ""),
            read.flag("is_claimed"),
            read.number("members", 0),
            read.number("version", 1),
        )


@dataclass(frozen=True, slots=True)
class Member:
    """An account in a group."""

    account: str
    full_name: str
    role: str
    is_disabled: bool

    @classmethod
    def from_json(cls, value: object) -> Member:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a member")
        return cls(
            read.text("account"), read.text("full_name", ""), read.text("role", ""), read.flag("is_disabled")
        )


@dataclass(frozen=True, slots=True)
class Given:
    """What a group was given."""

    kind: str
    """``app`` or ``secret``."""
    name: str
    level: str

    @classmethod
    def from_json(cls, value: object) -> Given:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a share")
        return cls(read.text("kind"), read.text("name"), read.text("level"))


class PeopleCalls(Core):
    """The calls about other people and groups; :class:`tholos.client.api.Client` has them."""

    def people(self, asked: PeopleQuery | None = None) -> list[Person]:
        """Who there is, by name."""
        query = urlencode({**(asked or PeopleQuery()).to_query(), "limit": "500"})
        return self._list(f"/accounts?{query}", Person.from_json)

    def person(self, name: str) -> Person:
        """One account."""
        return self._get(account_path(name), Person.from_json)

    def create_person(self, new: NewPerson) -> PersonMade:
        """A new account; a person's comes with a link that signs in once."""
        body = {
            "name": new.name,
            "role": new.role,
            "kind": new.kind,
            "full_name": new.full_name,
            "email": new.email,
        }
        return PersonMade.from_json(self._call("POST", "/accounts", body, once()).json())

    def change_person(
        self,
        name: str,
        *,
        role: str | None = None,
        full_name: str | None = None,
        email: str | None = None,
        seen: int | None = None,
    ) -> Person:
        """Change what is not None.

        Args:
            name: of the account.
            role: ``viewer``, ``publisher`` or ``administrator``.
            full_name: of its person.
            email: where mail goes; empty for none.
            seen: the version that this goes out from; somebody's later change is not overwritten then.
        """
        wish = {"role": role, "full_name": full_name, "email": email}
        body = {key: value for key, value in wish.items() if value is not None}
        return Person.from_json(self._call("PATCH", account_path(name), body, unless_changed(seen)).json())

    def disable_person(self, name: str) -> Ended:
        """Let nobody in by an account any more; its sessions and tokens end."""
        return _ended(self._call("POST", f"{account_path(name)}/disable", {}))

    def enable_person(self, name: str) -> Person:
        """Let somebody sign in again; what ended stays ended."""
        return Person.from_json(self._call("POST", f"{account_path(name)}/enable", {}).json())

    def sign_out_person(self, name: str, *, tokens: bool = False) -> Ended:
        """Sign somebody out everywhere, and with ``tokens`` revoke those as well."""
        return _ended(self._call("POST", f"{account_path(name)}/sign-out", {"tokens": tokens}))

    def create_sign_in_link(self, name: str) -> str:
        """A link that lets a person in, once, within 15 minutes."""
        answer = self._call("POST", f"{account_path(name)}/link", {}, once())
        return Fields(answer.json(), "the link").text("sign_in_url")

    def preview_hand_over(self, name: str, to: str) -> Owned:
        """What handing over all that an account owns would move; nothing is changed."""
        answer = self._call("GET", f"{account_path(name)}/hand-over?{urlencode({'to': to})}")
        return Owned.from_json(answer.json())

    def hand_over_all(self, name: str, to: str) -> Owned:
        """Make another account the owner of all that an account owns."""
        path = f"{account_path(name)}/hand-over"
        return Owned.from_json(self._call("POST", path, {"to": to}, may_repeat=False).json())

    def groups(self, text: str = "") -> list[Group]:
        """The groups, by name."""
        query = urlencode({**({"q": text} if text else {}), "limit": "500"})
        return self._list(f"/groups?{query}", Group.from_json)

    def group(self, name: str) -> Group:
        """One group."""
        return self._get(_group(name), Group.from_json)

    def create_group(self, name: str, note: str = "") -> Group:
        """A new group, that nobody is in yet."""
        body = {"name": name, "note": note}
        return Group.from_json(self._call("POST", "/groups", body, once()).json())

    def change_group(
        self, name: str, *, new_name: str | None = None, note: str | None = None, seen: int | None = None
    ) -> Group:
        """Give a group another name or note; who is in it and what it was given stay."""
        body = {key: value for key, value in (("name", new_name), ("note", note)) if value is not None}
        return Group.from_json(self._call("PATCH", _group(name), body, unless_changed(seen)).json())

    def remove_group(self, name: str) -> list[Given]:
        """Remove a group; what it had been given, which is taken back."""
        answer = self._call("DELETE", _group(name), may_repeat=False)
        return [Given.from_json(one.value) for one in Fields(answer.json(), "the list").items("items")]

    def members(self, name: str) -> list[Member]:
        """Who is in a group, by name."""
        return self._list(f"{_group(name)}/members?limit=500", Member.from_json)

    def given(self, name: str) -> list[Given]:
        """What a group's members have by it."""
        return self._list(f"{_group(name)}/given", Given.from_json)

    def add_member(self, name: str, account: str) -> Member:
        """Put an account into a group."""
        path = f"{_group(name)}/members/{quote(account, safe='')}"
        return Member.from_json(self._call("PUT", path).json())

    def remove_member(self, name: str, account: str) -> None:
        """Take an account out of a group."""
        self._call("DELETE", f"{_group(name)}/members/{quote(account, safe='')}", may_repeat=False)


def _group(name: str) -> str:
    return f"/groups/{quote(name, safe='')}"


def _ended(answer: Answer) -> Ended:
    read = Fields(answer.json(), "the answer")
    return Ended(read.number("sessions"), read.number("tokens"))
