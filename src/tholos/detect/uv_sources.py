"""Where uv's own tables say that a package lies in the folder: ``[tool.uv.sources]`` with a path or a workspace, and ``uv.lock``.

Other sources of these tables are not read: the package comes from the index then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tholos.detect import own_packages
from tholos.detect.distributions import normalize
from tholos.detect.model import Evidence
from tholos.detect.own_packages import Named, inside_of
from tholos.detect.pip_files import Listed, note_own
from tholos.detect.sources import Folder, line_of, malformed

MEMBERS_LIMIT = 200
"""Projects in one folder that are asked for their names."""
_LOCKED = re.compile(r'source = \{ (?:editable|directory|path) = "([^"]+)" \}')
_NAME = re.compile(r"\s*([A-Za-z0-9](?:[\w.\-]*[A-Za-z0-9])?)")
_FILE = "pyproject.toml"

Table = dict[str, object]
Sources = dict[str, tuple[str, Table]]
"""By normalized name: the file that says it, and what."""


def locate(folder: Folder, path: str, lines: list[str], known: dict[str, str] | None = None) -> list[str]:
    """The dependencies of a ``pyproject.toml``, each with its place in the folder where a source names one.

    Raises:
        FileMalformed: a place is outside the folder, or a member of the workspace is not there.
    """
    sources = _sources(folder, path)
    is_workspace = any(said.get("workspace") is True for _, said in sources.values())
    members = known if known is not None else _members(folder) if is_workspace else {}
    return [_located(folder, line, sources, members) for line in lines] if sources else lines


def follow(folder: Folder, listed: Listed) -> None:
    """Add what packages of the folder need that lies there as well: once they are built, nothing says so any more.

    Raises:
        FileMalformed: as for ``locate``, or a ``pyproject.toml`` is none.
    """
    waiting = [path for path in listed.own if path]
    members = _members(folder) if any(f"{path}/{_FILE}" in folder.paths for path in waiting) else {}
    while waiting:
        project = f"{waiting.pop()}/{_FILE}"
        if project not in folder.paths:
            continue
        dependencies = _table(folder.toml(project), "project").get("dependencies")
        lines = (
            [line for line in dependencies if isinstance(line, str)] if isinstance(dependencies, list) else []
        )
        where = Evidence(project, line_of(folder.text(project), r"^[ \t]*\[tool\.uv\.sources") or 1)
        for line in locate(folder, project, lines, members):
            named = own_packages.parse(line) if "@ file:" in line else None
            if named is not None and named.path not in listed.own:
                note_own(named, where, listed)
                waiting.append(named.path)


def locked(text: str, path: str) -> Iterator[tuple[str, Evidence]]:
    """The places inside the folder that a ``uv.lock`` names; those outside are told when they are to be installed."""
    base = path.rpartition("/")[0]
    for number, line in enumerate(text.splitlines(), 1):
        found = _LOCKED.fullmatch(line.strip())
        inside = inside_of(base, found[1]) if found else None
        if inside is not None and inside != base:
            yield inside, Evidence(path, number)


def _located(folder: Folder, line: str, sources: Sources, members: dict[str, str]) -> str:
    found = _NAME.match(line)
    source = sources.get(normalize(found[1])) if found else None
    if not found or source is None:
        return line
    place = _place(folder, *source, found[1], members)
    return line if place is None else _written(line, place)


def _written(line: str, place: str) -> str:
    from packaging.requirements import InvalidRequirement, Requirement  # it takes time to load

    try:
        wanted = Requirement(line)
    except InvalidRequirement:
        return line
    extras = f"[{','.join(sorted(wanted.extras))}]" if wanted.extras else ""
    return Named(place, wanted.name, extras, str(wanted.marker or "")).text


def _place(folder: Folder, path: str, source: Table, name: str, members: dict[str, str]) -> str | None:
    """Where a source's package lies; None where the source is none of the folder.

    Raises:
        FileMalformed: outside, or nowhere.
    """
    number = line_of(folder.text(path), rf"^[ \t]*[\"']?{re.escape(name)}[\"']?\s*=\s*\{{") or 1
    target = source.get("path")
    if isinstance(target, str):
        inside = inside_of(path.rpartition("/")[0], target)
        if inside is None:
            fix = "Copy it into the folder and name it by its path there."
            raise malformed(
                path, number, f"it takes {name} from {target[:80]!r}, which is outside the folder", fix
            )
        return inside
    if source.get("workspace") is not True:
        return None
    if normalize(name) not in members:
        fix = "Publish the folder in which the whole workspace lies."
        raise malformed(path, number, f"{name} is no member of the workspace in this folder", fix)
    return members[normalize(name)]


def _members(folder: Folder) -> dict[str, str]:
    """Folders of projects by the names of these."""
    found: dict[str, str] = {}
    for path in sorted(one for one in folder.paths if one.endswith(f"/{_FILE}"))[:MEMBERS_LIMIT]:
        name = _table(folder.toml(path), "project").get("name")
        if isinstance(name, str):
            found.setdefault(normalize(name), path.removesuffix(f"/{_FILE}"))
    return found


def _sources(folder: Folder, path: str) -> Sources:
    """By normalized name; those of the workspace hold for its members too, unless they say otherwise."""
    found: Sources = {}
    for one in dict.fromkeys((_FILE, path)):
        table = _table(folder.toml(one), "tool", "uv", "sources") if one in folder.paths else {}
        found |= {normalize(name): (one, said) for name, said in table.items() if isinstance(said, dict)}
    return found


def _table(document: object, *keys: str) -> Table:
    found = document
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}
