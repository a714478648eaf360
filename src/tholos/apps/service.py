"""Use cases of apps and releases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

from tholos.accounts.models import Role
from tholos.accounts.service import Actor
from tholos.apps import queries, quotas
from tholos.apps.errors import NameTaken, NotAnEditor, TransitionRefused
from tholos.apps.models import (
    LIVE,
    PREVIOUS,
    RELEASE_TRANSITIONS,
    WAKING,
    App,
    AppState,
    Origin,
    Pointer,
    Release,
    ReleaseState,
    draft_pointer,
)
from tholos.apps.names import check_app_name
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.kit import ids
from tholos.kit.db import JsonObject, ReadDb, WriteDb
from tholos.sharing import service as sharing
from tholos.sharing.models import Audience, Level

TOPIC = "apps"
SHARING_TOPIC = "sharing"
"""Published after every commit that changes an app's audience, owner, access version or its instances' life."""


class Rank(IntEnum):
    """What an actor is to an app; each may do what those before it may."""

    NOBODY = 0
    VIEWER = 1
    EDITOR = 2
    OWNER = 3


@dataclass(frozen=True, slots=True)
class NewRelease:
    """What a release is made of."""

    snapshot: str
    files: int
    bytes: int
    fingerprint: str
    manifest: JsonObject
    python: str
    message: str
    settings: JsonObject = field(default_factory=dict)
    origin: Origin = Origin.PUBLISH
    based_on: int | None = None


def get_visible(db: ReadDb, actor: Actor, name: str) -> App:
    """Raises: AppNotFound."""
    return queries.get_visible(db, queries.visible_to(actor), name)


def find_own_or_free(db: ReadDb, actor: Actor, name: str) -> App | None:
    """The actor's app of that name to publish to; None where the name is free.

    Raises: NameInvalid, NameReserved, NameTaken.
    """
    check_app_name(name)
    found = queries.find_named(db, actor.organization_id, name)
    if actor.object_id and (found is None or found.id != actor.object_id):
        actor.needs_all_apps()
    if found is not None and not may_edit(db, found, actor):
        raise NameTaken(
            f'Cannot publish as "{name}": somebody else has an app of that name.',
            fix="Choose another: tholos publish --name NAME",
            where="name",
        )
    return found


def rank_of(app: App, actor: Actor, granted: Level | None) -> Rank:
    """What an actor is to an app, with the highest level that it was granted. The one table of who may what.

    Managing an installation is no reason to look into an app: an administrator's rank is that of anybody.
    """
    if actor.organization_id != app.organization_id or actor.object_id not in {"", app.id}:
        return Rank.NOBODY
    if app.owner_id == actor.account_id:
        return Rank.OWNER
    if granted == Level.EDITOR and actor.role.includes(Role.PUBLISHER):
        return Rank.EDITOR
    if granted is not None or app.audience != Audience.LISTED:
        return Rank.VIEWER
    return Rank.NOBODY


def find_rank(db: ReadDb, app: App, actor: Actor) -> Rank:
    return _find_ranks(db, [app], actor)[app.id]


def _find_ranks(db: ReadDb, found: Sequence[App], actor: Actor) -> dict[str, Rank]:
    """By app id; no grant makes more of an owner, so none is looked for."""
    ranks = {app.id: rank_of(app, actor, None) for app in found}
    others = [app for app in found if ranks[app.id] is not Rank.OWNER]
    levels = sharing.levels_of(db, actor.account_id, [app.id for app in others]) if others else {}
    return ranks | {app.id: rank_of(app, actor, levels.get(app.id)) for app in others}


def manager_ranks(db: ReadDb, found: Sequence[App], actor: Actor) -> dict[str, Rank]:
    """By app id: what an actor is to each app at the console, where an administrator looks after all of them."""
    ranks = _find_ranks(db, found, actor)
    return {
        app.id: max(ranks[app.id], Rank.EDITOR) if _looks_after(app, actor) else ranks[app.id]
        for app in found
    }


def may_edit(db: ReadDb, app: App, actor: Actor) -> bool:
    """Whether an account may publish to an app and manage it."""
    return _looks_after(app, actor) or find_rank(db, app, actor) >= Rank.EDITOR


def may_own(app: App, actor: Actor) -> bool:
    """Whether an account may delete an app and hand it over."""
    is_own = app.owner_id == actor.account_id and actor.object_id in {"", app.id}
    return is_own or _looks_after(app, actor)


def may_open(db: ReadDb, app: App, actor: Actor, *, is_draft: bool = False) -> bool:
    """Whether an account may open the app itself; its drafts are for those who edit it."""
    return find_rank(db, app, actor) >= (Rank.EDITOR if is_draft else Rank.VIEWER)


def get_editable(db: ReadDb, actor: Actor, name: str) -> App:
    """Raises: AppNotFound, NotAnEditor."""
    app = get_visible(db, actor, name)
    if not may_edit(db, app, actor):
        raise NotAnEditor(
            f'Cannot do that with "{name}": it is for its owner and editors.',
            fix="Ask its owner to share it with you for editing.",
            where="name",
        )
    return app


def get_owned(db: ReadDb, actor: Actor, name: str) -> App:
    """Raises: AppNotFound, NotAnEditor."""
    app = get_editable(db, actor, name)
    if not may_own(app, actor):
        raise NotAnEditor(
            f'Cannot do that with "{name}": only its owner does.', fix="Ask its owner.", where="name"
        )
    return app


def _looks_after(app: App, actor: Actor) -> bool:
    is_here = actor.organization_id == app.organization_id
    return is_here and actor.role.includes(Role.ADMINISTRATOR) and actor.object_id in {"", app.id}


def editable_ids(actor: Actor) -> queries.Ids:
    """A subquery: ids of the apps that an actor may edit."""
    return queries.editable_ids(actor)


def editable_among(db: ReadDb, actor: Actor, app_ids: Sequence[str]) -> dict[str, str]:
    """Names by id of those apps that an actor may edit."""
    return queries.editable_among(db, actor, app_ids)


def visible_ids(actor: Actor) -> queries.Ids:
    """A subquery: ids of the apps that an actor may see."""
    return queries.visible_ids(actor)


def list_visible(db: ReadDb, actor: Actor, search: str = "") -> Sequence[App]:
    return queries.list_visible(db, queries.visible_to(actor), search)


def list_visible_named(db: ReadDb, actor: Actor, names: Sequence[str]) -> Sequence[App]:
    return queries.list_named(db, queries.visible_to(actor), names)


def live_release_numbers(db: ReadDb, app_ids: Sequence[str]) -> dict[str, int]:
    return queries.live_numbers(db, app_ids)


def list_all(db: ReadDb) -> Sequence[App]:
    return queries.list_all(db)


def count_all(db: ReadDb) -> int:
    return queries.count_all(db)


def list_with_ids(db: ReadDb, app_ids: Sequence[str]) -> Sequence[App]:
    return queries.list_with_ids(db, app_ids)


def release_numbers(db: ReadDb, release_ids: Sequence[str]) -> dict[str, int]:
    return queries.release_numbers(db, release_ids)


def get_app(db: ReadDb, app_id: str) -> App:
    return queries.get_app(db, app_id)


def names_of(db: ReadDb, app_ids: Sequence[str]) -> dict[str, str]:
    """By id, whoever's they are."""
    return queries.names_of(db, app_ids)


def find_app(db: ReadDb, app_id: str) -> App | None:
    return queries.find_app(db, app_id)


def find_named(db: ReadDb, organization_id: str, name: str) -> App | None:
    """Whoever's it is; what may be told of it is for the caller to say."""
    return queries.find_named(db, organization_id, name)


def find_by_host_name(db: ReadDb, name: str) -> App | None:
    return queries.find_by_host_name(db, name)


def get_release(db: ReadDb, release_id: str) -> Release:
    return queries.get_release(db, release_id)


def get_release_numbered(db: ReadDb, app_id: str, number: int) -> Release:
    return queries.get_release_numbered(db, app_id, number)


def list_releases(db: ReadDb, app_id: str, *, below: int = 0, limit: int | None = None) -> Sequence[Release]:
    """An app's releases, the newest first; those below a number, where one is given."""
    return queries.list_releases(db, app_id, below, limit)


def list_naming(db: ReadDb, organization_id: str, text: str) -> Sequence[App]:
    """The apps whose live release or drafts have a text, such as an id, in their settings."""
    return queries.list_naming(db, organization_id, text)


def is_named(db: ReadDb, text: str) -> bool:
    """Whether any release at all has a text, such as an id, in its settings."""
    return queries.is_named(db, text)


def live_releases(db: ReadDb, found: Sequence[App]) -> dict[str, Release]:
    return queries.live_releases(db, [app.id for app in found])


def live_locks(db: ReadDb, found: Sequence[App]) -> dict[str, str]:
    """By app id: every package of what is live; an app whose live release needs none is left out."""
    return queries.live_locks(db, [app.id for app in found])


def environment_ids(db: ReadDb) -> set[str]:
    """The environments that any release has, live or not: without its own, none can be made live again."""
    return queries.environment_ids(db)


def list_editable(db: ReadDb, actor: Actor) -> Sequence[App]:
    """The apps that an actor may manage, the newest first."""
    return queries.list_visible(db, queries.visible_to(actor, Level.EDITOR))


def list_pointers(db: ReadDb) -> Sequence[tuple[Pointer, JsonObject]]:
    """Every pointer there is, with what its app says of its instances' life."""
    return queries.list_all_pointers(db)


def serving_ids(db: ReadDb, app_id: str) -> set[str]:
    """The releases that are live, and were before."""
    return {one.release_id for one in queries.list_pointers(db, app_id) if one.name in {LIVE, PREVIOUS}}


def fall_asleep(db: WriteDb, release_id: str, now: datetime) -> bool:
    """Let nothing run of a release until somebody asks for it; returns whether it was to run at all."""
    found = queries.list_pointing(db, release_id)
    for pointer in found:
        pointer.asleep_at = now
    return bool(found)


def wake_up(db: WriteDb, release_id: str) -> bool:
    """Let a release run again; returns whether it slept."""
    asleep = [one for one in queries.list_pointing(db, release_id) if one.asleep_at is not None]
    for pointer in asleep:
        pointer.asleep_at = None
    return bool(asleep)


def is_asleep(db: ReadDb, release_id: str) -> bool:
    return any(one.asleep_at is not None for one in queries.list_pointing(db, release_id))


def find_live_id(db: ReadDb, app_id: str) -> str | None:
    """Id of an app's live release, where that is all that is asked."""
    pointer = queries.find_pointer(db, app_id)
    return pointer.release_id if pointer else None


def find_draft(db: ReadDb, app_id: str, number: int) -> Release | None:
    """The release of that number, where it is a draft."""
    return queries.find_pointed(db, app_id, draft_pointer(number))


def list_owned(db: ReadDb, account_id: str) -> Sequence[App]:
    return queries.list_owned(db, account_id)


def owned_names(db: ReadDb, account_id: str) -> list[str]:
    """Names of the apps that an account owns, in order."""
    return queries.owned_names(db, account_id)


def find_live(db: ReadDb, app_id: str) -> Release | None:
    return queries.find_pointed(db, app_id, LIVE)


def kept_snapshots(db: ReadDb) -> Sequence[str]:
    return queries.snapshots(db)


def create_app(db: WriteDb, actor: Actor, name: str, now: datetime) -> App:
    """Raises: QuotaReached."""
    quotas.check_apps(db, actor.account_id)
    app = App(
        id=ids.new_id("app"),
        organization_id=actor.organization_id,
        owner_id=actor.account_id,
        name=check_app_name(name),
        title="",
        description="",
        audience=Audience.LISTED,
        access_version=1,
        version=1,
        overrides={},
        life={},
        first_settings={},
        last_number=0,
        state=AppState.STOPPED,
        state_reason="Nothing of it has been released yet.",
        state_since=now,
        created_at=now,
    )
    db.add(app)
    db.flush()
    audit.record(db, actor, Action.APP_MADE, subject_of(app), now)
    return app


def subject_of(app: App) -> audit.Subject:
    """An app as the record of deeds names it."""
    return audit.Subject("app", app.id, app.name)


def create_release(db: WriteDb, actor: Actor, app: App, new: NewRelease, now: datetime) -> Release:
    """The app's next release, in preparation: nothing of it serves yet.

    Raises: QuotaReached.
    """
    quotas.check_storage(db, app, new.snapshot, new.bytes)
    app.last_number += 1
    release = Release(
        id=ids.new_id("rel"),
        organization_id=app.organization_id,
        app_id=app.id,
        number=app.last_number,
        state=ReleaseState.PREPARING,
        author_id=actor.account_id,
        message=new.message,
        snapshot=new.snapshot,
        files=new.files,
        bytes=new.bytes,
        fingerprint=new.fingerprint,
        kind=str(new.manifest.get("kind", "")),
        framework=str(new.manifest.get("framework", "")),
        entrypoint=str(new.manifest.get("entrypoint", "")),
        manifest=new.manifest,
        settings=new.settings,
        origin=new.origin,
        based_on=new.based_on,
        is_pinned=False,
        python=new.python,
        created_at=now,
    )
    db.add(release)
    db.flush()
    return release


def remember_overrides(db: WriteDb, app_id: str, overrides: JsonObject) -> None:
    queries.get_app(db, app_id).overrides = overrides


def record_environment(db: WriteDb, release_id: str, lock: str, environment: str, packages: int) -> None:
    release = queries.get_release(db, release_id)
    release.lock, release.environment, release.packages = lock, environment, packages


def carry_environment(base: Release, release: Release) -> None:
    """Give a release the packages of another one."""
    release.lock, release.environment, release.packages = base.lock, base.environment, base.packages


def switch(db: WriteDb, release_id: str, now: datetime) -> Release | None:
    """Point *live* at a release that is ready; returns the one that was live before, which *previous* names from now on."""
    release = queries.get_release(db, release_id)
    _move(release, ReleaseState.READY)
    live = queries.find_pointer(db, release.app_id)
    before = None
    if live is not None and live.release_id != release.id:
        before = queries.get_release(db, live.release_id)
        _point(db, before, PREVIOUS, now)
    _remove_pointer(db, release, draft_pointer(release.number))
    _point(db, release, LIVE, now)
    release.live_at = now
    db.flush()
    return before


def keep_as_draft(db: WriteDb, release_id: str, now: datetime) -> None:
    """Keep a release that is ready running at an address of its own."""
    release = queries.get_release(db, release_id)
    _move(release, ReleaseState.READY)
    _point(db, release, draft_pointer(release.number), now)
    db.flush()


def discard_draft(db: WriteDb, release: Release) -> bool:
    """Let a draft's instance end; the release stays. Returns whether it was a draft."""
    return _remove_pointer(db, release, draft_pointer(release.number))


def _point(db: WriteDb, release: Release, name: str, now: datetime) -> None:
    pointer = queries.find_pointer(db, release.app_id, name)
    if pointer is not None:
        pointer.release_id, pointer.changed_at, pointer.asleep_at = release.id, now, None
        return
    db.add(
        Pointer(
            app_id=release.app_id,
            name=name,
            organization_id=release.organization_id,
            release_id=release.id,
            changed_at=now,
        )
    )


def _remove_pointer(db: WriteDb, release: Release, name: str) -> bool:
    pointer = queries.find_pointer(db, release.app_id, name)
    if pointer is None or pointer.release_id != release.id:
        return False
    db.delete(pointer)
    return True


def fail_release(db: WriteDb, release_id: str) -> None:
    """A release that will not serve; one that already does is left as it is."""
    release = queries.get_release(db, release_id)
    if release.state == ReleaseState.PREPARING:
        _move(release, ReleaseState.FAILED)


def set_state(
    db: WriteDb, app_id: str, state: AppState, reason: str, now: datetime, *, probed: bool = False
) -> bool:
    """Record what an app does, as seen; returns whether that is a change."""
    app = queries.get_app(db, app_id)
    if probed:
        app.probed_at = now
    if (app.state, app.state_reason) == (state, reason):
        return False
    if app.state != state:
        app.state_since = now
        has_only_woken = state == AppState.SERVING and app.state_reason == WAKING
        if state in _TOLD and not has_only_woken:
            audit.record(db, audit.ITSELF, _TOLD[state], subject_of(app), now, note=reason)
    app.state, app.state_reason = state, reason
    return True


_TOLD = {AppState.FAILING: Action.APP_FAILING, AppState.SERVING: Action.APP_SERVING}


def remove_pointers(db: WriteDb, app_id: str) -> None:
    """Point nowhere: from here on nothing of the app is started again."""
    for pointer in queries.list_pointers(db, app_id):
        db.delete(pointer)
    db.flush()


def remove_app(db: WriteDb, app_id: str) -> None:
    """Remove the rows of an app; its instances are gone before."""
    remove_pointers(db, app_id)
    sharing.remove_of_object(db, app_id)
    for row in [*queries.list_releases(db, app_id), *queries.list_visits_of_app(db, app_id)]:
        db.delete(row)
    db.flush()
    db.delete(queries.get_app(db, app_id))


def _move(release: Release, state: ReleaseState) -> None:
    if state not in RELEASE_TRANSITIONS[ReleaseState(release.state)]:
        raise TransitionRefused(f"Cannot make release {release.number} {state}: it is {release.state}.")
    release.state = state
