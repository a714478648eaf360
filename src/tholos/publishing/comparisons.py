"""HTTP of comparing two releases of an app, and one file of both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel

from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.publishing import comparing, diffing, sides
from tholos.publishing.comparing import Change, Comparison, Entry, FileChange
from tholos.publishing.diffing import Diff
from tholos.publishing.errors import FileNotThere
from tholos.publishing.snapshots import SnapshotFiles
from tholos.store.model import SnapshotId
from tholos.store.store import Store

routes = Routes(prefix="/api/v1/apps", tags=["releases"])

FILE_LIMIT = 1 << 20
"""Bytes of a file that is compared line by line."""
LOOKED_AT = 300
"""Changed files that are looked into to say whether they are text."""
_HEAD = 8_000
_NO_DIFF = Diff(())

Number = Annotated[int | None, Query(ge=1, lt=1 << 31)]


class FileSide(BaseModel):
    size: int
    sha256: str
    executable: bool


class FileChangeOut(BaseModel):
    path: str
    change: str
    """``added``, ``removed`` or ``changed``."""
    before: FileSide | None
    after: FileSide | None
    is_text: bool | None
    """Null where nobody looked."""


class ChangeOut(BaseModel):
    name: str
    change: str
    before: str
    after: str
    is_secret: bool = False


class ComparisonOut(BaseModel):
    """What of release ``a`` is another in release ``b``."""

    app: str
    a: int
    b: int
    same: bool
    files: list[FileChangeOut]
    packages: list[ChangeOut]
    variables: list[ChangeOut]
    settings: list[ChangeOut]


class LineOut(BaseModel):
    mark: str
    text: str
    before: int
    after: int


class FileComparisonOut(BaseModel):
    """The differences of one file; ``note`` says why there is no ``diff``, or what of it is left out."""

    path: str
    change: str
    """Empty where it is the same in both."""
    before: FileSide | None
    after: FileSide | None
    is_text: bool
    note: str
    diff: str
    lines: list[LineOut]


@routes.declare("GET", "/{name}/compare", permission=Permission.APP_EDIT)
def compare_releases(call: Calling, name: str, a: Number = None, b: Number = None) -> ComparisonOut:
    """Files, packages, variables and settings in which two releases differ.

    Unless said, ``b`` is the newest release and ``a`` the live one, or the one before ``b`` where that is live.
    """
    with call.read() as db:
        before, after = sides.find_two(call, db, name, a, b)
        store = call.get(Store)
        looks = _Looks(store, before.snapshot, after.snapshot)
        found = comparing.compare(sides.side_of(call, before), sides.side_of(call, after), looks)
    return _out(found, name, before.release.number, after.release.number)


@routes.declare("GET", "/{name}/compare/file", permission=Permission.APP_EDIT)
def compare_file(
    call: Calling,
    name: str,
    a: Number = None,
    b: Number = None,
    path: Annotated[str, Query(max_length=1024)] = "",
) -> FileComparisonOut:
    """One file of two releases, line by line."""
    with call.read() as db:
        snapshots = sides.find_two_snapshots(call, db, name, a, b)
    before, after = (_entry(call, snapshot, path) for snapshot in snapshots)
    if before is None and after is None:
        raise FileNotThere(f"Neither of the releases has the file {path!r}.", where="path")
    is_text, note, diff = _differences(call, snapshots, path, before, after)
    return FileComparisonOut(
        path=path,
        change="" if before == after else _change(before, after),
        before=_side(before),
        after=_side(after),
        is_text=is_text,
        note=note,
        diff=diff.unified(),
        lines=[
            LineOut(mark=one.mark, text=one.text, before=one.before, after=one.after) for one in diff.lines
        ],
    )


def _differences(
    call: Call, snapshots: Sequence[SnapshotId], path: str, before: Entry | None, after: Entry | None
) -> tuple[bool, str, Diff]:
    """Whether the file is text, what is to be told of it, and its differences."""
    largest = max(one.size for one in (before, after) if one)
    if largest > FILE_LIMIT:
        return (
            False,
            f"It has more than {FILE_LIMIT >> 20} MB; download the releases to compare it.",
            _NO_DIFF,
        )
    store = call.get(Store)
    datas = [
        store.read(snapshot, path, FILE_LIMIT) if entry else b""
        for snapshot, entry in zip(snapshots, (before, after), strict=True)
    ]
    if not all(map(comparing.is_text, datas)):
        return False, "It is not text, so it has no lines to compare.", _NO_DIFF
    if before and after and before.sha256 == after.sha256:
        same = before.executable == after.executable
        told = "It is the same in both." if same else "Only the right to execute it differs."
        return True, told, _NO_DIFF
    diff = diffing.compare(*(data.decode() for data in datas))
    left_out = (
        f"{diff.left_out:,} further lines differ; download the releases to see them." if diff.left_out else ""
    )
    return True, left_out, diff


class _Looks:
    """Looks into changed files, up to a number of them."""

    def __init__(self, store: Store, before: SnapshotId, after: SnapshotId) -> None:
        self._before = SnapshotFiles(store, before, store.tree(before))
        self._after = SnapshotFiles(store, after, store.tree(after))
        self._looked = 0

    def __call__(self, change: FileChange) -> bool | None:
        self._looked += 1
        if self._looked > LOOKED_AT:
            return None
        files = self._after if change.after else self._before
        return comparing.looks_like_text(files.read(change.path, _HEAD))


def _entry(call: Call, snapshot: SnapshotId, path: str) -> Entry | None:
    files = call.get(Store).tree(snapshot).files
    found = next((file for file in files if file.path == path), None)
    return Entry(found.size, found.sha256, found.executable) if found else None


def _change(before: Entry | None, after: Entry | None) -> str:
    if before is None:
        return comparing.ADDED
    return comparing.REMOVED if after is None else comparing.CHANGED


def _side(entry: Entry | None) -> FileSide | None:
    return FileSide(size=entry.size, sha256=entry.sha256, executable=entry.executable) if entry else None


def _out(found: Comparison, name: str, a: int, b: int) -> ComparisonOut:
    return ComparisonOut(
        app=name,
        a=a,
        b=b,
        same=found.is_same,
        files=[
            FileChangeOut(
                path=one.path, change=one.change, before=_side(one.before), after=_side(one.after), is_text=one.is_text
            )
            for one in found.files
        ],
        packages=_changes(found.packages),
        variables=_changes(found.variables),
        settings=_changes(found.settings),
    )  # fmt: skip


def _changes(found: Sequence[Change]) -> list[ChangeOut]:
    return [
        ChangeOut(
            name=one.name, change=one.change, before=one.before, after=one.after, is_secret=one.is_secret
        )
        for one in found
    ]
