"""The files of a folder that are sent, found without reading them: what is left out and why, where a link leads.

Imports little, because every publish begins here. Links stand for what they point to, never for themselves.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tholos.store import ignoring, paths
from tholos.store.errors import BadFolder, BadPath, TooMuch

_NAMED = 5


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a folder may hold: number of files, and their bytes."""

    files: int = 50_000
    size: int = 4 * 1024**3


@dataclass(frozen=True, slots=True)
class Ignored:
    """Something that is not sent; a folder stands for all that is in it, and its path ends with a slash."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """A file on disk, under the path that it is sent as."""

    path: str
    source: str
    status: os.stat_result


class Walk:
    """Finds the files of a folder; ``found`` has them by path."""

    def __init__(self, root: Path, limits: Limits) -> None:
        self.root = os.path.realpath(root)
        self.found: dict[str, Found] = {}
        self.ignored: list[Ignored] = []
        self.notes: list[str] = []
        self._limits = limits
        self._rules: tuple[ignoring.Rule, ...] = ()
        self._size = 0

    def run(self) -> None:
        if not os.path.isdir(self.root):  # noqa: PTH112  # text throughout: this is the fast path
            raise BadFolder(
                f"Cannot scan {self.root}: it is not a folder.", fix="Name the folder of the app."
            )
        self._rules = self._read_rules()
        self._enter(self.root, "", ())

    def _read_rules(self) -> tuple[ignoring.Rule, ...]:
        path = Path(self.root, ignoring.FILE_NAME)
        try:
            return ignoring.parse(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return ()
        except (OSError, UnicodeDecodeError) as error:
            raise BadFolder(
                f"Cannot read {path.name}: {error}.", where=path.name, fix="Make it plain text."
            ) from error

    def _enter(self, folder: str, prefix: str, above: tuple[str, ...]) -> None:
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            raise unreadable(prefix or folder, error) from error
        for entry in entries:
            self._visit(entry, prefix + entry.name, (*above, folder))

    def _visit(self, entry: os.DirEntry[str], path: str, above: tuple[str, ...]) -> None:
        is_link = entry.is_symlink()
        # Unlike the entry's own method this does not raise for a link that points to itself.
        is_folder = os.path.isdir(entry.path) if is_link else entry.is_dir()  # noqa: PTH112  # as above
        reason = self._find_reason(path, entry.path, is_folder=is_folder)
        if reason:
            self._ignore(path, reason, is_folder=is_folder)
        elif is_link:
            self._follow(entry.path, path, above)
        elif is_folder:
            self._enter(entry.path, path + "/", above)
        else:
            try:
                self._add(path, entry.path, entry.stat(follow_symlinks=False))
            except OSError as error:
                raise unreadable(path, error) from error

    def _find_reason(self, path: str, source: str, *, is_folder: bool) -> str:
        reason = ignoring.find_reason(self._rules, path, is_folder=is_folder)
        if reason or not is_folder or not _is_environment(source):
            return reason
        return "" if ignoring.decide(self._rules, path, is_folder=True) else "a virtual environment"

    def _ignore(self, path: str, reason: str, *, is_folder: bool) -> None:
        self.ignored.append(Ignored(paths.shown(path) + "/" * is_folder, reason))
        if path.rpartition("/")[2] == ".env" and not is_folder:
            self.notes.append(
                f"{path} is not sent, because it may hold secrets; set variables on the app, or put !{path} into {ignoring.FILE_NAME}."
            )

    def _follow(self, link: str, path: str, above: tuple[str, ...]) -> None:
        """Go on with what a link points to, if that lies inside the folder and is itself something that is sent."""
        try:
            target = os.path.realpath(link, strict=True)
        except OSError as error:
            raise _bad_link(path, "points to nothing or in circles") from error
        if target != self.root and not target.startswith(self.root.rstrip("/") + "/"):
            raise _bad_link(path, f"points out of the folder, to {target}")
        is_folder = os.path.isdir(target)  # noqa: PTH112  # as above
        inside = os.path.relpath(target, self.root)
        reason = self._find_reason_on_way(inside, is_folder=is_folder)
        if reason:
            self._ignore(path, f"points to {inside}: {reason}", is_folder=is_folder)
        elif not is_folder:
            self._add(path, target, os.stat(target))  # noqa: PTH116  # as above
        elif any(_is_within(folder, target) for folder in map(os.path.realpath, above)):
            raise _bad_link(path, "points to a folder that it lies in")
        else:
            self._enter(target, path + "/", above)

    def _find_reason_on_way(self, path: str, *, is_folder: bool) -> str:
        for parent in reversed(list(paths.parents(path))):
            reason = ignoring.find_reason(self._rules, parent, is_folder=True)
            if reason:
                return reason
        return ignoring.find_reason(self._rules, path, is_folder=is_folder)

    def _add(self, path: str, source: str, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            self.notes.append(f"{paths.shown(path)} is not sent: it is a socket, a pipe or a device.")
            self.ignored.append(Ignored(paths.shown(path), "a socket, a pipe or a device"))
            return
        canonical = _canonical(path)
        if canonical in self.found:
            raise BadPath(
                f"Cannot send {path!r}: another file has the same name.", fix="Rename one.", where=canonical
            )
        self.found[canonical] = Found(canonical, source, status)
        self._size += status.st_size
        if len(self.found) > self._limits.files:
            raise self._too_much(
                f"more than {self._limits.files} files", Counter(map(_top, self.found)), "files"
            )
        if self._size > self._limits.size:
            sizes: Counter[str] = Counter()
            for each in self.found.values():
                sizes[_top(each.path)] += each.status.st_size
            raise self._too_much(f"more than {self._limits.size} bytes", sizes, "bytes")

    def _too_much(self, excess: str, amounts: Counter[str], unit: str) -> TooMuch:
        named = ", ".join(f"{path} ({amount} {unit})" for path, amount in amounts.most_common(_NAMED))
        return TooMuch(
            f"Cannot send {self.root}: it has {excess}. The largest up to there: {named}.",
            fix=f"Put what the app does not need into {ignoring.FILE_NAME}.",
            largest=dict(amounts.most_common(_NAMED)),
        )


def _canonical(path: str) -> str:
    """The path in its one spelling: names from a Mac's disk come decomposed."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return paths.check(path)
    return paths.check(path if path.isascii() else unicodedata.normalize("NFC", path))


def _is_environment(folder: str) -> bool:
    return os.path.lexists(f"{folder}/pyvenv.cfg") or os.path.lexists(f"{folder}/bin/python")


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")


def _top(path: str) -> str:
    """The entry of the first level, by which people know their folder."""
    first, slash, _ = path.partition("/")
    return first + slash


def _bad_link(path: str, reason: str) -> BadFolder:
    return BadFolder(
        f"Cannot send the link {path!r}: it {reason}.",
        fix=f"Replace it by the file it should be, or put it into {ignoring.FILE_NAME}.",
        where=paths.shown(path),
    )


def unreadable(path: str, error: OSError) -> BadFolder:
    return BadFolder(
        f"Cannot read {paths.shown(path)}: {error.strerror or error}.",
        fix=f"Make it readable for this account, or put it into {ignoring.FILE_NAME}.",
        where=paths.shown(path),
    )
