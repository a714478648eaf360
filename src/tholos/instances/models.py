"""The table of running processes, and the one table of how their states follow each other."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from tholos.kit.db import Base, LongText

THIS_NODE = 1
SHARED = "shared"
"""Whose an instance is that everybody may come to; in an app where everybody has their own, one that waits for whoever comes."""
VISITORS = "visitors"
"""Whose the one is, in such an app, that all who are not signed in come to."""


class InstanceState(StrEnum):
    STARTING = "starting"
    """Its process was asked for, or runs and has not answered yet."""
    READY = "ready"
    """It answers; requests go to it while its release is live."""
    FAILING = "failing"
    """It ended by itself and will be started again."""
    FAILED = "failed"
    """It ended by itself too often, or never answered; it is not tried again."""
    DRAINING = "draining"
    """It gets no new requests and finishes those it has."""
    STOPPING = "stopping"
    STOPPED = "stopped"


_S = InstanceState
TRANSITIONS: dict[InstanceState, frozenset[InstanceState]] = {
    _S.STARTING: frozenset({_S.READY, _S.FAILING, _S.FAILED, _S.DRAINING, _S.STOPPING, _S.STOPPED}),
    # ready → starting is a process that took another's place while nobody watched.
    _S.READY: frozenset({_S.STARTING, _S.FAILING, _S.FAILED, _S.DRAINING, _S.STOPPING, _S.STOPPED}),
    _S.FAILING: frozenset({_S.STARTING, _S.FAILED, _S.DRAINING, _S.STOPPING, _S.STOPPED}),
    _S.FAILED: frozenset({_S.STOPPING, _S.STOPPED}),
    _S.DRAINING: frozenset({_S.STOPPING, _S.STOPPED}),
    _S.STOPPING: frozenset({_S.STOPPED}),
    _S.STOPPED: frozenset(),
}
ENDED = frozenset({_S.STOPPED})
ACTIVE = frozenset({_S.STARTING, _S.READY, _S.FAILING, _S.FAILED})
"""States of an instance that stands for its release: there is no need of another."""
RUNNING = ACTIVE - {_S.FAILED}
"""Of one that has a process, or is about to."""
LEAVING = frozenset({_S.DRAINING, _S.STOPPING})


class Node(Base):
    """A machine that can hold instances; this one is node 1."""

    __tablename__ = "nodes"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    created_at: Mapped[datetime]


class Instance(Base):
    __tablename__ = "instances"

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    app_id: Mapped[str] = mapped_column(ForeignKey("apps.id"), index=True)
    release_id: Mapped[str] = mapped_column(ForeignKey("releases.id"), index=True)
    node_id: Mapped[int] = mapped_column(ForeignKey("nodes.id"))
    audience: Mapped[str] = mapped_column(default=SHARED)
    """:data:`SHARED`, :data:`VISITORS`, or the id of the account whose own it is."""
    server_name: Mapped[str] = mapped_column(default="")
    lease_holder: Mapped[str | None]
    operation_id: Mapped[str | None]
    """The operation that started it and has not ended: until then nobody else stops it."""
    address: Mapped[str]
    log: Mapped[str]
    state: Mapped[str] = mapped_column(index=True)
    reason: Mapped[str] = mapped_column(LongText, default="")
    pid: Mapped[int | None]
    exit_code: Mapped[int | None]
    restarts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    since: Mapped[datetime]
    ready_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
