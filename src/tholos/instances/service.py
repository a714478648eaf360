"""Use cases of instances: rows made, moved by what is seen, and asked about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tholos.accounts.service import Actor
from tholos.apps import service as apps
from tholos.apps.models import WAKING, App, AppState, Release
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.instances import queries
from tholos.instances.errors import InstanceLeaves, InstanceNotFound, InstancesTaken, TransitionRefused
from tholos.instances.models import (
    ACTIVE,
    ENDED,
    LEAVING,
    RUNNING,
    SHARED,
    THIS_NODE,
    TRANSITIONS,
    Instance,
    InstanceState,
    Node,
)
from tholos.instances.plan import Seen
from tholos.kit import ids
from tholos.kit.db import ReadDb, WriteDb
from tholos.runtime.layout import Layout
from tholos.runtime.model import ProcessState, ProcessStatus
from tholos.variables import service as variables

TOPIC = "instances"


@dataclass(frozen=True, slots=True)
class Measured:
    """One instance, as monitoring wants it."""

    id: str
    app: str
    release: int
    state: str
    pid: int | None


def topic(instance_id: str) -> str:
    return f"instance:{instance_id}"


def ensure_node(db: WriteDb, name: str, now: datetime) -> None:
    if queries.find_node(db, THIS_NODE) is None:
        db.add(Node(id=THIS_NODE, name=name, created_at=now))


def create_instance(
    db: WriteDb,
    app: App,
    release: Release,
    layout: Layout,
    now: datetime,
    *,
    operation_id: str | None = None,
    instance_id: str = "",
) -> Instance:
    """A row for a process that is about to be asked for, or to go on."""
    instance = new_instance(app, release, layout, now, operation_id=operation_id, instance_id=instance_id)
    db.add(instance)
    db.flush()
    return instance


def new_instance(
    app: App,
    release: Release,
    layout: Layout,
    now: datetime,
    *,
    operation_id: str | None = None,
    instance_id: str = "",
) -> Instance:
    """The same, which nobody has recorded."""
    instance_id = instance_id or ids.new_id("ins")
    return Instance(
        id=instance_id,
        organization_id=app.organization_id,
        app_id=app.id,
        release_id=release.id,
        node_id=THIS_NODE,
        audience=SHARED,
        server_name="",
        lease_holder=f"node-{THIS_NODE}",
        operation_id=operation_id,
        address=f"unix:{layout.socket(instance_id)}",
        log=str(layout.log(app.id, release.number, instance_id)),
        state=InstanceState.STARTING,
        reason="",
        restarts=0,
        created_at=now,
        since=now,
    )


def move(instance: Instance, state: InstanceState, reason: str, now: datetime) -> bool:
    """Change an instance's state by the table; returns whether it is another than before.

    Raises: TransitionRefused.
    """
    before = InstanceState(instance.state)
    if before == state:
        instance.reason = reason or instance.reason
        return False
    if state not in TRANSITIONS[before]:
        raise TransitionRefused(f"Cannot make instance {instance.id} {state}: it is {before}.")
    instance.state, instance.reason, instance.since = state, reason, now
    if state == InstanceState.READY:
        instance.ready_at = now
    if state in ENDED:
        instance.ended_at = now
        instance.operation_id = None
    return True


_SEEN_AS = {
    ProcessState.BACKOFF: InstanceState.FAILING,
    ProcessState.FAILED: InstanceState.FAILED,
    ProcessState.EXITED: InstanceState.STOPPED,
    ProcessState.STOPPING: InstanceState.STOPPING,
}


def observe(db: WriteDb, status: ProcessStatus, now: datetime) -> Instance | None:
    """Record what the launcher says of an instance; returns its row if that changed its state."""
    instance = queries.find_instance(db, status.instance)
    if instance is None or instance.state in ENDED or status.waits:
        return None
    pid_before = instance.pid
    instance.pid = status.pid
    instance.exit_code = status.exit_code
    instance.restarts = max(instance.restarts, status.ends)
    if status.state == ProcessState.RUNNING:
        is_another = pid_before not in {None, status.pid} and instance.state == InstanceState.READY
        has_begun_again = instance.state == InstanceState.FAILING or is_another
        has_changed = has_begun_again and move(instance, InstanceState.STARTING, instance.reason, now)
        return instance if has_changed else None  # why it ended is told until it answers again
    state = _SEEN_AS[status.state]
    if instance.state == InstanceState.FAILED:
        return None  # given up is what it is, however its process went
    if state not in TRANSITIONS[InstanceState(instance.state)]:
        # A process that crashes while it drains is one that has left, and says no more than that.
        return None
    return instance if move(instance, state, status.reason, now) else None


def set_state(db: WriteDb, instance_id: str, state: InstanceState, reason: str, now: datetime) -> Instance:
    """Raises: InstanceNotFound, TransitionRefused."""
    instance = queries.get_instance(db, instance_id)
    move(instance, state, reason, now)
    return instance


def stop(db: WriteDb, actor: Actor, app: App, instance_id: str, now: datetime) -> Instance:
    """Let one of an app's processes end, which the keeper then brings about; what should run is started anew.

    Raises: InstanceNotFound, InstanceLeaves.
    """
    instance = queries.get_instance(db, instance_id)
    if instance.app_id != app.id:
        raise InstanceNotFound(f"{app.name} has no instance {instance_id[:60]}.", where="instance")
    if instance.state in ENDED | LEAVING:
        raise InstanceLeaves(f"Cannot stop this instance of {app.name}: it is {instance.state}.")
    move(instance, InstanceState.STOPPING, "", now)
    audit.record(
        db, actor, Action.INSTANCE_STOPPED, apps.subject_of(app), now,
        after={"instance": instance.id, "release": apps.get_release(db, instance.release_id).number},
    )  # fmt: skip
    return instance


def retry_failed(db: WriteDb, now: datetime) -> None:
    """End the instances that were given up, so that their releases are started anew."""
    for instance in queries.list_standing(db, THIS_NODE):
        if instance.state == InstanceState.FAILED:
            move(instance, InstanceState.STOPPED, instance.reason, now)


def find_to_hold(db: WriteDb, release_id: str, operation_id: str, *, anew: bool) -> Instance | None:
    """The instance of a release that an operation goes on with, held by it from now on: the one that it holds, else one
    that is starting or answers, unless it is to have one of its own; None where one is to be started. One that was started
    before a secret of its release changed is not held: it has the old value.
    """
    held = [one for one in queries.list_held_by(db, operation_id) if one.release_id == release_id]
    if held:
        return held[0]
    found = None if anew else queries.find_ready(db, release_id) or queries.find_active(db, release_id)
    if found is None or found.operation_id or found.state not in _WORTH_HOLDING or found.audience != SHARED:
        return None
    changed_at = variables.secrets_changed_at(db, apps.get_release(db, release_id))
    if changed_at is not None and changed_at > found.created_at:
        return None
    found.operation_id = operation_id
    return found


_WORTH_HOLDING = frozenset({InstanceState.STARTING, InstanceState.READY})


def let_go(db: WriteDb, operation_id: str) -> Sequence[Instance]:
    """The instances that an operation held, held by it no longer."""
    held = queries.list_held_by(db, operation_id)
    for instance in held:
        instance.operation_id = None
    return held


def get_instance(db: ReadDb, instance_id: str) -> Instance:
    return queries.get_instance(db, instance_id)


def find_instance(db: ReadDb, instance_id: str) -> Instance | None:
    return queries.find_instance(db, instance_id)


def find_active(db: ReadDb, release_id: str) -> Instance | None:
    return queries.find_active(db, release_id)


def count_active(db: ReadDb, release_id: str) -> int:
    return queries.count_active(db, release_id)


def find_ready(db: ReadDb, release_id: str) -> Instance | None:
    return queries.find_ready(db, release_id)


def find_start_seconds(db: ReadDb, app_id: str) -> float | None:
    """How long an app's last start took; None where it never came to answer."""
    found = queries.find_start_times(db, app_id)
    return (found[1] - found[0]).total_seconds() if found else None


def find_last(db: ReadDb, app_id: str, release_id: str | None = None) -> Instance | None:
    return queries.find_last(db, app_id, release_id)


def list_standing(db: ReadDb) -> Sequence[Instance]:
    """Every instance of this node that has not ended."""
    return queries.list_standing(db, THIS_NODE)


def list_measured(db: ReadDb) -> list[Measured]:
    """Every instance of this node that has not ended, as monitoring wants it."""
    return [Measured(*row) for row in queries.list_measured(db, THIS_NODE)]


def list_of_app(db: ReadDb, app_id: str, *, ended: bool = False) -> Sequence[Instance]:
    return queries.list_of_app(db, app_id, ended=ended)


def list_visible(db: ReadDb, actor: Actor, name: str) -> Sequence[Instance]:
    """Raises: AppNotFound, NotAnEditor."""
    return queries.list_of_app(db, apps.get_editable(db, actor, name).id)


def list_editable(db: ReadDb, actor: Actor) -> Sequence[Instance]:
    """Those of all apps that an actor may edit that have not ended."""
    return queries.list_of_apps(db, apps.editable_ids(actor))


def list_seen(db: ReadDb) -> list[Seen]:
    return [
        Seen(one, app_id, release_id, InstanceState(state), operation_id is not None, ready_at, whose)
        for one, app_id, release_id, state, operation_id, ready_at, whose in queries.list_seen(db, THIS_NODE)
    ]


ASLEEP = "Nobody used it for a while; the next request wakes it."
_TOLD_AS = {
    InstanceState.STARTING: AppState.STARTING,
    InstanceState.READY: AppState.SERVING,
    InstanceState.FAILING: AppState.FAILING,
    InstanceState.FAILED: AppState.FAILING,
}


def tell_app(db: WriteDb, app_id: str, now: datetime, *, probed: bool = False) -> bool:
    """Bring the state people are told of an app in line with its live release's instance."""
    live = apps.find_live_id(db, app_id)
    if live is None:
        is_told = apps.get_app(db, app_id).state == AppState.STOPPED  # and why: nothing was released, say
        return not is_told and apps.set_state(db, app_id, AppState.STOPPED, "It has no live release.", now)
    active = queries.find_ready(db, live) or queries.find_active(db, live)
    app = apps.get_app(db, app_id)
    if active is None:
        if apps.is_asleep(db, live):
            return apps.set_state(db, app_id, AppState.ASLEEP, ASLEEP, now)
        if app.state_reason == WAKING:
            return False
        return apps.set_state(db, app_id, AppState.STOPPED, "It has no instance.", now)
    told = _TOLD_AS[InstanceState(active.state)]
    is_waking = told == AppState.STARTING and app.state_reason in {ASLEEP, WAKING}
    reason = WAKING if is_waking else active.reason
    return apps.set_state(db, app_id, told, reason, now, probed=probed)


def fall_asleep(db: WriteDb, app_id: str, release_id: str, now: datetime) -> bool:
    """Let a release's instances end because nobody uses them; returns whether that was possible: somebody may have plans with
    one of them, or one may fail.
    """
    active = [one for one in queries.list_of_release(db, release_id) if one.state in ACTIVE]
    if not active or any(one.operation_id or one.state != InstanceState.READY for one in active):
        return False
    if not apps.fall_asleep(db, release_id, now):
        return False
    for instance in active:
        move(instance, InstanceState.DRAINING, "", now)
    db.flush()
    tell_app(db, app_id, now)
    return True


def let_go_spare(db: WriteDb, instance_id: str, whose: str, least: int, now: datetime) -> bool:
    """Let an instance end that its release has beyond the least, or that is somebody's own; returns whether that was possible:
    it may have become somebody's.
    """
    instance = queries.find_instance(db, instance_id)
    if instance is None or not _is_free(instance) or instance.audience != whose:
        return False
    others = [one for one in queries.list_of_release(db, instance.release_id) if one.id != instance_id]
    if whose == SHARED and sum(_is_free(one) and one.audience == SHARED for one in others) < max(least, 1):
        return False
    return move(instance, InstanceState.DRAINING, "", now)


def claim(
    db: WriteDb, release_id: str, whose: str, most: int, may_come: Callable[[], None]
) -> Instance | None:
    """The instance of a release that is somebody's own, from now on if need be; None where it does not answer yet, or one is
    to come.

    Args:
        db: to write.
        release_id: whose instance it is to be.
        whose: who wants one.
        most: as many may be somebody's own.
        may_come: asked where none is on its way; raises InstancesTaken where none will come.

    Raises: InstancesTaken.
    """
    running = [one for one in queries.list_of_release(db, release_id) if one.state in RUNNING]
    own = next((one for one in running if one.audience == whose), None)
    if own is not None:
        return own if own.state == InstanceState.READY else None
    spares = [one for one in running if one.audience == SHARED and _is_free(one)]
    spare = min(spares, key=lambda one: (one.ready_at or one.created_at, one.id), default=None)
    if spare is not None:
        spare.audience = whose
    elif sum(one.audience != SHARED for one in running) >= most:
        raise InstancesTaken(
            f"Cannot open it: all of the {most} instances that may run are somebody's already.",
            fix="Try again later; its owner lets more run with: tholos life APP --max N",
        )
    elif not any(one.audience == SHARED for one in running):
        may_come()
    return spare


def _is_free(instance: Instance) -> bool:
    """Whether it answers and no operation has plans with it."""
    return instance.state == InstanceState.READY and not instance.operation_id


def wake_up(db: WriteDb, app_id: str, release_id: str, now: datetime) -> bool:
    """Let a release run again that sleeps; returns whether it did."""
    if not apps.wake_up(db, release_id):
        return False
    if apps.find_live_id(db, app_id) == release_id:
        apps.set_state(db, app_id, AppState.STARTING, WAKING, now)
    return True


def remove_of_release(db: WriteDb, release_id: str) -> None:
    """Remove what ended of a release that is removed."""
    for instance in queries.list_of_release(db, release_id):
        db.delete(instance)
    db.flush()


def remove_of_app(db: WriteDb, app_id: str) -> None:
    for instance in queries.list_of_app(db, app_id, ended=True):
        db.delete(instance)
    db.flush()
