"""A release with all that is compared or taken along, read from the database and the store for those who edit the app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tholos.accounts.routes import Call
from tholos.apps import service as apps
from tholos.apps.models import App, Release
from tholos.detect import connect
from tholos.kit.db import ReadDb
from tholos.kit.sealing import Sealer
from tholos.publishing.comparing import Entry, Side, Variable
from tholos.publishing.connect_manifest import Source
from tholos.publishing.errors import LockUnknown
from tholos.publishing.snapshots import SnapshotFiles
from tholos.store.model import SnapshotId, Tree
from tholos.store.store import Store
from tholos.variables import service as variables


@dataclass(frozen=True, slots=True)
class Found:
    """What the database says of a release."""

    app: App
    release: Release
    lock: str
    variables: Mapping[str, Variable]
    limits: Mapping[str, object]

    @property
    def snapshot(self) -> SnapshotId:
        """Its files."""
        return SnapshotId(self.release.snapshot)


def find(call: Call, db: ReadDb, name: str, number: int) -> Found:
    """Raises: AppNotFound, NotAnEditor, ReleaseNotFound."""
    app = apps.get_editable(db, call.actor, name)
    return _found(call, db, app, apps.get_release_numbered(db, app.id, number))


def find_two(call: Call, db: ReadDb, name: str, a: int | None, b: int | None) -> tuple[Found, Found]:
    """Two releases to compare; unless said, the newest with the live one, or with the one before it if it is live.

    Raises: AppNotFound, NotAnEditor, ReleaseNotFound.
    """
    app = apps.get_editable(db, call.actor, name)
    before, after = _two_of(db, app, a, b)
    return _found(call, db, app, before), _found(call, db, app, after)


def find_two_snapshots(
    call: Call, db: ReadDb, name: str, a: int | None, b: int | None
) -> tuple[SnapshotId, SnapshotId]:
    """The files alone of two releases to compare.

    Raises: AppNotFound, NotAnEditor, ReleaseNotFound.
    """
    before, after = _two_of(db, apps.get_editable(db, call.actor, name), a, b)
    return SnapshotId(before.snapshot), SnapshotId(after.snapshot)


def _two_of(db: ReadDb, app: App, a: int | None, b: int | None) -> tuple[Release, Release]:
    if not (a and b):
        numbers = sorted(release.number for release in apps.list_releases(db, app.id))
        b = b or (numbers[-1] if numbers else 1)
        live = apps.find_live(db, app.id)
        older = [number for number in numbers if number < b]
        a = a or (live.number if live and live.number != b else older[-1] if older else b)
    return apps.get_release_numbered(db, app.id, a), apps.get_release_numbered(db, app.id, b)


def _found(call: Call, db: ReadDb, app: App, release: Release) -> Found:
    limits = release.settings.get("limits")
    return Found(
        app=app,
        release=release,
        lock=release.lock or "",
        variables=_variables(call, db, release),
        limits=limits if isinstance(limits, dict) else {},
    )


def get_lock(call: Call, name: str, number: int) -> str:
    """The lock of a release; empty where it needs no packages.

    Raises: AppNotFound, NotAnEditor, ReleaseNotFound, LockUnknown.
    """
    with call.read() as db:
        release = find(call, db, name, number).release
        if release.lock is None:
            raise LockUnknown(
                f"Release {number} has no lock: its packages were never resolved.",
                fix=f"See why it failed: tholos logs {name} --release {number}",
            )
        return release.lock


def side_of(call: Call, found: Found) -> Side:
    """A release as it is compared."""
    tree = call.get(Store).tree(found.snapshot)
    return Side(
        files={file.path: Entry(file.size, file.sha256, file.executable) for file in tree.files},
        lock=found.lock,
        manifest=found.release.manifest,
        python=found.release.python,
        variables=found.variables,
        limits=found.limits,
    )


def source_of(call: Call, found: Found) -> Source:
    """A release as it is taken along."""
    store = call.get(Store)
    tree = store.tree(found.snapshot)
    files = SnapshotFiles(store, found.snapshot, tree)
    return Source(
        manifest=found.release.manifest,
        python=found.release.python,
        lock=found.lock,
        names=frozenset(file.path for file in tree.files),
        variables={name: one.value for name, one in found.variables.items()},
        limits=found.limits,
        before=connect.read(files),
        has_other=_has_other(files, tree),
    )


def _has_other(files: SnapshotFiles, tree: Tree) -> bool:
    """Whether the manifest's name is taken by something else, such as a web app's manifest."""
    is_there = any(file.path == connect.NAME for file in tree.files)
    return is_there and not connect.is_manifest(files.read(connect.NAME, connect.LIMIT + 1))


def _variables(call: Call, db: ReadDb, release: Release) -> dict[str, Variable]:
    """By name; plain ones with what they hold, as far as it can be read."""
    named = variables.references(release.settings)
    return {
        one.name: Variable(named[one.name], one.kind is not variables.Kind.PLAIN, one.value)
        for one in variables.list_variables(db, call.get(Sealer), release.settings)
    }
