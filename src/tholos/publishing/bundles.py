"""Use cases of bundles: keep files that were sent for an app, make a release of them, and let them go.

To send and to publish are two deeds here: what was sent is there to look at, and becomes a release once somebody says so.
A bundle whose release is there already is made live without a build.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tholos.accounts.service import Actor
from tholos.apps import service as apps
from tholos.apps.models import App, Release, ReleaseState
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.kit.db import JsonObject, ReadDb, WriteDb, in_parts
from tholos.kit.sealing import Sealer
from tholos.operations import service as operations
from tholos.operations.models import Operation
from tholos.operations.service import Subject
from tholos.publishing import manifest as manifests
from tholos.publishing import queries, releases
from tholos.publishing import service as publishing
from tholos.publishing.errors import BundleInUse, BundleNotFound
from tholos.publishing.models import Bundle
from tholos.publishing.service import ACTIVATE, BUILD, BUILD_STEPS, Decided, NewBundle, Wish


def add(db: WriteDb, actor: Actor, app: App, new: NewBundle, now: datetime) -> Bundle:
    """Keep what was sent for an app."""
    bundle = publishing.keep_bundle(db, actor, app, new, now)
    audit.record(db, actor, Action.BUNDLE_ADDED, apps.subject_of(app), now, after={"bundle": bundle.id})
    return bundle


def get(db: ReadDb, app: App, bundle_id: int) -> Bundle:
    """Raises: BundleNotFound."""
    found = queries.find_bundle(db, app.id, bundle_id)
    if found is None:
        raise BundleNotFound(f"{app.name} has no bundle {bundle_id}.", where="bundle")
    return found


def list_of(db: ReadDb, app: App) -> Sequence[Bundle]:
    """An app's bundles, the newest first."""
    return queries.list_bundles(db, app.id)


def find_newest(db: ReadDb, app: App) -> Bundle | None:
    return queries.find_newest(db, app.id)


def of_releases(db: ReadDb, found: Sequence[Release]) -> dict[str, Bundle]:
    """The newest bundle that each release has the files of, by the release's id."""
    rows: dict[tuple[str, str], Bundle] = {}
    for some in in_parts([*{release.app_id for release in found}]):
        snapshots = {release.snapshot for release in found if release.app_id in some}
        rows |= {(one.app_id, one.snapshot): one for one in queries.list_of_snapshots(db, some, snapshots)}
    keyed = ((release.id, rows.get((release.app_id, release.snapshot))) for release in found)
    return {release_id: bundle for release_id, bundle in keyed if bundle is not None}


def kept_snapshots(db: ReadDb) -> Sequence[str]:
    return queries.snapshots(db)


def find_made(db: ReadDb, bundle: Bundle) -> Release | None:
    """The newest release with a bundle's files that can run, or is being made; what is live before all others."""
    live = apps.find_live(db, bundle.app_id)
    if live is not None and live.snapshot == bundle.snapshot:
        return live
    made = (one for one in apps.list_releases(db, bundle.app_id) if one.snapshot == bundle.snapshot)
    return next((one for one in made if one.state != ReleaseState.FAILED), None)


def begin_making(
    db: WriteDb, sealer: Sealer, actor: Actor, bundle: Bundle, wish: Wish, decided: Decided, now: datetime
) -> Operation:
    """The operation that makes a release of a bundle, after what is under way for its app; done already where it would only
    make the live one again.
    """
    app = apps.get_app(db, bundle.app_id)
    live = publishing.find_unchanged(db, app, decided, upgrade=wish.upgrade)
    if live is not None and operations.find_under_way(db, app.id) is None:
        return _nothing_to_do(db, actor, app, live, "Nothing has changed", now)
    return publishing.begin_publish(db, sealer, actor, wish, decided, now, may_wait=True, has_bundle=True)


def begin_switch(
    db: WriteDb, actor: Actor, app: App, release: Release, now: datetime, *, is_draft: bool
) -> Operation:
    """The operation that makes the release of a bundle live, or a draft; done already where it is."""
    is_idle = operations.find_under_way(db, app.id) is None
    is_live = apps.find_live_id(db, app.id) == release.id
    is_there = is_live or (is_draft and apps.find_draft(db, app.id, release.number) is not None)
    if is_idle and is_there:
        return _nothing_to_do(db, actor, app, release, "It is there already", now)
    return releases.begin_turn(db, actor, app, release, now, is_draft=is_draft)


def begin_build(
    db: WriteDb, actor: Actor, app: App, bundle: Bundle, decided: Decided, now: datetime
) -> Operation:
    """The operation that builds the environment of a bundle ahead, after what is under way for its app. Nothing of it runs,
    and what is live stays so.
    """
    request: JsonObject = {
        "bundle": bundle.id, "snapshot": bundle.snapshot, "upgrade": False, "manifest": decided.manifest
    }  # fmt: skip
    begun = operations.begin(
        db, actor, BUILD, Subject(app.id, app.name), BUILD_STEPS, request, now, may_wait=True
    )
    audit.record(
        db, actor, Action.BUILD_BEGUN, apps.subject_of(app), now,
        after={"bundle": bundle.id, "operation": begun.id},
    )  # fmt: skip
    told = manifests.findings(decided.found, str(decided.choice.interpreter), decided.choice.why)
    operations.say(db, begun.id, told, now)
    return begun


def remove(db: WriteDb, actor: Actor, app: App, bundle_id: int, now: datetime) -> None:
    """Let a bundle go; what runs of it as a draft ends.

    Raises: BundleNotFound, BundleInUse.
    """
    bundle = get(db, app, bundle_id)
    live = apps.find_live(db, app.id)
    if live is not None and of_releases(db, [live]).get(live.id) is bundle:
        raise BundleInUse(f"Cannot remove bundle {bundle_id} of {app.name}: its release is live.")
    release = find_made(db, bundle)
    if release is not None and release != live:
        apps.discard_draft(db, release)
    db.delete(bundle)
    db.flush()
    audit.record(db, actor, Action.BUNDLE_REMOVED, apps.subject_of(app), now, before={"bundle": bundle_id})


def remove_of_app(db: WriteDb, app_id: str) -> None:
    """Remove the bundles of an app that ends."""
    for bundle in queries.list_bundles(db, app_id):
        db.delete(bundle)
    db.flush()


def _nothing_to_do(
    db: WriteDb, actor: Actor, app: App, release: Release, why: str, now: datetime
) -> Operation:
    result: JsonObject = {"release_id": release.id, "release": release.number}
    text = f"{why}: release {release.number} runs."
    begun = operations.record_done(db, actor, ACTIVATE, Subject(app.id, app.name), result, text, now)
    audit.record(
        db, actor, Action.ACTIVATION_BEGUN, apps.subject_of(app), now,
        after={"release": release.number, "operation": begun.id},
    )  # fmt: skip
    return begun
