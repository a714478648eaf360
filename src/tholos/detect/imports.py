"""What an app imports: its modules that can be reached from the entry point, and the distributions those need.

Imports inside functions count, for they happen. Those under ``if TYPE_CHECKING`` never happen, and those under
``if __name__ == "__main__"`` only in scripts. An import whose failure the code survives, or that depends on the version of
Python or the system, is left out with a note.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from tholos.detect import distributions, notebooks, skim, statements
from tholos.detect.model import Evidence
from tholos.detect.modules import Modules
from tholos.detect.sources import Folder
from tholos.detect.statements import Guard

FILES_LIMIT = 500
"""Modules that are followed from one entry point."""

PARSED_LIMIT = 100
"""Modules of which the imports inside functions and conditions count too; of the others only those at the margin."""


@dataclass(frozen=True, slots=True)
class Imports:
    """What a walk over an app's modules found."""

    distributions: dict[str, Evidence] = field(default_factory=dict)
    """Each with the first import that asks for it."""
    files: tuple[str, ...] = ()
    """The modules that were reached, the entry point first."""
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Walk:
    folder: Folder
    modules: Modules
    is_script: bool
    found: dict[str, Evidence] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    optional: dict[str, Evidence] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    seen: dict[str, None] = field(default_factory=dict)


def follow(folder: Folder, modules: Modules, starts: list[str], *, is_script: bool) -> Imports:
    """Follow the imports from some files."""
    walk = _Walk(folder, modules, is_script, waiting=list(reversed(starts)))
    while walk.waiting:
        path = walk.waiting.pop()
        if path in walk.seen:
            continue
        if len(walk.seen) >= FILES_LIMIT:
            walk.notes.append(f"Imports were followed through {FILES_LIMIT} modules and no further.")
            break
        walk.seen[path] = None
        for node, guard in statements.walk(_body(walk, path), functions=True):
            if guard is not Guard.TYPING and (is_script or guard is not Guard.MAIN):
                _visit(walk, node, guard, path)
    _note_optional(walk)
    return Imports(walk.found, tuple(walk.seen), tuple(walk.notes))


def _body(walk: _Walk, path: str) -> list[ast.stmt]:
    """A module's statements, or its imports alone where they tell as much or enough was parsed already."""
    if path.endswith(".ipynb"):
        return notebooks.body_of(walk.folder, path)
    is_many = len(walk.seen) > PARSED_LIMIT
    skimmed = skim.imports_of(walk.folder.read(path), strict=not is_many)
    if skimmed is not None:
        return skimmed.body
    source = walk.folder.find(path) if not is_many else None
    return source.tree.body if source else []


def _visit(walk: _Walk, node: ast.stmt, guard: Guard, path: str) -> None:
    if isinstance(node, ast.Import):
        for alias in node.names:
            stem = walk.modules.absolute(alias.name, path)
            if stem is None:
                _external(walk, [alias.name], guard, Evidence(path, node.lineno))
            else:
                _reach(walk, stem, path)
    elif isinstance(node, ast.ImportFrom):
        stem = walk.modules.imported(node, path)
        if stem is not None:
            _reach(walk, stem, path)
            for alias in node.names:
                _reach(walk, f"{stem}/{alias.name}" if stem else alias.name, path)
        elif not node.level and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            _external(walk, names, guard, Evidence(path, node.lineno))


def _reach(walk: _Walk, stem: str, importer: str) -> None:
    """Queue a module with the packages that importing it runs first."""
    for path in _files(walk.modules, stem):
        if path != importer and path not in walk.seen:
            walk.waiting.append(path)


def _files(modules: Modules, stem: str) -> Iterator[str]:
    parts = stem.split("/")
    for length in range(1, len(parts) + 1):
        path = modules.file("/".join(parts[:length]))
        if path is not None:
            yield path


def _external(walk: _Walk, names: list[str], guard: Guard, where: Evidence) -> None:
    first = names[0].partition(".")[0]
    if first in distributions.STANDARD:
        return
    if first in distributions.HOMELY:
        note = f"{where} imports {first}, which is not in the folder; no package of that name is installed for it."
        if note not in walk.notes and guard is Guard.NONE:
            walk.notes.append(note)
        return
    provided = [distributions.of_import(name) for name in _specific(names)]
    needed = [distributions.NEEDS[name] for name in _prefixes(names) if name in distributions.NEEDS]
    into = walk.found if guard in {Guard.NONE, Guard.MAIN} else walk.optional
    for name in [*provided, *needed]:
        if name is not None:
            into.setdefault(name, where)


def _specific(names: list[str]) -> list[str]:
    """Of ``from google.cloud import storage`` the imported name tells the distribution, else the module does."""
    module, *members = names
    return (
        members
        if module in {"google", "google.cloud", "azure", "zope", "backports"} and members
        else [module]
    )


def _prefixes(names: list[str]) -> list[str]:
    found: dict[str, None] = {}
    for name in names:
        parts = name.split(".")[:5]
        found.update(dict.fromkeys(".".join(parts[:length]) for length in range(1, len(parts) + 1)))
    return list(found)


def _note_optional(walk: _Walk) -> None:
    for name, where in walk.optional.items():
        if name not in walk.found:
            walk.notes.append(
                f"{name} is not installed: the import in {where} is optional or depends on the system."
            )
