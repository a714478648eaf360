"""Which paths a snapshot may hold: one canonical spelling, safe to join to any folder. Pure.

The rules are those of section 7.3 of the projects specification: relative, `/`-separated, Unicode NFC, no empty, `.` or
`..` component, no control characters, at most 255 bytes per component and 1,024 bytes in all. Backslashes are
refused because they separate components elsewhere.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from tholos.store.errors import BadPath

MAX_PATH = 1024
MAX_NAME = 255

_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\\]")
_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}(?:/[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}){0,8}")


def check(path: str) -> str:
    """Return the path if it is canonical, or raise BadPath saying what is wrong with it."""
    if not _PLAIN.fullmatch(path):
        fault = find_fault(path)
        if fault:
            raise BadPath(f"Cannot take the file {path!r}: {fault}.", fix="Rename it.", where=shown(path))
    return path


def find_fault(path: str) -> str:
    """What makes the path unfit, as the end of a sentence; empty if nothing does."""
    try:
        encoded = path.encode()
    except UnicodeEncodeError:
        return "its name is not valid UTF-8"
    if len(encoded) > MAX_PATH:
        return f"its path is longer than {MAX_PATH} bytes"
    if _FORBIDDEN.search(path):
        return "its path holds a control character or a backslash"
    if unicodedata.normalize("NFC", path) != path:
        return "its path is not in Unicode normal form C"
    return _find_fault_in_parts(path)


def _find_fault_in_parts(path: str) -> str:
    if path.startswith("/"):
        return "its path is absolute"
    for part in path.split("/"):
        if not part:
            return "its path has an empty component"
        if part in {".", ".."}:
            return f"its path has the component {part!r}"
        if len(part.encode()) > MAX_NAME:
            return f"a component of its path is longer than {MAX_NAME} bytes"
    return ""


def shown(path: str) -> str:
    """The path as text that can always be printed, undecodable bytes as escapes."""
    return path.encode("utf-8", "backslashreplace").decode()


def parents(path: str) -> Iterator[str]:
    """The folders that the path lies in, innermost first, without the root."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def find_conflict(paths: Iterable[str]) -> str:
    """What keeps these paths from lying in one folder, as a sentence's end; empty if nothing does."""
    files: set[str] = set()
    folders: set[str] = set()
    for path in paths:
        if path in files:
            return f"{path!r} occurs twice"
        files.add(path)
        folders.update(parents(path))
    both = min(files & folders, default="")
    return f"{both!r} is both a file and a folder" if both else ""


def find_case_twins(paths: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of paths (files or folders) that are one on a disk that ignores case."""
    spelled: dict[str, str] = {}
    twins: set[tuple[str, str]] = set()
    for path in paths:
        for each in (path, *parents(path)):
            first = spelled.setdefault(unicodedata.normalize("NFC", each.casefold()), each)
            if first != each:
                twins.add((first, each))
    return sorted(twins)
