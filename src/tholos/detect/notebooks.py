"""Notebooks: which of a folder is published, whether it is interactive, and what its cells import.

A notebook is executed once and served as a page, unless something says that visitors shall use it: then it is Voilà's. That
is a ``voila.json``, a requirement of Voilà, or an import of widgets. Where there are several, one of ``NAMES`` is the first
page; without it Voilà lists them all, and for a page somebody has to say which.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from tholos.detect import errors, frameworks, statements
from tholos.detect.candidates import Candidate
from tholos.detect.model import Evidence, Kind
from tholos.detect.sources import SOURCE_LIMIT, Folder, malformed

NAMES = ("index.ipynb", "app.ipynb", "main.ipynb")
"""First pages, best first."""
FOLDER = "."
"""The entry point that is all notebooks of the folder."""

_READ = 20
"""Notebooks that are looked into for widgets."""
_SETTINGS = "voila.json"
_ASKS = re.compile(r"^[\s\"'-]*voila\b", re.MULTILINE | re.IGNORECASE)
_ASKING = ("requirements.txt", "pyproject.toml", "environment.yml", "environment.yaml")
_WIDGETS = frozenset(
    ["ipywidgets", "ipyvuetify", "ipyleaflet", "ipympl", "bqplot", "ipydatagrid", "ipyvolume", "voila"]
)
_PYTHON = frozenset({"", "python", "python3", "ipython"})
_TIMED = re.compile(r"%%(?:time|timeit|capture)\b[^\n]*\n")
"""Magic commands over a whole cell that stays Python."""
_MAGIC = re.compile(r"^([ \t]*)(?:[%!?]|[\w.]+[ \t]*=[ \t]*[%!]|[\w.]+\?{1,2}[ \t]*$)[^\n]*", re.MULTILINE)


def find(folder: Folder, kind: Kind | None = None) -> list[Candidate]:
    """The notebooks that could be published, best first; ``kind`` where it is given."""
    paths = _paths(folder)
    kind = kind or kind_of(folder, paths)
    named = [path for path in paths if path.rpartition("/")[2] in NAMES]
    if kind is Kind.VOILA and len(paths) > 1 and not named:
        return [of_path(FOLDER, kind, paths[0])]
    return sorted((of_path(path, kind) for path in paths), key=lambda candidate: candidate.rank)


def kind_of(folder: Folder, paths: Sequence[str]) -> Kind:
    """Whether some notebooks are for visitors to use, or to look at."""
    return Kind.VOILA if _is_interactive(folder, paths) else Kind.NOTEBOOK


def of_path(entrypoint: str, kind: Kind, seen: str = "") -> Candidate:
    """A notebook as something to start, or all of the folder, of which one was seen."""
    name = entrypoint.rpartition("/")[2]
    place = NAMES.index(name) if name in NAMES else len(NAMES)
    where = Evidence(seen or entrypoint)
    framework = frameworks.VOILA if kind is Kind.VOILA else frameworks.NOTEBOOK
    return Candidate(entrypoint, kind, framework, where, where, (6, place, 0), "", "notebook")


def check(folder: Folder, path: str) -> None:
    """That a notebook can be read and is one of Python.

    Raises:
        FileMalformed: it is no notebook.
        KindUnsupported: its language is another one.
    """
    language = _language(_document(folder, path))
    if language not in _PYTHON:
        raise errors.KindUnsupported(
            f"Cannot publish {path}: it is a notebook of {language[:40]!r}, and only those of Python are run.",
            where=path,
            fix=f"Publish its rendered page as a static site. Published are {errors.SUPPORTED}.",
        )


def body_of(folder: Folder, path: str) -> list[ast.stmt]:
    """The statements of a notebook's cells, without line numbers; cells that are not plain Python are left out."""
    try:
        document = _document(folder, path)
    except errors.FileMalformed as error:
        folder.unread[path] = error.message
        return []
    found: list[ast.stmt] = []
    left = SOURCE_LIMIT
    for cell in _code(document):
        left -= len(cell)
        if left < 0:
            break
        found += _parse(cell)
    return found


def _paths(folder: Folder) -> list[str]:
    """Those in the folder itself; where it holds no Python, the uppermost ones."""
    own = [path for path in folder.notebooks if "/" not in path]
    if own or folder.python or not folder.notebooks:
        return own
    depth = min(path.count("/") for path in folder.notebooks)
    return [path for path in folder.notebooks if path.count("/") == depth]


def _is_interactive(folder: Folder, paths: Sequence[str]) -> bool:
    if not paths:
        return False
    if _SETTINGS in folder.paths:
        return True
    for path in _ASKING:
        if path in folder.paths and _ASKS.search(folder.text(path)):
            return True
    return any(_WIDGETS & _imported(body_of(folder, path)) for path in paths[:_READ])


def _imported(body: list[ast.stmt]) -> set[str]:
    names: set[str] = set()
    for node, _ in statements.walk(body):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add((node.module or "").partition(".")[0])
    return names


def _document(folder: Folder, path: str) -> dict[str, object]:
    document = folder.json(path)
    if not isinstance(document, dict) or not isinstance(_cells(document), list):
        raise malformed(path, 0, "it has no cells, so it is no notebook", "Save it again in Jupyter.")
    return document


def _cells(document: dict[str, object]) -> object:
    """The cells; those of version 3 stand in a sheet."""
    sheets = document.get("worksheets")
    if "cells" not in document and isinstance(sheets, list) and sheets and isinstance(sheets[0], dict):
        return sheets[0].get("cells")
    return document.get("cells")


def _code(document: dict[str, object]) -> Iterator[str]:
    cells = _cells(document)
    for cell in cells if isinstance(cells, list) else ():
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            source = cell.get("source", cell.get("input", ""))
            yield "".join(map(str, source)) if isinstance(source, list) else str(source)


def _parse(cell: str) -> list[ast.stmt]:
    text = _TIMED.sub("", cell, count=1) if cell.startswith("%%") else cell
    if text.startswith("%%"):
        return []
    try:
        tree = ast.parse(_MAGIC.sub(r"\1pass", text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt):
            node.lineno = 0  # a line of the cell is none of the file
    return tree.body


def _language(document: dict[str, object]) -> str:
    metadata = document.get("metadata")
    for part, key in (("language_info", "name"), ("kernelspec", "language")):
        value = metadata.get(part) if isinstance(metadata, dict) else None
        name = value.get(key) if isinstance(value, dict) else None
        if isinstance(name, str) and name:
            return name.lower()
    return ""
