"""Variables and secrets as values, and the calls about them. A secret's value is sent in bodies only, and never answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from tholos.client.core import Core, app_path, begun, once, operation_in
from tholos.client.fields import Fields
from tholos.client.model import Operation


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of an app."""

    name: str
    kind: str
    """``plain``, ``secret``, or ``shared`` for one that refers to a shared secret."""
    value: str
    """Of a plain one."""
    secret: str
    """Name of the shared secret that it refers to."""
    since: str
    by: str
    is_missing: bool
    """What it refers to is gone."""

    @classmethod
    def from_json(cls, value: object) -> Variable:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a variable")
        return cls(
            read.text("name"),
            read.text("kind"),
            read.text("value", ""),
            read.text("secret", ""),
            read.text("since", ""),
            read.text("by", ""),
            read.flag("missing"),
        )


@dataclass(frozen=True, slots=True)
class VariableChange:
    """What is to be done with an app's variables, by name."""

    plain: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    refer: Mapping[str, str] = field(default_factory=dict)
    """To which shared secrets, by their names."""
    remove: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class VariablesChanged:
    """What came of a change."""

    operation: Operation | None
    """That makes it true of what runs."""
    told: str
    items: tuple[Variable, ...]

    @classmethod
    def from_json(cls, value: object) -> VariablesChanged:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "the answer")
        items = tuple(Variable.from_json(one.value) for one in read.items("items"))
        return cls(operation_in(read), read.text("told", ""), items)


@dataclass(frozen=True, slots=True)
class Secret:
    """A shared secret, all but its value."""

    name: str
    note: str
    owner: str
    rank: str
    """What one is to it: ``user``, ``editor`` or ``owner``."""
    version: int
    changed_at: str
    changed_by: str
    uses: tuple[str, ...]
    """Names of the apps that use it."""

    @classmethod
    def from_json(cls, value: object) -> Secret:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a secret")
        return cls(
            read.text("name"),
            read.text("note", ""),
            read.text("owner", ""),
            read.text("rank", ""),
            read.number("version", 1),
            read.text("changed_at", ""),
            read.text("changed_by", ""),
            read.texts("uses"),
        )


@dataclass(frozen=True, slots=True)
class SecretChanged:
    """What came of another value."""

    secret: Secret
    operations: tuple[Operation, ...]
    """Each starts an app anew."""
    told: str

    @classmethod
    def from_json(cls, value: object) -> SecretChanged:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "the answer")
        begun = tuple(Operation.from_json(one.value) for one in read.items("operations"))
        return cls(Secret.from_json(read.need("secret").value), begun, read.text("told", ""))


@dataclass(frozen=True, slots=True)
class SecretGrant:
    """Whom a secret is shared with."""

    kind: str
    name: str
    level: str

    @classmethod
    def from_json(cls, value: object) -> SecretGrant:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a share")
        return cls(read.text("kind"), read.text("name"), read.text("level"))


class VariableCalls(Core):
    """The calls about variables and secrets; :class:`tholos.client.api.Client` has them."""

    def variables(self, name: str) -> list[Variable]:
        """An app's variables, in the order of their names."""
        return self._list(f"{app_path(name)}/variables", Variable.from_json)

    def change_variables(
        self, name: str, change: VariableChange, *, restart: bool = True
    ) -> VariablesChanged:
        """Set, refer and remove several at once.

        Args:
            name: of the app.
            change: what is to be done.
            restart: start the app anew where only secrets have changed.
        """
        body = {
            "set": dict(change.plain),
            "secrets": dict(change.secrets),
            "refer": dict(change.refer),
            "remove": list(change.remove),
            "restart": restart,
        }
        return VariablesChanged.from_json(self._call("PATCH", f"{app_path(name)}/variables", body).json())

    def secrets(self) -> list[Secret]:
        """The shared secrets that this account may refer to."""
        return self._list("/secrets", Secret.from_json)

    def secret(self, name: str) -> Secret:
        """One shared secret, all but its value."""
        return self._get(f"/secrets/{quote(name, safe='')}", Secret.from_json)

    def secret_grants(self, name: str) -> list[SecretGrant]:
        """Whom a shared secret is shared with."""
        return self._list(f"/secrets/{quote(name, safe='')}/access", SecretGrant.from_json)

    def create_secret(self, name: str, value: str, note: str = "") -> Secret:
        """A new shared secret."""
        body = {"name": name, "value": value, "note": note}
        return Secret.from_json(self._call("POST", "/secrets", body, once()).json())

    def change_secret(
        self, name: str, *, value: str | None = None, note: str | None = None, restart: bool = True
    ) -> SecretChanged:
        """Another value, another note, or both; apps that use it are started anew."""
        body = {"value": value, "note": note, "restart": restart}
        return SecretChanged.from_json(self._call("PATCH", f"/secrets/{quote(name, safe='')}", body).json())

    def remove_secret(self, name: str, *, force: bool = False) -> tuple[str, ...]:
        """Remove a shared secret; names of the apps that do not start any more."""
        query = "?force=true" if force else ""
        answer = self._call("DELETE", f"/secrets/{quote(name, safe='')}{query}").json()
        return Fields(answer, "the answer").texts("broken")

    def share_secret(self, name: str, kind: str, who: str, level: str) -> list[SecretGrant]:
        """Share a secret with an ``account`` or ``group``; an empty level takes that back."""
        path = f"/secrets/{quote(name, safe='')}/access/{kind}/{quote(who, safe='')}"
        answer = self._call("PUT", path, {"level": level}) if level else self._call("DELETE", path)
        return [SecretGrant.from_json(one.value) for one in Fields(answer.json(), "the list").items("items")]

    def rotate_key(self) -> Operation:
        """Begin to seal everything by a new key."""
        answer = self._call("POST", "/sealing-key/rotate", {}, may_repeat=False).json()
        return begun(answer)
