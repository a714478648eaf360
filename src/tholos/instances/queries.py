"""Every SELECT of instances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, func, select

from tholos.apps.models import PREVIOUS, App, Pointer, Release
from tholos.detect.model import Kind
from tholos.instances.errors import InstanceNotFound
from tholos.instances.models import ACTIVE, ENDED, RUNNING, SHARED, Instance, InstanceState, Node
from tholos.kit.db import JsonObject, ReadDb, UtcDateTime


def find_node(db: ReadDb, node_id: int) -> Node | None:
    return db.get(Node, node_id)


def get_instance(db: ReadDb, instance_id: str) -> Instance:
    found = db.get(Instance, instance_id)
    if found is None:
        raise InstanceNotFound
    return found


def find_instance(db: ReadDb, instance_id: str) -> Instance | None:
    return db.get(Instance, instance_id)


def list_standing(db: ReadDb, node_id: int) -> Sequence[Instance]:
    """Those of a node that have not ended."""
    chosen = select(Instance).where(Instance.node_id == node_id, Instance.state.not_in(ENDED))
    return db.scalars(chosen.order_by(Instance.id)).all()


def list_seen(db: ReadDb, node_id: int) -> list[tuple[str, str, str, str, str | None, datetime | None, str]]:
    """Id, app, release, state, operation, first answer and audience of those of a node that have not ended."""
    chosen = select(
        Instance.id,
        Instance.app_id,
        Instance.release_id,
        Instance.state,
        Instance.operation_id,
        Instance.ready_at,
        Instance.audience,
    ).where(Instance.node_id == node_id, Instance.state.not_in(ENDED))
    found = db.execute(chosen.order_by(Instance.id))
    return [
        (one, app, release, state, operation, at, whose)
        for one, app, release, state, operation, at, whose in found
    ]


@dataclass(frozen=True, slots=True)
class ServingRow:
    """An app, one of its pointers with its release's number, and one active instance of that; None where there is none."""

    app_id: str
    name: str
    owner_id: str
    audience: str
    access_version: int
    pointer: str | None
    release: int | None
    instance: str | None
    address: str | None
    state: str | None
    reason: str | None
    at: datetime | None
    """When it began to answer, or else was made."""
    since: datetime | None
    """Of its state."""
    life: JsonObject
    """What its app says of it."""
    release_id: str | None
    asleep_at: datetime | None
    """Since when the pointer's release sleeps."""
    whose: str | None
    """Whom the instance is for."""


def list_serving(db: ReadDb, app_id: str | None = None) -> list[ServingRow]:
    """Each app, or one; a row for each pointer and active instance, the newest first, and one row where there is none."""
    is_shown = and_(Pointer.app_id == App.id, Pointer.name != PREVIOUS)
    is_active = and_(Instance.release_id == Pointer.release_id, Instance.state.in_(ACTIVE))
    at = func.coalesce(Instance.ready_at, Instance.created_at, type_=UtcDateTime())
    app = select(
        App.id, App.name, App.owner_id, App.audience, App.access_version, Pointer.name, Release.number
    )
    chosen = (
        app.add_columns(Instance.id, Instance.address, Instance.state, Instance.reason, at, Instance.since)
        .add_columns(App.life, Pointer.release_id, Pointer.asleep_at, Instance.audience)
        .select_from(App)
        .outerjoin(Pointer, is_shown)
        .outerjoin(Release, Release.id == Pointer.release_id)
        .outerjoin(Instance, is_active)
        .order_by(App.id, Pointer.name, Instance.created_at.desc())
    )
    return [ServingRow(*row) for row in db.execute(chosen.where(App.id == app_id) if app_id else chosen)]


@dataclass(frozen=True, slots=True)
class StandingCommand:
    """An instance of a command, and whose it is."""

    instance: str
    app_id: str
    name: str
    owner_id: str
    number: int
    entrypoint: str


def list_standing_commands(db: ReadDb) -> list[StandingCommand]:
    """Those of commands that have not ended."""
    chosen = (
        select(Instance.id, App.id, App.name, App.owner_id, Release.number, Release.manifest)
        .join(App, App.id == Instance.app_id)
        .join(Release, Release.id == Instance.release_id)
        .where(Instance.state.not_in(ENDED))
        .order_by(Instance.created_at)
    )
    return [
        StandingCommand(instance, app, name, owner, number, str(manifest["entrypoint"]))
        for instance, app, name, owner, number, manifest in db.execute(chosen)
        if manifest["kind"] == Kind.COMMAND
    ]


def list_measured(db: ReadDb, node_id: int) -> list[tuple[str, str, int, str, int | None]]:
    """Id, app's name, release's number, state and process of those of a node that have not ended."""
    chosen = (
        select(Instance.id, App.name, Release.number, Instance.state, Instance.pid)
        .join(App, App.id == Instance.app_id)
        .join(Release, Release.id == Instance.release_id)
        .where(Instance.node_id == node_id, Instance.state.not_in(ENDED))
    )
    return [(one, app, number, state, pid) for one, app, number, state, pid in db.execute(chosen)]


def list_of_app(db: ReadDb, app_id: str, *, ended: bool = False) -> Sequence[Instance]:
    chosen = select(Instance).where(Instance.app_id == app_id)
    if not ended:
        chosen = chosen.where(Instance.state.not_in(ENDED))
    return db.scalars(chosen.order_by(Instance.created_at.desc(), Instance.id.desc())).all()


def list_of_apps(db: ReadDb, app_ids: Select[str]) -> Sequence[Instance]:
    """Of the apps whose ids a subquery has, those that have not ended; one app's beside each other."""
    chosen = select(Instance).where(Instance.app_id.in_(app_ids), Instance.state.not_in(ENDED))
    return db.scalars(chosen.order_by(Instance.app_id, Instance.id.desc())).all()


def list_of_release(db: ReadDb, release_id: str) -> Sequence[Instance]:
    return db.scalars(select(Instance).where(Instance.release_id == release_id)).all()


def find_active(db: ReadDb, release_id: str) -> Instance | None:
    """The newest that is nobody's own."""
    chosen = select(Instance).where(*_is_active(release_id))
    return db.scalar(chosen.order_by(Instance.created_at.desc()).limit(1))


def count_active(db: ReadDb, release_id: str) -> int:
    """As many as are nobody's own."""
    return db.scalar(select(func.count()).select_from(Instance).where(*_is_active(release_id))) or 0


def _is_active(release_id: str) -> tuple[ColumnElement[bool], ...]:
    return (
        Instance.release_id == release_id, Instance.state.in_(ACTIVE), Instance.audience == SHARED,
    )  # fmt: skip


def find_last(db: ReadDb, app_id: str, release_id: str | None = None) -> Instance | None:
    chosen = select(Instance).where(Instance.app_id == app_id)
    if release_id is not None:
        chosen = chosen.where(Instance.release_id == release_id)
    return db.scalar(chosen.order_by(Instance.created_at.desc(), Instance.id.desc()).limit(1))


def find_start_times(db: ReadDb, app_id: str) -> tuple[datetime, datetime] | None:
    """When the last of an app's instances that ever answered was made, and first answered."""
    chosen = select(Instance.created_at, Instance.ready_at).where(
        Instance.app_id == app_id, Instance.ready_at.is_not(None)
    )
    found = db.execute(chosen.order_by(Instance.created_at.desc()).limit(1)).first()
    return (found[0], found[1]) if found and found[1] else None


def find_ready(db: ReadDb, release_id: str) -> Instance | None:
    """The newest that answers, one that is nobody's own before others."""
    chosen = select(Instance).where(Instance.release_id == release_id, Instance.state == InstanceState.READY)
    return db.scalar(chosen.order_by(Instance.audience != SHARED, Instance.ready_at.desc()).limit(1))


def list_held_by(db: ReadDb, operation_id: str) -> Sequence[Instance]:
    return db.scalars(select(Instance).where(Instance.operation_id == operation_id)).all()


def list_running_of(db: ReadDb, account_id: str) -> list[tuple[str, str, JsonObject]]:
    """App, release and the release's settings of each instance of somebody's apps that runs, or is about to."""
    chosen = (
        select(Instance.app_id, Instance.release_id, Release.settings)
        .join(App, App.id == Instance.app_id)
        .join(Release, Release.id == Instance.release_id)
        .where(App.owner_id == account_id, Instance.state.in_(RUNNING))
    )
    return [(app, release, settings) for app, release, settings in db.execute(chosen)]
