"""JSON shapes of variables and secrets. A secret's value comes in, in bodies only, and never goes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tholos.kit.clock import to_text
from tholos.sharing.models import Grant, Level
from tholos.sharing.reach import Principal
from tholos.variables.names import LONGEST_VALUE, MOST_VARIABLES
from tholos.variables.service import Change, Variable
from tholos.variables.shared import Known

Name = Annotated[str, StringConstraints(max_length=128)]
SecretName = Annotated[str, StringConstraints(max_length=80)]
Text = Annotated[str, StringConstraints(max_length=LONGEST_VALUE)]
_SECRET_TEXT = Field(max_length=LONGEST_VALUE, repr=False, description="Write-only.")


class VariableOut(BaseModel):
    name: str
    kind: str
    """``plain``, ``secret``, or ``shared`` for one that refers to a shared secret."""
    value: str | None
    """Of a plain one; no call answers a secret's."""
    secret: str
    """Name of the shared secret that it refers to."""
    since: str | None
    by: str
    missing: bool
    """What it refers to is gone: the app does not start."""


class VariableList(BaseModel):
    items: list[VariableOut]
    next: str | None = None
    release: int | None
    """Whose variables these are: the live release, or the newest where none is live."""
    version: int
    """Of the app; the same as the ``ETag``."""


class VariablesIn(BaseModel):
    """What is to be done with an app's variables, all at once: it becomes one release, or none."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    plain: dict[Name, Text] = Field({}, alias="set", max_length=MOST_VARIABLES, description="Plain values.")
    secrets: dict[Name, Text] = Field(
        {}, max_length=MOST_VARIABLES, repr=False, description="Write-only values."
    )
    refer: dict[Name, SecretName] = Field(
        {}, max_length=MOST_VARIABLES, description="Variables that refer to shared secrets, by their names."
    )
    remove: list[Name] = Field([], max_length=MOST_VARIABLES)
    restart: bool = Field(
        default=True,
        description="Start the app anew where only secrets have changed; otherwise it keeps the old ones.",
    )

    def change(self) -> Change:
        return Change(self.plain, self.secrets, self.refer, tuple(self.remove))


class SecretOut(BaseModel):
    id: str
    name: str
    note: str
    owner: str
    rank: str
    """What the asker is to it: ``user`` may refer to it, ``editor`` may change its value, ``owner`` may do all."""
    version: int
    created_at: str
    changed_at: str
    changed_by: str
    uses: list[str]
    """Names of the apps whose live release or drafts refer to it."""


class SecretList(BaseModel):
    items: list[SecretOut]
    next: str | None = None


class SecretIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: SecretName
    value: str = _SECRET_TEXT
    note: str = Field("", max_length=1000)


class SecretChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    value: str | None = Field(None, max_length=LONGEST_VALUE, repr=False, description="Write-only.")
    note: str | None = Field(None, max_length=1000)
    restart: bool = Field(
        default=True,
        description="Start the apps anew that use it and that you may edit; others keep the old value.",
    )


class GrantIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    level: Level = Field(
        Level.VIEWER, description="``viewer`` may refer to it, ``editor`` may change its value too."
    )


class GrantOut(BaseModel):
    kind: str
    """``account`` or ``group``."""
    name: str
    level: str
    since: str


class GrantList(BaseModel):
    items: list[GrantOut]
    next: str | None = None


def variable_out(variable: Variable) -> VariableOut:
    return VariableOut(
        name=variable.name,
        kind=variable.kind,
        value=variable.value,
        secret=variable.secret,
        since=to_text(variable.since),
        by=variable.by,
        missing=variable.is_missing,
    )


def secret_out(known: Known, names: Mapping[str, str]) -> SecretOut:
    secret = known.secret
    return SecretOut(
        id=secret.id,
        name=secret.name,
        note=secret.note,
        owner=names.get(secret.owner_id, ""),
        rank=known.rank.name.lower(),
        version=secret.version,
        created_at=to_text(secret.created_at) or "",
        changed_at=to_text(secret.changed_at) or "",
        changed_by=secret.changed_by,
        uses=[app.name for app in known.uses],
    )


def grants_out(grants: Sequence[tuple[Grant, Principal]]) -> list[GrantOut]:
    return [
        GrantOut(kind=who.kind, name=who.name, level=grant.level, since=to_text(grant.created_at) or "")
        for grant, who in grants
    ]
