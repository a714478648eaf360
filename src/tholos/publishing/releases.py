"""Use cases of releases that are there: make another one live, change what runs with one, start an app anew, let old ones go.

None of them builds anything: a release is all that it was when it was made.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from tholos.accounts.service import Actor
from tholos.apps import keeping
from tholos.apps import service as apps
from tholos.apps.models import App, Origin, Release, ReleaseState
from tholos.apps.service import NewRelease
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.instances import service as instances
from tholos.instances.errors import TransitionRefused
from tholos.instances.models import InstanceState
from tholos.kit.db import JsonObject, ReadDb, WriteDb
from tholos.operations import service as operations
from tholos.operations.models import Operation
from tholos.operations.service import Subject
from tholos.publishing.errors import NothingRuns
from tholos.publishing.service import (
    ACTIVATE,
    ACTIVATE_STEPS,
    CHANGE,
    CHANGE_STEPS,
    RESTART,
    RESTART_STEPS,
    ROLL_BACK,
    record_failure,
)
from tholos.variables import service as variables


def begin_activation(
    db: WriteDb, actor: Actor, name: str, number: int, now: datetime, *, idempotency_key: str | None = None
) -> Operation | Release:
    """The operation that makes a release live; the release itself where it is live already.

    Raises: AppNotFound, NotAnEditor, ReleaseNotFound, NotReady, OperationUnderWay.
    """
    app = apps.get_editable(db, actor, name)
    return _begin_switch(db, actor, app, keeping.get_ready(db, app, number), ACTIVATE, now, idempotency_key)


def begin_rollback(
    db: WriteDb,
    actor: Actor,
    name: str,
    number: int | None,
    now: datetime,
    *,
    idempotency_key: str | None = None,
) -> Operation | Release:
    """The operation that makes an earlier release live: a named one, else the newest before that was live once.

    Code, packages, variables and limits return; data stays, secrets are what they are now, and nobody gets in who does not
    get in now: those are the app's.

    Raises: AppNotFound, NotAnEditor, ReleaseNotFound, NotReady, NothingBefore, OperationUnderWay.
    """
    app = apps.get_editable(db, actor, name)
    again = operations.find_by_key(db, actor, idempotency_key)
    if again is not None:
        return again
    wanted = keeping.get_before(db, app) if number is None else keeping.get_ready(db, app, number)
    return _begin_switch(db, actor, app, wanted, ROLL_BACK, now, idempotency_key)


def begin_turn(
    db: WriteDb, actor: Actor, app: App, release: Release, now: datetime, *, is_draft: bool
) -> Operation:
    """The operation that makes a release live, or a draft, after what is under way for the app."""
    return _begin_activation(
        db, actor, app, release, ACTIVATE, now, is_draft=is_draft, may_wait=True, idempotency_key=None
    )


def _begin_switch(
    db: WriteDb, actor: Actor, app: App, release: Release, kind: str, now: datetime, key: str | None
) -> Operation | Release:
    again = operations.find_by_key(db, actor, key)
    if again is not None:
        return again
    live = apps.find_live(db, app.id)
    if live is not None and live.id == release.id:
        return release
    return _begin_activation(
        db, actor, app, release, kind, now, is_draft=False, may_wait=False, idempotency_key=key
    )


def _begin_activation(
    db: WriteDb,
    actor: Actor,
    app: App,
    release: Release,
    kind: str,
    now: datetime,
    *,
    is_draft: bool,
    may_wait: bool,
    idempotency_key: str | None,
) -> Operation:
    live = apps.find_live(db, app.id)
    request: JsonObject = {"release_id": release.id, "release": release.number, "draft": is_draft}
    begun = operations.begin(
        db, actor, kind, Subject(app.id, app.name), ACTIVATE_STEPS, request, now,
        idempotency_key=idempotency_key, may_wait=may_wait,
    )  # fmt: skip
    audit.record(
        db, actor, Action.ACTIVATION_BEGUN, apps.subject_of(app), now,
        before={"release": live.number} if live else None,
        after={"release": release.number, "operation": begun.id},
    )  # fmt: skip
    return begun


def change_settings(
    db: WriteDb, actor: Actor, app: App, settings: JsonObject, message: str, now: datetime
) -> Operation | None:
    """The operation that makes other settings true of what runs; None before an app's first release, which begins with them.

    Raises: OperationUnderWay.
    """
    if apps.list_releases(db, app.id, limit=1):
        return begin_change(db, actor, app, settings, message, now)
    app.first_settings = settings
    return None


def begin_change(
    db: WriteDb, actor: Actor, app: App, settings: JsonObject, message: str, now: datetime
) -> Operation:
    """The operation that makes a release live with the files and packages of the one before, and other settings. Where
    nothing is live, a change of a draft is a draft again: only who says so makes something live.

    Raises: NothingReleased, OperationUnderWay.
    """
    base = variables.find_base(db, app)
    is_draft = apps.find_live(db, app.id) is None and _is_draft(db, base)
    begun = operations.begin(db, actor, CHANGE, Subject(app.id, app.name), CHANGE_STEPS, {}, now)
    new = NewRelease(
        snapshot=base.snapshot,
        files=base.files,
        bytes=base.bytes,
        fingerprint=base.fingerprint,
        manifest=base.manifest,
        python=base.python,
        message=message,
        settings=settings,
        origin=Origin.SETTINGS,
        based_on=base.number,
    )
    release = apps.create_release(db, actor, app, new, now)
    apps.carry_environment(base, release)
    begun.request = {"release_id": release.id, "release": release.number, "upgrade": False, "draft": is_draft}
    return begun


def _is_draft(db: ReadDb, release: Release) -> bool:
    """Whether a release is a draft or was one, or failed to become one."""
    if release.state == ReleaseState.READY:
        return release.live_at is None
    last = operations.list_last(db, [release.app_id])
    return any(one.request.get("draft") and one.request.get("release_id") == release.id for one in last)


def begin_restart(
    db: WriteDb, actor: Actor, app: App, now: datetime, *, may_wait: bool = False, note: str = ""
) -> Operation:
    """The operation that puts new instances in the place of all that run of an app, without a moment in between. One that
    may wait restarts what is live once it is its turn; a note says why, where nobody asked for it.

    Raises: NothingRuns, OperationUnderWay.
    """
    live = _get_live(db, app)
    request: JsonObject = {"release_id": live.id, "release": live.number}
    begun = operations.begin(
        db, actor, RESTART, Subject(app.id, app.name), RESTART_STEPS, request, now, may_wait=may_wait
    )
    audit.record(
        db, actor, Action.APP_RESTARTED, apps.subject_of(app), now,
        after={"release": live.number, "operation": begun.id}, note=note,
    )  # fmt: skip
    return begun


def find_restarted(db: WriteDb, operation: Operation) -> Release:
    """What a restart is to start anew: what is live by now, which may be another release than when it was asked for.

    Raises: AppNotFound, NothingRuns.
    """
    present = operations.get_operation(db, operation.id)
    live = _get_live(db, apps.get_app(db, operation.subject_id))
    if present.request["release_id"] != live.id:
        present.request = {**present.request, "release_id": live.id, "release": live.number}
    return live


def _get_live(db: ReadDb, app: App) -> Release:
    live = apps.find_live(db, app.id)
    if live is None:
        raise NothingRuns(
            f"Cannot restart {app.name}: nothing of it is live.",
            fix=f"`tholos releases {app.name}` lists what could be: tholos activate {app.name} N",
        )
    return live


def take_over(db: WriteDb, operation: Operation) -> None:
    """From here on the new instance of a restart is the one that stands for its release.

    Raises: CancelRequested, TransitionRefused.
    """
    operations.decide(db, operation.id)
    apps.wake_up(db, str(operations.get_operation(db, operation.id).request["release_id"]))
    instances.let_go(db, operation.id)


def abandon_switch(db: WriteDb, operation: Operation, error: JsonObject | None, now: datetime) -> list[str]:
    """Hold nothing any more for an operation that failed, or was cancelled without an error: what served goes on serving,
    the rest is ended. Returns the instances to end at once.
    """
    held = instances.let_go(db, operation.id)
    if operations.get_operation(db, operation.id).is_decided:
        return []
    is_restart = operation.kind == RESTART
    if error is not None:
        failed = Action.RESTART_FAILED if is_restart else Action.ACTIVATION_FAILED
        record_failure(db, operation, failed, error, now)
    if not is_restart:
        return []  # what something points at runs on, the rest is ended as is what ran before
    for instance in held:  # at once: of a live release, whichever answers last takes over
        with suppress(TransitionRefused):
            instances.set_state(db, instance.id, InstanceState.STOPPING, "", now)
    return [instance.id for instance in held]


def remove_old(db: WriteDb, app: App, keep: int, now: datetime) -> list[int]:
    """Remove the releases that nothing keeps and that do not run; returns their numbers, whose files may go."""
    running = {one.release_id for one in instances.list_of_app(db, app.id)}
    removed = []
    for release in keeping.list_expendable(db, app, keep):
        if release.id in running:
            continue
        instances.remove_of_release(db, release.id)
        removed.append(release.number)
        keeping.remove_release(db, app, release.id, now)
    return removed
