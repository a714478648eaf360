"""Locks as values, and what can be read off requirements without resolving them. No I/O.

The text of requirements is hostile: it must name no file of the server, and no option may turn source builds on for
the cache that everybody shares.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from tholos.runtime.uv_failures import BadRequirement, Origin, safe

REQUIREMENTS = "requirements"
PYLOCK = "pylock.toml"

_INDEX_OPTION = re.compile(r"(-i|-f|--(?:extra-)?index-url|--find-links)(?:\s*=\s*|\s+)(\S+)")
_FOLLOWED = re.compile(r"(-r|-c|--requirement|--constraint)\b")
_EDITABLE = re.compile(r"(-e|--editable)\b")
_ADDRESS = re.compile(r"(?:[A-Za-z0-9][\w.\-]*\s*(?:\[[^\]]*\])?\s*@\s*|(?=[A-Za-z+]+:))(.*)")
_REMOTE = re.compile(r"(?:(?:git|hg|svn|bzr)\+)?(?:https?|ssh)://")
_PATH = re.compile(r"[^\s@:;]*/|\.|~|[A-Za-z]:\\")
_ARCHIVE = re.compile(r"[^\s:@]+\.(whl|zip|tar\.gz|tar\.bz2)(\s|$)")
_VCS = re.compile(r"(?:.*@\s*)?(git|hg|svn|bzr)\+")
_PINNED = re.compile(r"[A-Za-z0-9][\w.\-]*(\[[^\]]*\])?\s*===?\s*[^\s;*]+.*--hash[= ]")


@dataclass(frozen=True, slots=True)
class Lock:
    """Every package of an environment, by version and hash."""

    text: str
    form: str = REQUIREMENTS
    """``requirements`` (with hashes) or ``pylock.toml``."""
    is_shared: bool = True
    """Whether its environment may be shared between owners: all of it is wheels from an index."""
    is_hashed: bool = True
    """Whether each package has a hash; version control addresses have a commit instead."""
    notes: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """SHA-256 of what it locks."""
        return digest([self.form, self.text, self.is_shared])

    def to_json(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, object]) -> Lock:
        """What ``to_json`` gave.

        Raises:
            TypeError, ValueError: it is something else.
        """
        text, form, notes = data["text"], data["form"], data["notes"]
        if not isinstance(text, str) or not isinstance(form, str) or not isinstance(notes, list):
            raise TypeError("no lock")
        return cls(text, form, bool(data["is_shared"]), bool(data["is_hashed"]), tuple(map(str, notes)))


@dataclass(frozen=True, slots=True)
class Wish:
    """What requirements text asks for, as far as it shows without resolving."""

    options: tuple[str, ...]
    """Its lines that name indexes; they belong to the lock as well."""
    vcs: tuple[str, ...]
    """Lines that name version control addresses."""
    is_empty: bool
    is_locked: bool
    """Whether every line is a version with a hash already."""
    wants_source: bool
    """Whether an option asks for source distributions."""


def read(text: str, origin: Origin) -> Wish:
    """Look through requirements.

    Raises:
        BadRequirement: a line names a local file or folder.
    """
    lines = logical_lines(text)
    for number, line in lines:
        refuse_local(line, number, origin)
    shown = [line for _, line in lines]
    packages = [line for line in shown if not line.startswith("-")]
    return Wish(
        options=tuple(line for line in shown if _INDEX_OPTION.match(line)),
        vcs=tuple(line for line in packages if _VCS.match(line)),
        is_empty=not packages,
        is_locked=bool(packages) and all(_PINNED.match(line) for line in packages),
        wants_source=any(line.startswith("--no-binary") for line in shown),
    )


def logical_lines(text: str) -> Sequence[tuple[int, str]]:
    """Lines with their numbers, continuations joined, comments and empty ones left out."""
    found: list[tuple[int, str]] = []
    start, parts = 0, ""
    for number, raw in enumerate(text.splitlines(), 1):
        line = re.sub(r"(^|\s)#.*", "", raw).rstrip()
        start = start if parts else number
        if line.endswith("\\"):
            parts += line[:-1] + " "
            continue
        if (parts + line).strip():
            found.append((start, (parts + line).strip()))
        parts = ""
    return [*found, (start, parts.strip())] if parts.strip() else found


def refuse_local(line: str, number: int, origin: Origin) -> None:
    where = f"{origin.path or 'requirements'}:{number}" if origin.lines else origin.where("")
    option = _INDEX_OPTION.match(line)
    if option and not re.match(r"https?://", option[2]):
        raise BadRequirement(
            f"Cannot use {option[1]} {safe(option[2])}: only http and https addresses can be reached from the server.",
            where=where,
            fix="Ask the operator to set the index on the server, or use an address.",
        )
    if _FOLLOWED.match(line):
        raise BadRequirement(
            f"Cannot follow {line[:80]}: the file is not in the folder.",
            where=where,
            fix="Add the file, or remove the line.",
        )
    address = _ADDRESS.match(line)
    is_local = _EDITABLE.match(line) or _PATH.match(line) or _ARCHIVE.match(line)
    if is_local or (address and not _REMOTE.match(address[1])):
        raise BadRequirement(
            f"Cannot install {line[:80]}: local and editable packages are not locked.",
            where=where,
            fix="Put the package's modules into the app's folder, or name an index, URL or git+https address.",
        )


def digest(value: object) -> str:
    """SHA-256 of a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
