"""JSON shapes of instances."""

from __future__ import annotations

from pydantic import BaseModel

from tholos.instances.models import Instance
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


class InstanceList(BaseModel):
    items: list[InstanceOut]


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


def instance_out(instance: Instance, release: int) -> InstanceOut:
    return InstanceOut(
        id=instance.id,
        release=release,
        state=instance.state,
        since=to_text(instance.since) or "",
        reason=instance.reason,
        pid=instance.pid,
        restarts=instance.restarts,
        address=instance.address,
    )
