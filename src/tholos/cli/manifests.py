"""The command that writes a folder's manifest, or says in what the one that is there is out of date.

It reads files and nothing else: no server, no interpreter, none of the app's code. It loads little, since it runs before
every commit of some.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tholos.cli.console import Console, count_of, of_terminal
from tholos.cli.failures import FAILED, Failed, print_json
from tholos.detect import connect, staleness, writing
from tholos.detect.model import Kind
from tholos.detect.staleness import Difference
from tholos.detect.writing import Before, Settled
from tholos.kit.errors import Conflict
from tholos.store.walking import Limits, Walk, unreadable

SHOWN = 20
"""Differences that are printed."""
NONE = "there is none"
"""What is told where a folder has no manifest."""

_VERSION = re.compile(r"^version(?:_info)? *= *(\d+\.\d+\.\d+)", re.MULTILINE)


class ManifestNotOurs(Conflict):
    """Cannot write a manifest: one that was not written here is there."""

    code = "manifest_not_ours"


class Tree:
    """A folder on disk as detection reads it: what publishing would send, and the manifest."""

    def __init__(self, folder: Path) -> None:
        walk = Walk(folder, Limits())
        walk.run()
        self.notes = tuple(walk.notes)
        self.manifest = Path(walk.root, connect.NAME)
        self._sources = {path: found.source for path, found in walk.found.items()}
        if self.manifest.is_file():  # even if it is not sent
            self._sources[connect.NAME] = str(self.manifest)

    def paths(self) -> list[str]:
        """Every path of the tree."""
        return list(self._sources)

    def read(self, path: str, limit: int = 1 << 20) -> bytes:
        """The first bytes of a file."""
        try:
            with Path(self._sources[path]).open("rb") as file:
                return file.read(limit)
        except OSError as error:
            raise unreadable(path, error) from error

    def checksums(self) -> dict[str, str]:
        """The MD5 of every file."""
        return {path: self._checksum(path) for path in sorted(self._sources)}

    def _checksum(self, path: str) -> str:
        import hashlib

        try:
            with Path(self._sources[path]).open("rb") as file:
                return hashlib.file_digest(file, connect.new_md5).hexdigest()
        except OSError as error:
            raise unreadable(path, error) from error


def write_manifest(
    *,
    folder: Path,
    kind: str | None,
    entrypoint: str | None,
    python: str | None,
    requirements: str | None,
    overwrite: bool,
    check: bool,
    as_json: bool,
) -> int:
    """Write ``manifest.json``, or see whether it is what would be written."""
    flags = {"kind": kind, "entrypoint": entrypoint, "python": python, "requirements": requirements}
    tree = Tree(folder)
    before, trouble = read_before(tree)
    settled = writing.settle(
        tree, {name: value for name, value in flags.items() if value is not None}, before
    )
    checksums = tree.checksums()
    versions = [before.version if before else "", environment_version(tree.manifest.parent), this_version()]
    now = writing.compose(settled.found, checksums, settled.said, versions, before)
    differences = (
        staleness.compare(before.document, now, tree, checksums)
        if before
        else [Difference("manifest", trouble)]
    )
    console = of_terminal(as_json=as_json)
    is_foreign = trouble != NONE and not (before and before.is_ours)
    if check:
        command = "tholos write-manifest --overwrite" if is_foreign else "tholos write-manifest"
        return tell_check(tree.manifest, differences, command, console, as_json=as_json)
    if is_foreign and not overwrite and differences:
        raise not_ours(tree.manifest, differences)
    is_written = bool(differences) or (is_foreign and overwrite)
    if is_written:
        put(tree.manifest, connect.encode(now))
    return tell_written(tree, settled, now, console, is_written=is_written, as_json=as_json)


def read_before(tree: Tree) -> tuple[Before | None, str]:
    """The manifest that is there, or why there is none to compare with."""
    try:
        return writing.find_before(tree), NONE if connect.NAME not in tree.paths() else ""
    except connect.NotRead as error:
        return None, f"it cannot be read: {error}"


def this_version() -> str:
    """Of the Python that this runs on."""
    return ".".join(map(str, sys.version_info[:3]))


def environment_version(folder: Path) -> str:
    """Of the Python of the folder's virtual environment, as its file tells it."""
    for name in (".venv", "venv"):
        with suppress(OSError, UnicodeDecodeError):
            found = _VERSION.search((folder / name / "pyvenv.cfg").read_text(encoding="utf-8"))
            if found:
                return found[1]
    return ""


def put(path: Path, data: bytes) -> None:
    """Write a file as a whole, or not at all.

    Raises:
        Failed: the system does not let us.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        raise Failed(
            f"Cannot write {path}: {error.strerror or error}.",
            fix="Make the folder writable for this account.",
            where=str(path),
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def not_ours(path: Path, differences: Sequence[Difference]) -> ManifestNotOurs:
    """The error that says what would be lost."""
    told = "\n".join(f"    {one.about}: {one.text}" for one in differences[:SHOWN])
    more = f"\n    and {len(differences) - SHOWN} more" if len(differences) > SHOWN else ""
    return ManifestNotOurs(
        f"Cannot write {path}: the one that is there was not written by this command, and differs:\n{told}{more}",
        fix="Pass --overwrite to replace it, or say with a flag what it says.",
        where=str(path),
        differences=[one.to_json() for one in differences],
    )


def tell_check(
    path: Path, differences: Sequence[Difference], command: str, console: Console, *, as_json: bool
) -> int:
    """Print each difference; answers the exit code."""
    if as_json:
        state = "stale" if differences else "current"
        print_json(file=str(path), state=state, differences=[one.to_json() for one in differences])
    elif differences:
        console.row("manifest", "is not what would be written now")
        for one in differences[:SHOWN]:
            console.row(one.about, one.text)
        if len(differences) > SHOWN:
            console.row("", f"and {len(differences) - SHOWN} more")
        console.row("fix", f"{command}, and commit it")
    else:
        console.row("manifest", "says what is here")
    return FAILED if differences else 0


def tell_written(
    tree: Tree, settled: Settled, now: connect.Json, console: Console, *, is_written: bool, as_json: bool
) -> int:
    """Print what was found and written; answers the exit code."""
    found = settled.found
    notes = (*settled.notes, *found.notes, *tree.notes)
    listed = now["files"]
    amount = len(listed) if isinstance(listed, dict) else 0
    if as_json:
        state = "written" if is_written else "unchanged"
        print_json(file=str(tree.manifest), state=state, manifest=now, notes=list(notes))
        return 0
    where = str(found.entrypoint.evidence)
    console.row(
        found.framework.value, f"{found.entrypoint.value} {f'in {where}' if where else found.entrypoint.why}"
    )
    if found.kind is not Kind.STATIC:
        console.row("Python", found.python.value or "of any version")
        console.row("packages", found.requirements.why)
    for note in notes:
        console.row("note", note)
    console.row("manifest", f"{'written' if is_written else 'unchanged'}, {count_of(amount, 'file')}")
    return 0
