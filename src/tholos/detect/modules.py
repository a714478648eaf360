"""Dotted names and the files they stand for.

A module is meant here by its *stem*: its path without ``.py`` or ``/__init__.py``. Names resolve as they will when the app
runs, with its folder as working directory: from the app's folder, from ``src/`` where that is no package, and from the
folders without ``__init__.py`` above the importing file.
"""

from __future__ import annotations

import ast

from tholos.detect import statements
from tholos.detect.sources import Folder, Source

SOURCE_FOLDERS = frozenset({"src", "lib", "python"})
"""Folders that hold modules and are none, unless they have an ``__init__.py``."""


class Modules:
    """The local modules of one folder."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._python = frozenset(folder.python)
        self._roots = tuple(name + "/" for name in sorted(SOURCE_FOLDERS) if self._is_bare(name))

    def _is_bare(self, folder: str) -> bool:
        return folder in self._folder.folders and f"{folder}/__init__.py" not in self._python

    def file(self, stem: str) -> str | None:
        """The file of a module; a package's is its ``__init__.py``."""
        for path in (f"{stem}/__init__.py", f"{stem}.py") if stem else ("__init__.py",):
            if path in self._python:
                return path
        return None

    def exists(self, stem: str) -> bool:
        """Whether a module, a package or a folder of modules is there."""
        return self.file(stem) is not None or stem in self._folder.folders

    def absolute(self, dotted: str, importer: str) -> str | None:
        """The stem that an absolute import means, if its first name is local; the rest may be missing."""
        first, _, rest = dotted.partition(".")
        for root in self._search(importer):
            stem = root + first
            if self.exists(stem) and f"{stem}.py" != importer:
                return stem + "/" + rest.replace(".", "/") if rest else stem
        return None

    def _search(self, importer: str) -> list[str]:
        roots = ["", *self._roots]
        above = importer.rpartition("/")[0]
        while above:
            if f"{above}/__init__.py" not in self._python:
                roots.append(above + "/")
            above = above.rpartition("/")[0]
        return roots

    def relative(self, level: int, dotted: str, importer: str) -> str | None:
        """The stem that ``from ..dotted`` means; ``None`` where it leaves the folder."""
        parts = importer.split("/")[:-1]
        if level - 1 > len(parts):
            return None
        kept = parts[: len(parts) - (level - 1)]
        return "/".join([*kept, *dotted.split(".")] if dotted else kept)

    def imported(self, node: ast.ImportFrom, importer: str) -> str | None:
        """The stem that a ``from`` import names, if it is local."""
        if node.level:
            return self.relative(node.level, node.module or "", importer)
        return self.absolute(node.module or "", importer)

    def home(self, source: Source) -> tuple[str, str]:
        """The folder that must be on ``sys.path`` for a file, and its dotted name from there."""
        parts = source.path.removesuffix(".py").split("/")
        if parts[-1] == "__init__" and len(parts) > 1:
            parts.pop()
        top = source.path.rpartition("/")[0]
        while top and f"{top}/__init__.py" in self._python:
            top = top.rpartition("/")[0]
        root = top if top and self._is_root(top, source) else ""
        kept = parts[len(root.split("/")) if root else 0 :]
        return root, ".".join(kept)

    def _is_root(self, top: str, source: Source) -> bool:
        """Whether a folder without ``__init__.py`` is where imports start rather than a namespace package."""
        if top in SOURCE_FOLDERS:
            return True
        if source.path.rpartition("/")[0] != top:
            return False
        names = {name for name, level in _imports(source) if not level}
        if any(level for _, level in _imports(source)) or top.partition("/")[0] in names:
            return False
        beside = {
            name for name in names if self.exists(f"{top}/{name}") and f"{top}/{name}.py" != source.path
        }
        return any(not self.exists(name) for name in beside)


def _imports(source: Source) -> list[tuple[str, int]]:
    """First names and levels of a file's imports."""
    found: list[tuple[str, int]] = []
    for node, _ in statements.walk(source.tree.body):
        if isinstance(node, ast.Import):
            found.extend((alias.name.split(".")[0], 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.append(((node.module or "").split(".")[0], node.level))
    return found


def relative_import(source: Source) -> int:
    """The line of a file's first relative import at its top level, 0 if it has none."""
    return next(
        (
            node.lineno
            for node, _ in statements.walk(source.tree.body)
            if isinstance(node, ast.ImportFrom) and node.level
        ),
        0,
    )
