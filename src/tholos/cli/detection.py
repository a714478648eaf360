"""Detection on this machine, before anything is sent: what would fail fails here, and what would be found can be shown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tholos.cli.console import count_of
from tholos.cli.story import Row, finding_row
from tholos.detect.core import detect
from tholos.detect.errors import NothingToPublish, SeveralEntrypoints
from tholos.detect.model import Detection, Overrides
from tholos.store.folder import Scan

UNDECIDED = (NothingToPublish, SeveralEntrypoints)
"""What a flag that the server remembers may have settled."""


class ScannedTree:
    """A scanned folder as detection reads it."""

    def __init__(self, scan: Scan) -> None:
        self._scan = scan

    def paths(self) -> list[str]:
        """Every path of the tree."""
        return [file.path for file in self._scan.tree.files]

    def read(self, path: str, limit: int = 1 << 20) -> bytes:
        """The first bytes of a file."""
        with Path(self._scan.sources[path]).open("rb") as file:
            return file.read(limit)


def detect_here(scan: Scan, overrides: Mapping[str, object]) -> Detection:
    """What the server will find in a folder.

    Raises:
        Invalid: it cannot be published as it is; the error names the place and the flag.
    """
    return detect(ScannedTree(scan), to_overrides(overrides))


def to_overrides(said: Mapping[str, object]) -> Overrides:
    """Flags as detection takes them; an empty one is as if it were not there."""
    keep = said.get("keep")
    return Overrides(
        kind=text_of(said, "kind"),
        entrypoint=text_of(said, "entrypoint"),
        python=text_of(said, "python"),
        requirements=text_of(said, "requirements"),
        prepare=text_of(said, "prepare"),
        keep=tuple(str(path) for path in keep) if isinstance(keep, list) and keep else None,
    )


def detection_rows(found: Detection) -> list[Row]:
    """One row per decision, as the server prints them."""
    entry = found.entrypoint
    where = f"in {entry.evidence}" if str(entry.evidence) else entry.why
    rows = [
        finding_row(found.framework.value, entry.value, where if str(entry.evidence) != entry.value else "")
    ]
    if found.python.value:
        rows.append(finding_row("Python", found.python.value, found.python.why))
    rows.append(Row("packages", packages_text(found)))
    if found.prepare:
        rows.append(finding_row("prepare", found.prepare.value, found.prepare.why))
    rows += [finding_row("keep", one.value, one.why) for one in found.keep]
    if found.brought:
        names = ", ".join([*found.brought.variables, *found.brought.limits])
        rows.append(Row("settings", f"{names} in {found.brought.path}, for its first release"))
    rows += [Row("note", note) for note in found.notes]
    return rows


def packages_text(found: Detection) -> str:
    needs = found.requirements
    if needs.form == "none":
        return needs.why or "none"
    if needs.form == "imports":
        return f"{count_of(len(needs.imports), 'package')} from imports: {', '.join(needs.imports)}"
    return f"from {needs.evidence.path or needs.form}"


def text_of(said: Mapping[str, object], key: str) -> str | None:
    value = said.get(key)
    return value if isinstance(value, str) and value else None
