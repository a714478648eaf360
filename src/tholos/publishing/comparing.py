"""Two releases side by side: files, packages, variables and settings. Pure.

Variables are compared by what a release names, and only plain ones show what they hold.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from tholos.detect.distributions import normalize
from tholos.kit.db import JsonObject
from tholos.runtime import locks
from tholos.runtime.locks import Lock

ADDED, REMOVED, CHANGED = "added", "removed", "changed"
_PINNED = re.compile(r"([A-Za-z0-9][\w.\-]*)\s*(?:\[[^\]]*\])?\s*===?\s*([^\s;]+)")
_ADDRESS = re.compile(r"([A-Za-z0-9][\w.\-]*)\s*(?:\[[^\]]*\])?\s*@\s*([^\s;]+)")
_HEAD = 8_000
_SETTINGS = (
    ("kind", "Kind"), ("framework", "Framework"), ("entrypoint", "Entry point"), ("prepare", "Prepare"), ("keep", "Keep"),
    ("paths", "Import paths"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a release."""

    size: int
    sha256: str
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of a release: the id of what it holds and, for a plain one, that itself."""

    id: str
    is_secret: bool
    value: str | None = None
    """None for a secret, and where it cannot be read."""

    @property
    def is_known(self) -> bool:
        """Whether what it holds may be shown, and can be."""
        return not self.is_secret and self.value is not None


@dataclass(frozen=True, slots=True)
class Side:
    """What there is to compare of one release."""

    files: Mapping[str, Entry]
    lock: str
    manifest: JsonObject
    python: str
    variables: Mapping[str, Variable] = field(default_factory=dict)
    limits: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that is not the same in both; None where it is not there."""

    path: str
    change: str
    before: Entry | None
    after: Entry | None
    is_text: bool | None = None
    """None where nobody looked."""

    @property
    def is_mode_only(self) -> bool:
        """Whether only the right to execute it differs."""
        return bool(self.before and self.after and self.before.sha256 == self.after.sha256)


@dataclass(frozen=True, slots=True)
class Change:
    """A package, variable or setting that is not the same in both; an empty text is its absence."""

    name: str
    change: str
    before: str = ""
    after: str = ""
    is_secret: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything in which two releases differ."""

    files: tuple[FileChange, ...]
    packages: tuple[Change, ...]
    variables: tuple[Change, ...]
    settings: tuple[Change, ...]

    @property
    def is_same(self) -> bool:
        """Whether nothing differs."""
        return not (self.files or self.packages or self.variables or self.settings)


def compare(before: Side, after: Side, is_text: Callable[[FileChange], bool | None]) -> Comparison:
    """The differences of two releases; the callable says of a changed file whether it is text, if it looks at all."""
    return Comparison(
        tuple(_files(before.files, after.files, is_text)),
        tuple(_texts(_told_packages(before.lock), _told_packages(after.lock))),
        tuple(_variables(before.variables, after.variables)),
        tuple(_texts(_settings(before), _settings(after), in_order=True)),
    )


def looks_like_text(head: bytes) -> bool:
    """Whether a file that begins so can be shown as lines."""
    if b"\0" in head:
        return False
    try:
        head[:_HEAD].decode()
    except UnicodeDecodeError as error:
        # The cut may have gone through a letter.
        return error.start >= min(len(head), _HEAD) - 3 and error.reason == "unexpected end of data"
    return True


def is_text(data: bytes) -> bool:
    """Whether all of a file can be shown as lines."""
    try:
        return "\0" not in data.decode()
    except UnicodeDecodeError:
        return False


def packages(lock: str) -> dict[str, str]:
    """The versions in a lock's text, or the addresses where they come from one; by normalized name."""
    if re.search(r"^lock-version\s*=", lock, re.MULTILINE):
        return _of_pylock(lock)
    found: dict[str, str] = {}
    for _, line in locks.logical_lines(lock):
        match = _PINNED.match(line) or _ADDRESS.match(line)
        if match:
            found[normalize(match[1])] = match[2]
    return found | {normalize(one.name): one.version for one in Lock(lock).own}


def _told_packages(lock: str) -> dict[str, str]:
    """The same; of packages among the files also which they are made of, for their versions seldom change."""
    own = {
        normalize(one.name): f"{one.version} of {one.address}, {one.sha256[:12]}" for one in Lock(lock).own
    }
    return packages(lock) | own


def _of_pylock(lock: str) -> dict[str, str]:
    try:
        listed = tomllib.loads(lock).get("packages")
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}
    known = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return {
        normalize(str(one["name"])): str(one.get("version") or _source(one)) for one in known if "name" in one
    }


def _source(package: Mapping[str, object]) -> str:
    for key in ("vcs", "archive", "directory"):
        source = package.get(key)
        if isinstance(source, dict):
            return str(source.get("url") or source.get("path") or key)
    return ""


def _files(
    before: Mapping[str, Entry], after: Mapping[str, Entry], is_text: Callable[[FileChange], bool | None]
) -> Iterator[FileChange]:
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if old == new:
            continue
        change = FileChange(path, _kind(old, new), old, new)
        yield FileChange(path, change.change, old, new, is_text(change))


def _texts(
    before: Mapping[str, str], after: Mapping[str, str], *, in_order: bool = False
) -> Iterator[Change]:
    names = list(dict.fromkeys([*before, *after]))
    for name in names if in_order else sorted(names):
        old, new = before.get(name), after.get(name)
        if (old or "") != (new or ""):
            yield Change(name, _kind(old or None, new or None), old or "", new or "")


def _variables(before: Mapping[str, Variable], after: Mapping[str, Variable]) -> Iterator[Change]:
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old == new or (old and new and old.is_known and new.is_known and old.value == new.value):
            continue
        is_secret = bool((old and old.is_secret) or (new and new.is_secret))
        yield Change(name, _kind(old, new), _shown(old), _shown(new), is_secret)


def _shown(one: Variable | None) -> str:
    if one is None:
        return ""
    if one.is_secret:
        return "a secret"
    return "a value that cannot be read" if one.value is None else one.value


def _kind(before: object, after: object) -> str:
    if before is None:
        return ADDED
    return REMOVED if after is None else CHANGED


def _settings(side: Side) -> dict[str, str]:
    """How it runs, besides files, packages and variables, in words."""
    told = {label: _said(side.manifest.get(name)) for name, label in _SETTINGS}
    told["Python"] = side.python
    told["Asks for Python"] = _said(side.manifest.get("python"))
    limits = {f"Limit: {name}": _said(side.limits[name]) for name in sorted(side.limits)}
    return {**told, **limits}


def _said(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(one) or "." for one in value)
    return "" if value is None else str(value)
