"""Use cases of an app's variables: say what they are, list them, and reveal them to what starts the app.

A release's ``settings["variables"]`` names for each variable the id of its value, which never changes, or of its secret,
which is what it is now. So a roll-back returns plain values and keeps secrets.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from tholos.accounts.service import Actor
from tholos.apps import service as apps
from tholos.apps.models import App, Release
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.kit import ids
from tholos.kit.db import JsonObject, ReadDb, WriteDb
from tholos.kit.sealing import CannotOpen, Sealer
from tholos.variables import former, queries
from tholos.variables.errors import NothingReleased, SaidTwice, VariableNotFound, VariableUnavailable
from tholos.variables.masking import NOTHING, Masker
from tholos.variables.models import Secret, Value
from tholos.variables.names import check_amount, check_name, check_value

VARIABLES = "variables"


class Kind(StrEnum):
    PLAIN = "plain"
    SECRET = "secret"  # noqa: S105 - a word
    SHARED = "shared"


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of a release, as its app's editors may know it."""

    name: str
    kind: Kind
    value: str | None
    """Of a plain one that can be read; never of a secret."""
    secret: str
    """Name of the shared secret that it refers to."""
    since: datetime | None
    by: str
    is_missing: bool = False
    """What it refers to is gone: the app does not start."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be done with an app's variables, by name."""

    plain: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    refer: Mapping[str, str] = field(default_factory=dict)
    """To which shared secrets, by their names."""
    remove: Collection[str] = ()

    @property
    def names(self) -> list[str]:
        return [*self.plain, *self.secrets, *self.refer, *self.remove]


@dataclass(frozen=True, slots=True)
class Changed:
    """What came of it."""

    settings: JsonObject | None
    """Of the release that is needed; None where no release is."""
    rotated: Sequence[str]
    """Variables whose secret has another value now: instances that run have the old one."""
    message: str
    """What the release is called."""


@dataclass(frozen=True, slots=True)
class Revealed:
    """The values of a release's variables, for its processes and for nobody else."""

    plain: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


def find_base(db: ReadDb, app: App) -> Release:
    """The release whose settings a change goes out from: the live one, else the newest.

    Raises: NothingReleased.
    """
    found = apps.find_live(db, app.id) or next(iter(apps.list_releases(db, app.id)), None)
    if found is None:
        raise NothingReleased(fix="Publish it first: tholos publish --name " + app.name)
    return found


def find_settings(db: ReadDb, app: App) -> JsonObject:
    """What a change of an app's settings goes out from; before its first release, what that will begin with."""
    try:
        return find_base(db, app).settings
    except NothingReleased:
        return app.first_settings


def references(settings: JsonObject) -> dict[str, str]:
    """Id of the value or secret of each variable, by name, in order of the names."""
    found = settings.get(VARIABLES)
    named = found if isinstance(found, dict) else {}
    return {str(name): str(named[name]) for name in sorted(named)}


def list_variables(db: ReadDb, sealer: Sealer, settings: JsonObject) -> list[Variable]:
    """A release's variables by name; plain values are readable, secrets never are."""
    named = references(settings)
    values = {one.id: one for one in queries.list_values(db, named.values())}
    secrets = {one.id: one for one in queries.list_secrets(db, named.values())}
    return [_shown(name, values.get(one), secrets.get(one), sealer, one) for name, one in named.items()]


def _shown(name: str, value: Value | None, secret: Secret | None, sealer: Sealer, reference: str) -> Variable:
    if value is not None:
        text = _open_or_none(sealer, value)
        return Variable(
            name, Kind.PLAIN, text, "", value.created_at, value.created_by, is_missing=text is None
        )
    if secret is not None and secret.app_id:
        return Variable(name, Kind.SECRET, None, "", secret.changed_at, secret.changed_by)
    if secret is not None:
        return Variable(name, Kind.SHARED, None, secret.name, secret.changed_at, secret.changed_by)
    kind = Kind.PLAIN if reference.startswith("val_") else Kind.SECRET
    return Variable(name, kind, None, "", None, "", is_missing=True)


def change(db: WriteDb, sealer: Sealer, actor: Actor, app: App, wanted: Change, now: datetime) -> Changed:
    """Set, refer and remove; the caller makes the release of it, or restarts what runs.

    Raises: NameInvalid, ValueInvalid, TooMany, SaidTwice, VariableNotFound, SecretNotFound,
        ScopeTooNarrow: a token for one app refers to no other shared secret than before.
    """
    _check(wanted)
    settings = find_settings(db, app)
    before = references(settings)
    after = {name: one for name, one in before.items() if name not in wanted.remove}
    for name in wanted.remove:
        if name not in before:
            raise VariableNotFound(
                f"Cannot remove {name[:128]}: {app.name} has no such variable.", where=name
            )
    for name, value in wanted.plain.items():
        after[name] = _set_plain(db, sealer, actor, app, name, value, before.get(name), now)
    rotated = []
    for name, value in wanted.secrets.items():
        after[name] = _set_secret(db, sealer, actor, app, name, value, now)
        if before.get(name) == after[name]:
            rotated.append(name)
    for name, secret_name in wanted.refer.items():
        after[name] = queries.get_visible(db, actor, secret_name).id
        if after[name] != before.get(name):
            actor.needs_all_apps()
    check_amount(_sizes(db, after))
    _record(db, actor, app, wanted, now)
    if after != before or rotated:
        app.version += 1
    new = {**settings, VARIABLES: dict(sorted(after.items()))} if after != before else None
    return Changed(new, rotated, _message(before, after))


def begin_with(
    db: WriteDb, sealer: Sealer, actor: Actor, app: App, plain: Mapping[str, str], now: datetime
) -> JsonObject:
    """The settings of an app's first release: what was said before there was one, and else these variables.

    Raises: NameInvalid, ValueInvalid, TooMany.
    """
    said = references(app.first_settings)
    wanted = Change(plain={name: plain[name] for name in sorted(plain) if name not in said})
    if not wanted.plain:
        return app.first_settings
    _check(wanted)
    set_now = {
        name: _set_plain(db, sealer, actor, app, name, value, None, now)
        for name, value in wanted.plain.items()
    }
    named = said | set_now
    check_amount(_sizes(db, named))
    _record(db, actor, app, wanted, now)
    return {**app.first_settings, VARIABLES: dict(sorted(named.items()))}


def _check(wanted: Change) -> None:
    """Raises: NameInvalid, ValueInvalid, SaidTwice."""
    seen: set[str] = set()
    for name in wanted.names:
        if name in seen:
            raise SaidTwice(f"Cannot do two things with {name[:128]} at once.", where=name[:128])
        seen.add(name)
    for name in [*wanted.plain, *wanted.secrets, *wanted.refer]:
        check_name(name)
    for name, value in [*wanted.plain.items(), *wanted.secrets.items()]:
        check_value(value, name)


def _set_plain(
    db: WriteDb,
    sealer: Sealer,
    actor: Actor,
    app: App,
    name: str,
    value: str,
    before: str | None,
    now: datetime,
) -> str:
    """Id of a value; the one that is there where it is the same."""
    found = queries.find_value(db, before) if before else None
    if found is not None and _open_or_none(sealer, found) == value:
        return found.id
    value_id = ids.new_id("val")
    db.add(
        Value(
            id=value_id,
            organization_id=app.organization_id,
            app_id=app.id,
            name=name,
            sealed=sealer.seal(value, value_id),
            created_at=now,
            created_by=actor.name,
        )
    )
    db.flush()
    return value_id


def _set_secret(
    db: WriteDb, sealer: Sealer, actor: Actor, app: App, name: str, value: str, now: datetime
) -> str:
    found = queries.find_secret_of_app(db, app.id, name)
    if found is None:
        return add_secret(db, sealer, actor, app, name, value, now).id
    replace_value(db, sealer, actor, found, value, now)
    return found.id


def add_secret(
    db: WriteDb,
    sealer: Sealer,
    actor: Actor,
    app: App | None,
    name: str,
    value: str,
    now: datetime,
    note: str = "",
) -> Secret:
    """A secret of an app, or one that is shared."""
    secret_id = ids.new_id("sec")
    secret = Secret(
        id=secret_id,
        organization_id=actor.organization_id,
        owner_id=app.owner_id if app else actor.account_id,
        app_id=app.id if app else queries.SHARED,
        name=name,
        note=note,
        sealed=sealer.seal(value, secret_id),
        version=1,
        created_at=now,
        changed_at=now,
        changed_by=actor.name,
    )
    db.add(secret)
    db.flush()
    return secret


def replace_value(
    db: WriteDb, sealer: Sealer, actor: Actor, secret: Secret, value: str, now: datetime
) -> None:
    """What it was before goes on being masked."""
    if _open_or_none(sealer, secret) != value:
        former.keep(db, secret, now)
    secret.sealed = sealer.seal(value, secret.id)
    secret.version += 1
    secret.changed_at, secret.changed_by = now, actor.name


def _sizes(db: ReadDb, named: Mapping[str, str]) -> list[tuple[str, int]]:
    """Names, and about how many bytes their values have: what is sealed is a third longer than its text."""
    sizes = {one: len(row.sealed) * 3 // 4 for one, row in _rows(db, named).items()}
    return [(name, sizes.get(one, 0)) for name, one in named.items()]


def _record(db: WriteDb, actor: Actor, app: App, wanted: Change, now: datetime) -> None:
    """Names only: neither plain values nor secrets stand in the record of deeds."""
    subject = apps.subject_of(app)
    told: list[tuple[Action, JsonObject]] = [
        (Action.VARIABLE_SET, {"names": sorted(wanted.plain)}),
        (Action.SECRET_SET, {"names": sorted(wanted.secrets)}),
        (Action.VARIABLE_SET, {"names": sorted(wanted.refer), "secrets": sorted({*wanted.refer.values()})}),
        (Action.VARIABLE_REMOVED, {"names": sorted(wanted.remove)}),
    ]
    for action, after in told:
        if after["names"]:
            audit.record(db, actor, action, subject, now, after=after)


def _message(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    set_now = [name for name, one in after.items() if before.get(name) != one]
    removed = [name for name in before if name not in after]
    parts = [f"{word} {_listed(names)}" for word, names in (("set", set_now), ("remove", removed)) if names]
    return f"Variables: {', '.join(parts)}" if parts else ""


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(sorted(names)[:4])
    return f"{shown} and {len(names) - 4} more" if len(names) > 4 else shown


def reveal(db: ReadDb, sealer: Sealer, release: Release) -> Revealed:
    """The values of a release's variables as they are now.

    Raises: VariableUnavailable: one of them is gone.
    """
    named = references(release.settings)
    rows = _rows(db, named)
    plain: dict[str, str] = {}
    secrets: dict[str, str] = {}
    for name, reference in named.items():
        row = rows.get(reference)
        if row is None:
            what = "a secret" if reference.startswith("sec_") else "a value"
            raise _unavailable(name, f"refers to {what} that was removed")
        try:
            value = sealer.open(row.sealed, row.id)
        except CannotOpen as error:
            raise _unavailable(
                name, "cannot be read: the key of its value is missing, or it was changed"
            ) from error
        (secrets if isinstance(row, Secret) else plain)[name] = value
    return Revealed(plain, secrets)


def secrets_changed_at(db: ReadDb, release: Release) -> datetime | None:
    """When one of a release's secrets got another value the last time; None where it has none."""
    named = references(release.settings)
    return max((one.changed_at for one in queries.list_secrets(db, named.values())), default=None)


def _rows(db: ReadDb, named: Mapping[str, str]) -> dict[str, Value | Secret]:
    """What is named and there, by id."""
    values = queries.list_values(db, named.values())
    secrets = queries.list_secrets(db, named.values())
    return {**{one.id: one for one in values}, **{one.id: one for one in secrets}}


def masker_for(db: ReadDb, sealer: Sealer, release: Release) -> Masker:
    """What hides the present and former values of a release's secrets; what cannot be read need not be hidden."""
    named = references(release.settings)
    if not named:
        return NOTHING
    secrets = queries.list_secrets(db, named.values())
    present = [value for one in secrets if (value := _open_or_none(sealer, one)) is not None]
    return Masker([*sorted(present, key=len), *former.list_values(db, sealer, named.values())])


def remove_of_app(db: WriteDb, app_id: str) -> None:
    """Remove the values and secrets of an app that ends."""
    rows = queries.list_of_app(db, app_id)
    former.remove(db, [row.id for row in rows])
    for row in rows:
        db.delete(row)
    db.flush()


def remove_unnamed(db: WriteDb) -> int:
    """Remove what no release of its app names any more; returns how many that were."""
    removed = 0
    for app_id in queries.app_ids(db):
        releases = apps.list_releases(db, app_id)
        kept = [release.settings for release in releases] or [apps.get_app(db, app_id).first_settings]
        named = {one for settings in kept for one in references(settings).values()}
        for row in queries.list_of_app(db, app_id):
            if row.id not in named:
                db.delete(row)
                removed += 1
    db.flush()
    former.remove(db, [one for one in queries.removed_ids(db) if not apps.is_named(db, one)])
    return removed


def _open_or_none(sealer: Sealer, row: Value | Secret) -> str | None:
    try:
        return sealer.open(row.sealed, row.id)
    except CannotOpen:
        return None


def _unavailable(name: str, why: str) -> VariableUnavailable:
    return VariableUnavailable(
        f"Cannot start the app: variable {name} {why}.",
        fix=f"Set it again with `tholos vars set`, or remove it: tholos vars remove {name}",
        where=name,
    )
