"""Locks as values, and what can be read off requirements without resolving them. No I/O.

The text of requirements is hostile: it must name no file of the server, and no option may turn source builds on for
the cache that everybody shares. What it may name are packages among the published files (``own_packages``); in a lock these are
lines of their own, with the hash of what they are made of.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from urllib.parse import quote, unquote

from tholos.detect import own_packages
from tholos.detect.own_packages import Named, Outside
from tholos.runtime.uv_failures import BadRequirement, Origin, safe

REQUIREMENTS = "requirements"
PYLOCK = "pylock.toml"

_INDEX_OPTION = re.compile(r"(-i|-f|--(?:extra-)?index-url|--find-links)(?:\s*=\s*|\s+)(\S+)")
_FOLLOWED = re.compile(r"(-r|-c|--requirement|--constraint)\b")
_EDITABLE = re.compile(r"(-e|--editable)\b")
_OWN = re.compile(
    r"(?P<name>\S+) @ file:\./?(?P<path>\S*)(?: --hash=sha256:(?P<file>[0-9a-f]{64}))?"
    r"  # (?P=name)==(?P<version>\S+)(?: sha256:(?P<folder>[0-9a-f]{64}))?"
)
_OWN_LINKS = re.compile(r"--find-links \./(?P<path>.*)  # sha256:(?P<sha256>[0-9a-f]{64})")
_ADDRESS = re.compile(r"(?:[A-Za-z0-9][\w.\-]*\s*(?:\[[^\]]*\])?\s*@\s*|(?=[A-Za-z+]+:))(.*)")
_REMOTE = re.compile(r"(?:(?:git|hg|svn|bzr)\+)?(?:https?|ssh)://")
_VCS = re.compile(r"(?:.*@\s*)?(git|hg|svn|bzr)\+")
_PINNED = re.compile(r"[A-Za-z0-9][\w.\-]*(\[[^\]]*\])?\s*===?\s*[^\s;*]+.*--hash[= ]")


@dataclass(frozen=True, slots=True)
class OwnPackage:
    """A package that lies in what was published."""

    path: str
    """From the app's folder; empty for that itself."""
    sha256: str
    """Of the wheel or archive, or of a folder's files."""
    name: str
    version: str
    is_folder: bool

    @property
    def address(self) -> str:
        """As seen from the app's folder."""
        return f"file:{quote(f'./{self.path}' if self.path else '.')}"

    @property
    def line(self) -> str:
        """As it stands in a lock: pip takes it too, in the app's folder."""
        address = f"{self.name} @ {self.address}"
        said = f"  # {self.name}=={self.version}"
        if self.is_folder:
            return f"{address}{said} sha256:{self.sha256}"
        return f"{address} --hash=sha256:{self.sha256}{said}"

    @classmethod
    def of(cls, line: str) -> OwnPackage | None:
        """What a line of a lock says; None for any other one."""
        found = _OWN.fullmatch(line)
        sha256 = found["file"] or found["folder"] if found else None
        if not found or not sha256:
            return None
        return cls(unquote(found["path"]), sha256, found["name"], found["version"], bool(found["folder"]))


@dataclass(frozen=True, slots=True)
class OwnLinks:
    """A folder of what was published, in which packages are looked for."""

    path: str
    sha256: str
    """Of its packages."""

    @property
    def line(self) -> str:
        """As it stands in a lock."""
        return f"--find-links ./{self.path}  # sha256:{self.sha256}"


@dataclass(frozen=True, slots=True)
class Lock:
    """Every package of an environment, by version and hash."""

    text: str
    form: str = REQUIREMENTS
    """``requirements`` (with hashes) or ``pylock.toml``."""
    is_wheels: bool = True
    """Whether all that comes from an index is wheels: nothing of it runs while it is installed."""
    is_hashed: bool = True
    """Whether each package has a hash; version control addresses have a commit instead."""
    notes: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """SHA-256 of what it locks."""
        return digest([self.form, self.text, self.is_wheels])

    @property
    def own(self) -> tuple[OwnPackage, ...]:
        """Those of its packages that lie in what was published."""
        lines = self.text.splitlines() if self.form == REQUIREMENTS else []
        return tuple(one for one in map(OwnPackage.of, lines) if one)

    @property
    def links(self) -> tuple[OwnLinks, ...]:
        """Folders of what was published, in which others are looked for."""
        lines = self.text.splitlines() if self.form == REQUIREMENTS else []
        found = filter(None, map(_OWN_LINKS.fullmatch, lines))
        return tuple(OwnLinks(one["path"], one["sha256"]) for one in found)

    @property
    def rest(self) -> str:
        """What it says of all others, as uv takes it."""
        if self.form != REQUIREMENTS:
            return self.text
        lines = self.text.splitlines(keepends=True)
        return "".join(
            line for line in lines if not OwnPackage.of(line.rstrip()) and not _OWN_LINKS.match(line)
        )

    @property
    def options(self) -> tuple[str, ...]:
        """Its lines that name indexes."""
        return tuple(line for line in self.rest.splitlines() if _INDEX_OPTION.match(line))

    @property
    def is_shared(self) -> bool:
        """Whether its environment may be shared between owners: all of it is wheels from an index."""
        return self.is_wheels and not self.own and not self.links

    def to_json(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, object]) -> Lock:
        """What ``to_json`` gave.

        Raises:
            TypeError, ValueError: it is something else.
        """
        text, form, notes = data["text"], data["form"], data["notes"]
        is_wheels = data["is_wheels"] if "is_wheels" in data else data["is_shared"]  # as it was called once
        if not isinstance(text, str) or not isinstance(form, str) or not isinstance(notes, list):
            raise TypeError("no lock")
        return cls(text, form, bool(is_wheels), bool(data["is_hashed"]), tuple(map(str, notes)))


@dataclass(frozen=True, slots=True)
class Wish:
    """What requirements text asks for, as far as it shows without resolving."""

    options: tuple[str, ...]
    """Its lines that name indexes; they belong to the lock as well."""
    vcs: tuple[str, ...]
    """Lines that name version control addresses."""
    is_empty: bool
    is_locked: bool
    """Whether every line that names no package among the files is a version with a hash already."""
    wants_source: bool
    """Whether an option asks for source distributions."""
    own: Mapping[int, Named]
    """Packages among the published files, by the number of their line."""
    links: Mapping[int, str]
    """Folders among them in which packages are looked for."""


def read(text: str, origin: Origin) -> Wish:
    """Look through requirements.

    Raises:
        BadRequirement: a line names a file or folder that is none of the published ones.
    """
    lines = logical_lines(text)
    own = {number: one for number, line in lines if (one := _own(line, number, origin))}
    links = {number: at for number, line in lines if (at := _links(line, number, origin)) is not None}
    others = [(number, line) for number, line in lines if number not in own and number not in links]
    for number, line in others:
        refuse_local(line, number, origin)
    shown = [line for _, line in others]
    packages = [line for line in shown if not line.startswith("-")]
    return Wish(
        options=tuple(line for line in shown if _INDEX_OPTION.match(line)),
        vcs=tuple(line for line in packages if _VCS.match(line)),
        is_empty=not packages and not own,
        is_locked=bool(packages or own) and all(_PINNED.match(line) for line in packages),
        wants_source=any(line.startswith("--no-binary") for line in shown),
        own=own,
        links=links,
    )


def _own(line: str, number: int, origin: Origin) -> Named | None:
    try:
        return own_packages.parse(line)
    except Outside as error:
        raise _outside(str(error), number, origin) from None


def _links(line: str, number: int, origin: Origin) -> str | None:
    try:
        return own_packages.parse_links(line)
    except Outside as error:
        raise _outside(str(error), number, origin) from None


def _outside(what: str, number: int, origin: Origin) -> BadRequirement:
    return BadRequirement(
        f"Cannot install from {what}: it is outside of what was published.",
        where=_place(number, origin, what),
        fix="Copy it into the folder and name it by its path there.",
    )


def _place(number: int, origin: Origin, what: str = "") -> str:
    return f"{origin.path or 'requirements'}:{number}" if origin.lines else origin.where_of(what)


def check_pylock(text: str, origin: Origin) -> None:
    """That a ``pylock.toml`` names nothing by a path.

    Raises:
        BadRequirement: it does: such paths are not those of what was published.
    """
    try:
        packages = tomllib.loads(text).get("packages")
    except (tomllib.TOMLDecodeError, RecursionError):
        return  # uv says where
    for package in packages if isinstance(packages, list) else []:
        path = next(_paths_of(package), None) if isinstance(package, dict) else None
        if path is not None:
            raise BadRequirement(
                f"Cannot install {str(package.get('name'))[:80]} from {path[:80]}: a pylock.toml may name no files.",
                where=origin.where_of(path),
                fix="Name the package by its path in a requirements.txt or in a pyproject.toml with its uv.lock.",
            )


def _paths_of(package: Mapping[str, object]) -> Iterator[str]:
    wheels = package.get("wheels")
    tables = [package.get(key) for key in ("directory", "archive", "vcs", "sdist")]
    for table in [*tables, *(wheels if isinstance(wheels, list) else [])]:
        address = str(table.get("url", "")) if isinstance(table, dict) else ""
        if isinstance(table, dict) and ("path" in table or address.lower().startswith("file:")):
            yield str(table.get("path") or address)


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
    """Raises: BadRequirement: a line names what the server cannot reach, or may not."""
    where = _place(number, origin)
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
    if _EDITABLE.match(line) or (address and not _REMOTE.match(address[1])):
        raise BadRequirement(
            f"Cannot install {line[:80]}: it is editable, or from a place that the server cannot reach.",
            where=where,
            fix="Name it without -e, by its path in the folder or by an index, URL or git+https address.",
        )


def arguments(options: Iterable[str]) -> list[str]:
    """Lines that name indexes, as arguments of uv; whatever else stands in them is left out."""
    found = filter(None, map(_INDEX_OPTION.match, options))
    return [word for one in found for word in (one[1], one[2])]


def digest(value: object) -> str:
    """SHA-256 of a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
