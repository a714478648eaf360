"""Every SELECT of values and secrets."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Select, func, or_, select

from tholos.accounts.models import Role
from tholos.accounts.service import Actor
from tholos.kit.db import Base, ReadDb
from tholos.sharing import service as sharing
from tholos.sharing.models import Level
from tholos.variables.errors import SecretNotFound
from tholos.variables.models import FormerSecret, Secret, Value

SHARED = ""
"""The app of a secret that belongs to none."""


def find_value(db: ReadDb, value_id: str) -> Value | None:
    return db.get(Value, value_id)


def list_values(db: ReadDb, ids: Collection[str]) -> Sequence[Value]:
    return db.scalars(select(Value).where(Value.id.in_(ids))).all()


def list_secrets(db: ReadDb, ids: Collection[str]) -> Sequence[Secret]:
    return db.scalars(select(Secret).where(Secret.id.in_(ids))).all()


def list_former(db: ReadDb, secret_ids: Collection[str]) -> Sequence[FormerSecret]:
    """What some secrets were before, the last value of each first."""
    chosen = select(FormerSecret).where(FormerSecret.secret_id.in_(secret_ids))
    return db.scalars(chosen.order_by(FormerSecret.ended_at.desc(), FormerSecret.id.desc())).all()


def removed_ids(db: ReadDb) -> Sequence[str]:
    """Secrets that are there no more, but for values that they had."""
    chosen = select(FormerSecret.secret_id).where(FormerSecret.secret_id.not_in(select(Secret.id)))
    return db.scalars(chosen.distinct()).all()


def find_secret_of_app(db: ReadDb, app_id: str, name: str) -> Secret | None:
    return db.scalar(select(Secret).where(Secret.app_id == app_id, Secret.name == name))


def visible_to(actor: Actor) -> Select[Secret]:
    """The shared secrets that an actor may refer to; administrators look after all of them."""
    chosen = select(Secret).where(Secret.organization_id == actor.organization_id, Secret.app_id == SHARED)
    if actor.role.includes(Role.ADMINISTRATOR):
        return chosen
    granted = sharing.granted_ids(actor.account_id, Level.VIEWER)
    return chosen.where(or_(Secret.owner_id == actor.account_id, Secret.id.in_(granted)))


def get_visible(db: ReadDb, actor: Actor, name: str) -> Secret:
    """Raises: SecretNotFound: also where it is somebody else's."""
    found = db.scalar(visible_to(actor).where(Secret.name == name))
    if found is None:
        raise SecretNotFound(
            f'There is no secret "{name[:80]}" among those you may use.',
            fix="See those that there are: tholos secrets list",
            where="name",
        )
    return found


def find_shared(db: ReadDb, organization_id: str, name: str) -> Secret | None:
    chosen = select(Secret).where(Secret.organization_id == organization_id, Secret.app_id == SHARED)
    return db.scalar(chosen.where(Secret.name == name))


def list_visible(db: ReadDb, actor: Actor) -> Sequence[Secret]:
    return db.scalars(visible_to(actor).order_by(Secret.name)).all()


def find_visible_names(db: ReadDb, actor: Actor, text: str, limit: int) -> Sequence[str]:
    chosen = visible_to(actor).where(Secret.name.icontains(text, autoescape=True))
    return [one.name for one in db.scalars(chosen.order_by(Secret.name).limit(limit))]


def count_owned(db: ReadDb, account_id: str) -> int:
    chosen = select(func.count()).select_from(Secret)
    return db.scalar(chosen.where(Secret.owner_id == account_id, Secret.app_id == SHARED)) or 0


def list_owned(db: ReadDb, account_id: str) -> Sequence[Secret]:
    chosen = select(Secret).where(Secret.owner_id == account_id, Secret.app_id == SHARED)
    return db.scalars(chosen.order_by(Secret.name)).all()


def list_of_app(db: ReadDb, app_id: str) -> list[Value | Secret]:
    values = db.scalars(select(Value).where(Value.app_id == app_id)).all()
    secrets = db.scalars(select(Secret).where(Secret.app_id == app_id)).all()
    return [*values, *secrets]


def app_ids(db: ReadDb) -> set[str]:
    """The apps that have values or secrets of their own."""
    values = db.scalars(select(Value.app_id).distinct())
    secrets = db.scalars(select(Secret.app_id).where(Secret.app_id != SHARED).distinct())
    return {*values, *secrets}


def list_sealed_by_others(db: ReadDb, model: type[Base], column: str, key: int, limit: int) -> Sequence[Base]:
    """Rows of any table with something in a column that another key than this one sealed."""
    sealed = getattr(model, column)
    chosen = select(model).where(sealed != "", sealed.not_like(f"{key}.%"))
    return db.scalars(chosen.limit(limit)).all()


def count_sealed_by_others(db: ReadDb, model: type[Base], column: str, key: int) -> int:
    sealed = getattr(model, column)
    chosen = select(func.count()).select_from(model).where(sealed != "", sealed.not_like(f"{key}.%"))
    return db.scalar(chosen) or 0
