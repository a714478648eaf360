"""A release in the form in which other servers publish it: its files, Connect's manifest with our key, and its lock. Pure.

The lock stands in the manifest, beside the checksums of the files it was made from, so that exactly the same packages are
installed elsewhere until somebody changes what is asked for. Where the sources have no file for pip, it becomes one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tholos.detect import connect
from tholos.detect.connect import Facts, Lock, Manifest
from tholos.detect.model import Kind
from tholos.kit.db import JsonObject
from tholos.runtime import locks

OWN_LOCK = "requirements.txt"
"""The file that the lock becomes where no other one asks for packages."""
SPARE_LOCK = "requirements.txt.lock"
"""Where another one does; other publishers call it so, too."""
_MANIFESTS = frozenset({connect.NAME, connect.SPARE_NAME})
_ASKING = re.compile(
    r"(.*/)?[^/]*(requirements|constraints)[^/]*\.(txt|in)|(.*/)?requirements[^/]*/[^/]+\.(txt|in)"
    r"|pyproject\.toml|setup\.cfg|Pipfile|environment\.ya?ml|(.*/)?(uv\.lock|pylock(\.[^/.]+)?\.toml)"
)
_PIP = re.compile(r".*\.(txt|in)")
_VERSION = re.compile(r"\d+\.\d+(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Source:
    """What is known of a release."""

    manifest: JsonObject
    python: str
    lock: str
    names: frozenset[str]
    """The paths of its files."""
    variables: Mapping[str, str | None] = field(default_factory=dict)
    """None for a secret."""
    limits: Mapping[str, object] = field(default_factory=dict)
    before: Manifest | None = None
    """The manifest among its files, if it was published from a download."""
    has_other: bool = False
    """Whether the manifest's name is that of something else among its files."""

    @property
    def name(self) -> str:
        """What the manifest is called."""
        return connect.SPARE_NAME if self.has_other else connect.NAME

    @property
    def lock_name(self) -> str:
        """The file that the lock becomes; empty where none is needed."""
        if not self.lock or self._form == "pylock.toml" or _PIP.fullmatch(self._asking_file):
            return ""
        if self._asking_file or OWN_LOCK in self.names:
            return SPARE_LOCK
        return OWN_LOCK

    @property
    def replaced(self) -> frozenset[str]:
        """Names of files that the download has anew, or has no more: a second manifest would decide in place of the first."""
        return frozenset(filter(None, (self.name, connect.SPARE_NAME, self.lock_name)))

    @property
    def _form(self) -> str:
        return str(_object(self.manifest.get("requirements")).get("form", "none"))

    @property
    def _asking_file(self) -> str:
        """The file that asks for the packages; empty where imports or nothing does."""
        evidence = _object(self.manifest.get("requirements")).get("evidence")
        path = str(evidence[0]) if isinstance(evidence, list) and evidence else ""
        if path in _MANIFESTS:
            sources = [*self.before.lock.made_from] if self.before and self.before.lock else []
            return next((one for one in sources if one in self.names and one != SPARE_LOCK), "")
        return path if self._form not in {"none", "imports", "script"} else ""

    def members(self, checksums: Mapping[str, str]) -> list[tuple[str, bytes]]:
        """The lock and the manifest as files, from the MD5 of the others."""
        lock = [(self.lock_name, self.lock.encode())] if self.lock_name else []
        known = {**checksums, **{name: connect.md5(data) for name, data in lock}}
        return [*lock, (self.name, connect.encode(self.document(known)))]

    def document(self, checksums: Mapping[str, str]) -> JsonObject:
        """The manifest over files of these MD5."""
        files = {path: one for path, one in checksums.items() if path not in {self.name, connect.SPARE_NAME}}
        if self.lock_name:
            files[self.lock_name] = connect.md5(self.lock.encode())
        asking = self._asking_file
        kind = Kind(str(self.manifest["kind"]))
        return connect.to_json(
            Facts(
                kind=kind,
                entrypoint=str(self.manifest["entrypoint"]),
                python=python_version(self.python),
                wish=str(self.manifest.get("python", "")),
                files=files,
                paths=_texts(self.manifest.get("paths")) or ("",),
                prepare=str(self.manifest.get("prepare", "")),
                keep=_texts(self.manifest.get("keep")),
                package_file=self.lock_name or (asking if _PIP.fullmatch(asking) else ""),
                requirements=asking or self.lock_name,
                lock=self._lock(files) if kind is not Kind.STATIC else None,
                variables=self.variables,
                limits=self.limits,
                framework=str(self.manifest.get("framework", "")),
                options=_texts(self.manifest.get("options")),
                locale=str(self.manifest.get("locale", "")),
            )
        )

    def _lock(self, files: Mapping[str, str]) -> Lock | None:
        if not self.lock:
            return None
        form = "pylock.toml" if self._form == "pylock.toml" else "requirements"
        lock = locks.Lock(self.lock)
        own = [*(one.path for one in lock.own), *(one.path for one in lock.links)]
        return Lock(self.lock, form, _made_from(files, {self._asking_file, *_below(own, files)}))


def python_version(text: str) -> str:
    """The version in an interpreter's name."""
    found = _VERSION.search(text)
    return found[0] if found else ""


def _made_from(files: Mapping[str, str], named: Iterable[str]) -> dict[str, str]:
    """Whatever may ask for packages: an edit of any of them makes the lock one of the past."""
    asking = {path for path in files if _ASKING.fullmatch(path) or path == SPARE_LOCK}
    return {path: files[path] for path in sorted(asking | (set(named) & files.keys()))}


def _below(paths: Iterable[str], files: Iterable[str]) -> set[str]:
    """Files that packages are made of."""
    return {one for path in paths for one in files if not path or one == path or one.startswith(f"{path}/")}


def _object(value: object) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()
