"""JSON shapes of instances."""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import BaseModel

from tholos.instances.metering import Measured
from tholos.instances.models import Instance
from tholos.instances.standbys import Standby
from tholos.kit.clock import to_text


class InstanceOut(BaseModel):
    id: str
    release: int
    state: str
    since: str
    reason: str
    pid: int | None
    restarts: int
    address: str
    whose: str
    """Name of the account whose own it is, or ``visitors`` for all who are not signed in; empty where everybody comes to it."""
    app: str
    """Its name."""
    cpu_s: float | None
    """Seconds of processors since it began; null where no process runs."""
    cpu: float | None
    """Processors that it used lately: 1 is all of one."""
    memory: int | None
    """Bytes, what it shares with others counted by its share."""
    requests: int
    """That began since the server did."""
    under_way: int
    used_at: str | None
    """When its last request ended; null where there was none since the server began."""


class StandbyOut(BaseModel):
    """A process of a release that sleeps, which waits with its packages imported."""

    app: str
    """Its name."""
    release: int
    instance: str
    """Id of the instance that it becomes when the release wakes."""
    pid: int | None
    memory: int | None
    """Bytes, what it shares with others counted by its share; null while it is being prepared."""


class InstanceList(BaseModel):
    items: list[InstanceOut]
    standbys: list[StandbyOut]


class TracebackOut(BaseModel):
    """A traceback in a log."""

    error: str
    where: str
    """File and line in the app's own folder; empty if there is none."""
    text: str
    instance: str
    release: int
    n: int
    """Number of its first line among those that the log still has."""
    offset: int
    at: str | None


class TracebackAnswer(BaseModel):
    traceback: TracebackOut | None
    """Null where the last runs have none."""


def standby_out(standby: Standby) -> StandbyOut:
    return StandbyOut(
        app=standby.app,
        release=standby.release,
        instance=standby.instance,
        pid=standby.pid,
        memory=standby.memory or None,
    )


def instance_out(
    instance: Instance, app: str, release: int, whose: str, measured: Measured, now: datetime
) -> InstanceOut:
    used_at = None if measured.idle_s is None else now - timedelta(seconds=measured.idle_s)
    return InstanceOut(
        id=instance.id,
        release=release,
        state=instance.state,
        since=to_text(instance.since) or "",
        reason=instance.reason,
        pid=instance.pid,
        restarts=instance.restarts,
        address=instance.address,
        whose=whose,
        app=app,
        cpu_s=None if measured.cpu_s is None else round(measured.cpu_s, 2),
        cpu=None if measured.cpu is None else round(measured.cpu, 3),
        memory=measured.memory,
        requests=measured.requests,
        under_way=measured.under_way,
        used_at=to_text(used_at),
    )
