"""Use cases of publishing: decide what is published, begin it, and let it go live; delete."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from tholos.accounts import service as accounts
from tholos.accounts.service import Actor
from tholos.apps import service as apps
from tholos.apps.models import App, AppState, Release
from tholos.apps.service import NewRelease
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.detect import core as detection
from tholos.detect import staleness
from tholos.detect.model import Brought, Detection, FileTree, Overrides
from tholos.instances import service as instances
from tholos.kit.db import JsonObject, ReadDb, WriteDb
from tholos.kit.sealing import Sealer
from tholos.operations import service as operations
from tholos.operations.models import Operation
from tholos.operations.service import Subject
from tholos.publishing import bringing
from tholos.publishing import manifest as manifests
from tholos.publishing.models import Bundle
from tholos.runtime.interpreters import Choice, Interpreters, PythonNotFound
from tholos.variables import service as variables
from tholos.variables.errors import NothingReleased

PUBLISH = "publish"
PUBLISH_STEPS = ("upload", "environment", "prepare", "start", "health", "switch")
ACTIVATE = "activate"
ROLL_BACK = "rollback"
ACTIVATE_STEPS = ("start", "health", "switch")
CHANGE = "change"
CHANGE_STEPS = ("environment", "prepare", "start", "health", "switch")
RESTART = "restart"
RESTART_STEPS = ("start", "health", "switch", "stop")
BUILD = "build"
BUILD_STEPS = ("environment",)
DELETE = "delete"
DELETE_STEPS = ("stop", "remove")
FOLLOW = "git"
FOLLOW_STEPS = ("fetch", *PUBLISH_STEPS[1:])
FIRST_STEPS = {PUBLISH: "upload", FOLLOW: "fetch"}
"""In which step it is found out what is published."""


@dataclass(frozen=True, slots=True)
class Upload:
    """What the client says of its upload; shown, never relied on."""

    files: int = 0
    bytes: int = 0
    sent_bytes: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be published, and how."""

    name: str
    snapshot: str
    message: str
    overrides: Overrides
    upgrade: bool
    upload: Upload
    is_draft: bool = False
    """Whether it is to run at an address of its own, for its editors, and not to go live yet."""
    origin: JsonObject = field(default_factory=dict)
    """Where its files come from, such as repository, branch and commit: kept with them."""
    is_bound: bool = False
    """Whether the manifest among the files was made for them: one that does not fit is refused."""


@dataclass(frozen=True, slots=True)
class NewBundle:
    """Files that were sent for an app."""

    snapshot: str
    files: int
    bytes: int
    origin: JsonObject = field(default_factory=dict)
    said: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decided:
    """What was found out about a folder before anything is built."""

    found: Detection
    choice: Choice
    remembered: JsonObject
    manifest: JsonObject
    fingerprint: str
    files: int
    bytes: int


def decide(
    tree: FileTree, size: tuple[int, int], wish: Wish, remembered: JsonObject, interpreters: Interpreters
) -> Decided:
    """Detect kind, entry point, packages and Python of a tree with so many files and bytes; nothing is recorded yet.

    Raises: Invalid: what a person must mend first, with the flag that says otherwise.
    """
    overrides, kept = manifests.merge_overrides(remembered, wish.overrides)
    found = detection.detect(tree, overrides, upgrade=wish.upgrade, is_bound=wish.is_bound)
    found = _noted(found, tree)
    choice = _choose_python(found, interpreters)
    why = choice.why if not found.python.why else f"{choice.why} ({found.python.why})"
    manifest = manifests.to_json(found, why)
    manifest["interpreter"] = choice.interpreter.identity
    fingerprint = manifests.fingerprint(wish.snapshot, manifest)
    return Decided(found, choice, kept, manifest, fingerprint, *size)


def _noted(found: Detection, tree: FileTree) -> Detection:
    """What was found, with a note where a manifest among the files is of earlier ones: it runs all the same."""
    note = staleness.find_note(tree)
    return replace(found, notes=(*found.notes, note)) if note else found


def _choose_python(found: Detection, interpreters: Interpreters) -> Choice:
    """The Python that a manifest was made with, where one like it is here and fits; else what the app asks for."""
    made_with = found.made_with
    if made_with and any(one.version.startswith(f"{made_with}.") for one in interpreters.find()):
        wish = ",".join(filter(None, (found.python.value, f"=={made_with}.*")))
        with suppress(PythonNotFound):
            return interpreters.choose(wish, label="manifest")
    return interpreters.choose(found.python.value)


def find_unchanged(db: ReadDb, app: App | None, decided: Decided, *, upgrade: bool) -> Release | None:
    """The live release, where publishing would only make it again."""
    live = apps.find_live(db, app.id) if app and not upgrade else None
    if app is None or live is None or live.fingerprint != decided.fingerprint:
        return None
    # One that fails is worth another try: what it failed for may be gone.
    return None if app.state == AppState.FAILING else live


def begin_publish(
    db: WriteDb,
    sealer: Sealer,
    actor: Actor,
    wish: Wish,
    decided: Decided,
    now: datetime,
    *,
    idempotency_key: str | None = None,
    may_wait: bool = False,
    has_bundle: bool = False,
) -> Operation:
    """A release in preparation and the operation that makes it serve; with a key that was used, what that began. One that
    may wait has its turn after what is under way for the app; what was not sent as a bundle before becomes one.

    Raises: NameInvalid, NameReserved, NameTaken, OperationUnderWay, BroughtInvalid.
    """
    again = operations.find_by_key(db, actor, idempotency_key)
    if again is not None:
        return again
    app = apps.find_own_or_free(db, actor, wish.name) or apps.create_app(db, actor, wish.name, now)
    is_waiting = operations.find_under_way(db, app.id) is not None
    operation = operations.begin(
        db, actor, PUBLISH, Subject(app.id, app.name), PUBLISH_STEPS, {}, now,
        idempotency_key=idempotency_key, may_wait=may_wait,
    )  # fmt: skip
    add_release(
        db, sealer, actor, app, operation, wish, decided, now, is_waiting=is_waiting, has_bundle=has_bundle
    )
    return operation


def add_release(
    db: WriteDb,
    sealer: Sealer,
    actor: Actor,
    app: App,
    operation: Operation,
    wish: Wish,
    decided: Decided,
    now: datetime,
    *,
    is_waiting: bool = False,
    has_bundle: bool = False,
) -> Release:
    """The release in preparation that an operation is to make serve; what was found is told in its first step.

    Raises: BroughtInvalid.
    """
    brought = decided.found.brought if is_first(db, app) else None
    new = NewRelease(
        snapshot=wish.snapshot,
        files=decided.files,
        bytes=decided.bytes,
        fingerprint=decided.fingerprint,
        manifest=decided.manifest,
        python=str(decided.choice.interpreter),
        message=wish.message,
        settings=_settings_of_next(db, sealer, actor, app, brought, now),
    )
    release = apps.create_release(db, actor, app, new, now)
    if not has_bundle:
        keep_bundle(db, actor, app, NewBundle(wish.snapshot, decided.files, decided.bytes, wish.origin), now)
    operation.request = {
        **operation.request,
        "release_id": release.id,
        "release": release.number,
        "upgrade": wish.upgrade,
        "draft": wish.is_draft,
        "waited": is_waiting,
        "remembered": decided.remembered,
        "upload": _upload_text(wish.upload, decided),
    }
    audit.record(
        db, actor, Action.PUBLISH_BEGUN, apps.subject_of(app), now,
        after={"release": release.number, "operation": operation.id, "message": wish.message},
    )  # fmt: skip
    told = [
        *manifests.findings(decided.found, str(decided.choice.interpreter), decided.choice.why),
        *bringing.findings(brought),
    ]
    first = FIRST_STEPS.get(operation.kind, "upload")
    operations.say(db, operation.id, [replace(one, step=first) for one in told], now)
    return release


def keep_bundle(db: WriteDb, actor: Actor, app: App, new: NewBundle, now: datetime) -> Bundle:
    """Keep the files that were sent for an app; whoever calls this records the deed."""
    bundle = Bundle(
        organization_id=app.organization_id,
        app_id=app.id,
        author_id=actor.account_id,
        snapshot=new.snapshot,
        files=new.files,
        bytes=new.bytes,
        origin=new.origin,
        said=new.said,
        created_at=now,
    )
    db.add(bundle)
    db.flush()
    return bundle


def is_first(db: ReadDb, app: App | None) -> bool:
    """Whether what is published next is an app's first release."""
    return app is None or not apps.list_releases(db, app.id)


def _settings_of_next(
    db: WriteDb, sealer: Sealer, actor: Actor, app: App, brought: Brought | None, now: datetime
) -> JsonObject:
    """The variables and limits of an app's next release: those of the live one, else of the newest, else what is brought.

    Raises: BroughtInvalid.
    """
    try:
        return variables.find_base(db, app).settings
    except NothingReleased:
        plain = variables.begin_with(db, sealer, actor, app, bringing.variables_of(brought), now)
        return bringing.with_limits(plain, brought)


def catch_up(db: WriteDb, operation: Operation) -> None:
    """A release that waited for its turn begins with the settings that what is live has by now."""
    release = apps.get_release(db, str(operation.request["release_id"]))
    live = apps.find_live(db, release.app_id)
    if operation.request.get("waited") and live is not None and live.id != release.id:
        release.settings = live.settings


def go_live(db: WriteDb, operation: Operation, now: datetime) -> None:
    """Point *live*, or a draft's pointer, at the operation's release, and remember what was said for it: what failed is not
    remembered.

    Raises: CancelRequested, TransitionRefused: it was cancelled, or has ended; from here on it is not.
    """
    operations.decide(db, operation.id)
    release = apps.get_release(db, str(operation.request["release_id"]))
    before = None
    if operation.request.get("draft"):
        apps.keep_as_draft(db, release.id, now)
    else:
        before = apps.switch(db, release.id, now)
    said = operation.request.get("remembered")
    if isinstance(said, dict):
        apps.remember_overrides(db, release.app_id, said)
    instances.let_go(db, operation.id)
    audit.record(
        db, doer_of(db, operation), _done_by(operation),
        audit.Subject("app", operation.subject_id, operation.subject_name), now,
        before={"release": before.number} if before else None,
        after={"release": release.number, "message": release.message},
    )  # fmt: skip


def doer_of(db: ReadDb, operation: Operation) -> Actor:
    """Who asked for an operation."""
    return accounts.actor_for(accounts.get_account(db, operation.account_id))


def _done_by(operation: Operation) -> Action:
    if operation.request.get("draft"):
        return Action.DRAFT_MADE
    done = {ACTIVATE: Action.RELEASE_ACTIVATED, ROLL_BACK: Action.RELEASE_ROLLED_BACK}
    return done.get(operation.kind, Action.RELEASE_MADE)


def begin_delete(db: WriteDb, actor: Actor, name: str, now: datetime) -> Operation:
    """The operation that ends an app.

    Raises: AppNotFound, NotAnEditor, OperationUnderWay.
    """
    app = apps.get_owned(db, actor, name)
    begun = operations.begin(db, actor, DELETE, Subject(app.id, app.name), DELETE_STEPS, {}, now)
    audit.record(db, actor, Action.APP_DELETED, apps.subject_of(app), now, after={"operation": begun.id})
    return begun


def fail_publish(db: WriteDb, operation: Operation, error: JsonObject | None, now: datetime) -> list[str]:
    """Leave nothing of a publish half done that failed, or was cancelled without an error; returns the instances to end."""
    release_id, number = str(operation.request["release_id"]), operation.request["release"]
    held = [instance.id for instance in instances.let_go(db, operation.id)]
    live = apps.find_live(db, operation.subject_id)
    draft = apps.find_draft(db, operation.subject_id, int(str(number)))
    if release_id in {one.id for one in (live, draft) if one is not None}:
        return []  # it had switched already: what serves, serves
    apps.fail_release(db, release_id)
    if error is not None:
        record_failure(db, operation, Action.RELEASE_FAILED, error, now)
    if live is None:
        told = "did not come to serve" if error is not None else "was cancelled before it served"
        apps.set_state(db, operation.subject_id, AppState.STOPPED, f"Release {number} {told}.", now)
    return held


def record_failure(
    db: WriteDb, operation: Operation, action: Action, error: JsonObject, now: datetime
) -> None:
    """Record that an operation failed, and of what: whoever is told of it reads the first cause."""
    where = error.get("where")
    audit.record(
        db, doer_of(db, operation), action, audit.Subject("app", operation.subject_id, operation.subject_name), now,
        after={"release": operation.request["release"], "operation": operation.id},
        note=f"{error.get('message', '')} ({where})" if where else str(error.get("message", "")),
    )  # fmt: skip


def _upload_text(upload: Upload, decided: Decided) -> str:
    files = f"{decided.files} {'file' if decided.files == 1 else 'files'}, {_size(decided.bytes)}"
    return f"{files}, {_size(upload.sent_bytes)} sent" if upload.files else files


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
