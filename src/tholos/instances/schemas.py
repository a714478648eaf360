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
