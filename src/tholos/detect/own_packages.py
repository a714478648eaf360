"""Lines of requirements that name a package among the published files: a wheel, a source archive or a folder.

Such a line is a path, a ``file:`` address or a name with one of them, as pip and uv take them, editable or not. Where it leads
is decided by its text alone; that it leads out of the folder is an error. What has an address elsewhere is no business of this.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

from tholos.detect.distributions import normalize
from tholos.detect.model import Evidence
from tholos.detect.sources import Folder, malformed
from tholos.store import ignoring

WHEEL = ".whl"
ARCHIVES = (".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tgz")
"""How names of source archives end."""

_EDITABLE = re.compile(r"(?:--editable(?:\s*=\s*|\s+)|-e\s*=?\s*)(.+)")
_LINKS = re.compile(r"(?:--find-links(?:\s*=\s*|\s+)|-f\s*)(.+)")
_HASH = re.compile(r"\s--hash(?:\s*=\s*|\s+)(\S+)")
_NAMED = re.compile(r"([A-Za-z0-9](?:[\w.\-]*[A-Za-z0-9])?)\s*(\[[^\]]*\])?\s*@\s*(.+)")
_EXTRAS = re.compile(r"(.*?)\s*(\[[^\]/]*\])?/?")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+:")
_DRIVE = re.compile(r"[A-Za-z]:")
_VARIABLE = re.compile(r"\$\{|%[A-Za-z_]+%")
_EGG = re.compile(r"(?:^|&)egg=([\w.\-]+)")
_PLAIN = re.compile(r"[\w./+\-]*", re.ASCII)
_BUILDABLE = re.compile(r"^[ \t]*\[(?:project|build-system)\]", re.MULTILINE)


class Outside(ValueError):
    """It leads out of the folder; the text is what it names."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a line says of a package among the files."""

    path: str
    """From the app's folder; empty for that itself."""
    name: str = ""
    """As it stands before an ``@``; empty for a path alone."""
    extras: str = ""
    """``[a,b]``."""
    marker: str = ""
    hashes: tuple[str, ...] = ()
    """``sha256:…``"""
    is_editable: bool = False

    @property
    def text(self) -> str:
        """The line in the one form that is kept; whether it was editable is lost."""
        place = f"./{self.path}" if self.path else "."
        if self.name:
            place = f"{self.name}{self.extras} @ file:{quote(place)}"
        elif _PLAIN.fullmatch(self.path):
            place += self.extras
        else:
            place = f"file:{quote(place)}{self.extras}"
        marker = f" ; {self.marker}" if self.marker else ""
        return place + marker + "".join(f" --hash={one}" for one in self.hashes)


def parse(line: str, base: str = "") -> Named | None:
    """A line without comments, of a file in the folder ``base``; None where it names a package of an index or an address elsewhere.

    Raises:
        Outside: it names a file or folder that is none of the app's.
    """
    editable = _EDITABLE.fullmatch(line)
    body = editable[1] if editable else line
    if body.startswith("-"):
        return None
    hashes = tuple(_HASH.findall(body))
    said, _, marker = re.split(r"\s--?[A-Za-z]", body, maxsplit=1)[0].partition(";")
    said = said.strip().strip("\"'").strip()
    named = _NAMED.fullmatch(said)
    name, extras, target = (named[1], named[2] or "", named[3].strip()) if named else ("", "", said)
    if target.lower().startswith("file:"):
        target, found = _of_address(target[5:])
        name = name or found
    elif _SCHEME.match(target) or not (named or editable or _is_path(target)):
        return None
    split = None if named else _EXTRAS.fullmatch(target)
    target, extras = (split[1], split[2] or "") if split else (target, extras)
    return Named(_inside(base, target), name, extras, marker.strip(), hashes, bool(editable))


def _of_address(target: str) -> tuple[str, str]:
    """The path of a ``file:`` address, and the name in its fragment."""
    if target.startswith("//"):
        raise Outside(f"file:{target}"[:80])
    path, _, fragment = target.partition("#")
    egg = _EGG.search(fragment)
    return unquote(path), egg[1] if egg else ""


def _is_path(target: str) -> bool:
    if target.startswith((".", "/", "~", "\\")) or _DRIVE.match(target):
        return True
    bare = target.partition("[")[0].rstrip()
    return "/" in bare or bare.lower().endswith((WHEEL, *ARCHIVES))


def _inside(base: str, target: str) -> str:
    found = None if _VARIABLE.search(target) else inside_of(base, target)
    if found is None:
        raise Outside(target[:80])
    return found


def inside_of(base: str, target: str) -> str | None:
    """A relative path from the app's folder; ``None`` where it leaves it."""
    if target.startswith(("/", "\\", "~")) or "\0" in target or _DRIVE.match(target):
        return None
    kept = base.split("/") if base else []
    for part in target.replace("\\", "/").split("/"):
        if part == "..":
            if not kept:
                return None
            kept.pop()
        elif part not in {"", "."}:
            kept.append(part)
    found = "/".join(kept)
    return (
        None if found.startswith("~") else found
    )  # programs that read the path may take it for a home folder


def parse_links(line: str, base: str = "") -> str | None:
    """The folder that a ``--find-links`` line names; None for an address and for any other line.

    Raises:
        Outside: it names one that is none of the app's.
    """
    found = _LINKS.fullmatch(line)
    target = found[1].strip().strip("\"'") if found else ""
    if target.lower().startswith("file:"):
        target = _of_address(target[5:])[0]
    if not found or _SCHEME.match(target):
        return None
    return _inside(base, target)


def lines_in(text: str) -> list[str]:
    """The lines of a lock that name something in the folder, or outside of it where none may be."""
    return [line for line in map(_without_comment, text.splitlines()) if _concerns(line)]


def _without_comment(line: str) -> str:
    return re.sub(r"(^|\s)#.*|\s*\\$", "", line).strip()


def _concerns(line: str) -> bool:
    try:
        return parse_links(line) is not None or parse(line) is not None
    except Outside:
        return True


def name_of_wheel(path: str) -> str:
    """The distribution in a wheel's name; empty for another file."""
    name = path.rpartition("/")[2]
    return normalize(name.partition("-")[0]) if name.endswith(WHEEL) else ""


# What lies there


def is_there(folder: Folder, path: str) -> bool:
    """Whether a file or folder of that path is published."""
    return not path or path in folder.paths or is_folder(folder, path)


def is_folder(folder: Folder, path: str) -> bool:
    """Whether files lie below it."""
    return any(one.startswith(f"{path}/") for one in folder.paths)


def is_buildable(folder: Folder, path: str) -> bool:
    """Whether a folder says how a package is made of it."""
    below = f"{path}/" if path else ""
    if f"{below}setup.py" in folder.paths:
        return True
    project = f"{below}pyproject.toml"
    return project in folder.paths and bool(_BUILDABLE.search(folder.text(project)))


def check(folder: Folder, own: Mapping[str, Evidence], links: Iterable[str] = ()) -> None:
    """That each is there and may be a package.

    Raises:
        FileMalformed: one is not, with the line that names it.
    """
    for path, where in own.items():
        reason, fix = _amiss(folder, path, is_link=path in links)
        if reason:
            raise malformed(where.path, where.line, reason, fix)


def _amiss(folder: Folder, path: str, *, is_link: bool) -> tuple[str, str]:
    """What is wrong with a path, and what to do; both empty where nothing is."""
    shown = repr(path or ".")
    if not is_there(folder, path):
        return f"it names {shown}, which is not among the published files", _how_to_add(folder, path)
    if is_link:
        return "", ""
    if path in folder.paths:
        known = (WHEEL, *ARCHIVES)
        reason = f"it names {shown}, which is neither a wheel nor a source archive"
        return ("", "") if path.lower().endswith(known) else (reason, "")
    if is_buildable(folder, path):
        return "", ""
    return (
        f"it names the folder {shown}, which is no package: it has neither a pyproject.toml that says so nor a setup.py",
        "Add a pyproject.toml with [project] to it, or remove the line: modules in the app's folder are found as they lie.",
    )


def _how_to_add(folder: Folder, path: str) -> str:
    if ignoring.FILE_NAME in folder.paths:
        rules = ignoring.parse(folder.text(ignoring.FILE_NAME))
        parts = path.split("/")
        for end in range(1, len(parts) + 1):
            reason = ignoring.find_reason(rules, "/".join(parts[:end]), is_folder=end < len(parts))
            if reason:
                return f"It is left out ({reason}): take that back, or remove the line."
    return "Copy it into the folder. If it lies there, it is ignored, or a link that leads out."
