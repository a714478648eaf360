"""Every SELECT of instances."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from tholos.instances.errors import InstanceNotFound
from tholos.instances.models import ACTIVE, ENDED, Instance, InstanceState, Node
from tholos.kit.db import ReadDb


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


def list_of_app(db: ReadDb, app_id: str, *, ended: bool = False) -> Sequence[Instance]:
    chosen = select(Instance).where(Instance.app_id == app_id)
    if not ended:
        chosen = chosen.where(Instance.state.not_in(ENDED))
    return db.scalars(chosen.order_by(Instance.created_at.desc(), Instance.id.desc())).all()


def find_active(db: ReadDb, release_id: str) -> Instance | None:
    chosen = select(Instance).where(Instance.release_id == release_id, Instance.state.in_(ACTIVE))
    return db.scalar(chosen.order_by(Instance.created_at.desc()).limit(1))


def find_last(db: ReadDb, app_id: str, release_id: str | None = None) -> Instance | None:
    chosen = select(Instance).where(Instance.app_id == app_id)
    if release_id is not None:
        chosen = chosen.where(Instance.release_id == release_id)
    return db.scalar(chosen.order_by(Instance.created_at.desc(), Instance.id.desc()).limit(1))


def find_ready(db: ReadDb, release_id: str) -> Instance | None:
    chosen = select(Instance).where(Instance.release_id == release_id, Instance.state == InstanceState.READY)
    return db.scalar(chosen.order_by(Instance.ready_at.desc()).limit(1))


def list_held_by(db: ReadDb, operation_id: str) -> Sequence[Instance]:
    return db.scalars(select(Instance).where(Instance.operation_id == operation_id)).all()
