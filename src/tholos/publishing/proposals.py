"""What would be published, before anything is recorded: detection over a snapshot as JSON, and for the publish page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.apps import service as apps
from tholos.detect import connect
from tholos.detect.connect import Manifest
from tholos.detect.model import Finding, Kind, Overrides, Requirements
from tholos.publishing import bringing, schemas
from tholos.publishing import service as publishing
from tholos.publishing.content import scope_of
from tholos.publishing.errors import SnapshotNotYours
from tholos.publishing.service import Decided, Upload, Wish
from tholos.publishing.snapshots import SnapshotFiles
from tholos.runtime.interpreters import Interpreters
from tholos.store import paths
from tholos.store.model import SnapshotId
from tholos.store.store import Store

routes = Routes(prefix="/api/v1", tags=["publishing"])


@dataclass(frozen=True, slots=True)
class Proposal:
    """What was found, with what a manifest among the files says beyond that."""

    decided: Decided
    manifest: Manifest | None
    notes: tuple[str, ...]
    is_known: bool
    """Whether there is such an app already, so that this would be its next release."""
    variables: Mapping[str, str]
    """Plain ones that it would have from a manifest among the files, as an app's first release."""
    limits: Mapping[str, int]
    """Likewise."""


class DetectIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    snapshot: str = Field(pattern=r"^[0-9a-f]{64}$")
    name: str = Field("", max_length=100)
    """Of an app whose remembered settings count; a new one if empty."""
    overrides: schemas.OverridesIn = schemas.OverridesIn()


class FoundOut(BaseModel):
    value: str
    why: str
    where: str
    """The file and line it was seen at; empty for a flag or a default."""


class RequirementsOut(BaseModel):
    form: str
    source: str
    """As ``requirements`` among the overrides would say it."""
    why: str
    where: str


class DetectOut(BaseModel):
    """Everything that is decided for a snapshot, each part with its reason."""

    kind: str
    framework: FoundOut
    entrypoint: FoundOut
    python: FoundOut
    """What the app asks for; empty for any."""
    interpreter: str
    """The Python that it would run on here."""
    requirements: RequirementsOut
    prepare: FoundOut | None
    keep: list[FoundOut]
    notes: list[str]
    alternatives: list[FoundOut]
    """Other entry points that could be chosen; ``why`` is the framework of each."""
    variables: dict[str, str]
    """Plain ones that a manifest among the files brings along, where this would be an app's first release."""
    limits: dict[str, int]
    """Likewise."""
    secrets: list[str]
    """Names of those that it leaves to be set."""
    files: int
    bytes: int


@routes.declare("POST", "/detect", permission=Permission.PUBLISH)
def detect_snapshot(call: Calling, body: DetectIn) -> DetectOut:
    """What publishing this snapshot would do; nothing is recorded."""
    return _out(propose(call, body.snapshot, body.name, schemas.overrides_of(body.overrides)))


def propose(call: Call, snapshot_id: str, name: str, overrides: Overrides) -> Proposal:
    """Decide everything for a snapshot.

    Raises:
        SnapshotNotYours: the actor has sent none of that id.
        Invalid: what detection finds wrong, the name cannot be an app's, or a setting of the manifest cannot be taken.
        NameTaken: it is somebody else's.
    """
    store, snapshot = call.get(Store), SnapshotId(snapshot_id)
    if not store.has_snapshot(scope_of(call), snapshot):
        raise SnapshotNotYours(where="snapshot")
    app, is_first = None, True
    if name:
        with call.read() as db:
            app = apps.find_own_or_free(db, call.actor, name)
            is_first = publishing.is_first(db, app)
    tree = store.tree(snapshot)
    files = SnapshotFiles(store, snapshot, tree)
    wish = Wish(name, snapshot, "", overrides, upgrade=False, upload=Upload())
    decided = publishing.decide(
        files, (len(tree.files), tree.size), wish, app.overrides if app else {}, call.get(Interpreters)
    )
    twins = paths.find_case_twins(file.path for file in tree.files)
    notes = tuple(f"{a} and {b} differ in case only; some disks cannot hold both." for a, b in twins[:5])
    brought = decided.found.brought if is_first else None
    return Proposal(
        decided,
        connect.read(files),
        (*decided.found.notes, *notes),
        app is not None,
        bringing.variables_of(brought),
        bringing.limits_of(brought),
    )


def source_of(needs: Requirements) -> str:
    """Where the packages come from, as an override would say it."""
    if needs.form in {"none", "imports"}:
        return needs.form
    return needs.evidence.path


def python_text(decided: Decided) -> str:
    """The Python that it would run on; none for a site."""
    return "" if decided.found.kind is Kind.STATIC else str(decided.choice.interpreter)


def _out(proposal: Proposal) -> DetectOut:
    decided, manifest = proposal.decided, proposal.manifest
    found = decided.found
    needs = found.requirements
    return DetectOut(
        kind=found.kind.value,
        framework=_found(found.framework),
        entrypoint=_found(found.entrypoint),
        python=_found(found.python),
        interpreter=python_text(decided),
        requirements=RequirementsOut(
            form=needs.form, source=source_of(needs), why=needs.why, where=str(needs.evidence)
        ),
        prepare=_found(found.prepare) if found.prepare else None,
        keep=[_found(one) for one in found.keep],
        notes=list(proposal.notes),
        alternatives=[_found(one) for one in found.alternatives],
        variables=dict(proposal.variables),
        limits=dict(proposal.limits),
        secrets=list(manifest.secrets) if manifest else [],
        files=decided.files,
        bytes=decided.bytes,
    )


def _found(one: Finding) -> FoundOut:
    return FoundOut(value=one.value, why=one.why, where=str(one.evidence))
