"""Django projects: from ``manage.py`` to the settings to the application object.

The facts are Django's own: ``manage.py`` names the settings module, ``WSGI_APPLICATION`` and ``ASGI_APPLICATION`` name the
objects, ``startproject`` writes ``wsgi.py`` and ``asgi.py`` beside the settings.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from tholos.detect import distributions, statements
from tholos.detect.definitions import Reader
from tholos.detect.model import Evidence, Kind
from tholos.detect.modules import Modules
from tholos.detect.sources import Folder

_SETTINGS = re.compile(rb"""DJANGO_SETTINGS_MODULE["']\s*,\s*["']([\w.]+)["']""")


@dataclass(frozen=True, slots=True)
class Project:
    """One Django project."""

    root: str
    """The folder of ``manage.py``."""
    settings: str
    """The settings file, empty where it was not found."""
    entrypoint: str
    kind: Kind
    path: str
    line: int
    """The statement that names the application."""
    origin: Evidence
    """The statement that makes it."""


@dataclass(frozen=True, slots=True)
class _Constant:
    value: object
    line: int


def manage_file(folder: Folder) -> str | None:
    """The ``manage.py`` nearest to the folder, at most two folders down."""
    found = [
        path for path in folder.python if path.rpartition("/")[2] == "manage.py" and path.count("/") <= 2
    ]
    named = (
        path
        for path in sorted(found, key=lambda path: path.count("/"))
        if _SETTINGS.search(folder.read(path))
    )
    return next(named, None)


def find(folder: Folder, modules: Modules, reader: Reader) -> Project | None:
    """The folder's Django project, if it has one with an application object."""
    manage = manage_file(folder)
    if manage is None:
        return None
    named = _SETTINGS.search(folder.read(manage))
    dotted = named[1].decode() if named else ""
    root = manage.rpartition("/")[0]
    stem = _below(root, dotted)
    settings = modules.file(stem) or ""
    constants = constants_of(folder, settings)
    package = dotted.partition(".")[0]
    for kind, name, default in _order(constants):
        pointed = constants.get(name)
        value = pointed.value if pointed and isinstance(pointed.value, str) else f"{package}.{default}"
        module, _, attribute = value.rpartition(".")
        path = modules.file(_below(root, module))
        definition = reader.lookup(path, attribute) if path else None
        if path is None or definition is None:
            continue
        where = Evidence(settings, pointed.line) if pointed else Evidence(path, definition.line)
        return Project(
            root, settings, f"{module}:{attribute}", kind, where.path, where.line, definition.app.origin
        )
    return None


def _below(root: str, dotted: str) -> str:
    stem = dotted.replace(".", "/")
    return f"{root}/{stem}" if root else stem


def _order(constants: dict[str, _Constant]) -> list[tuple[Kind, str, str]]:
    """WSGI first, unless the project says that it lives by ASGI."""
    wsgi = (Kind.WSGI, "WSGI_APPLICATION", "wsgi.application")
    asgi = (Kind.ASGI, "ASGI_APPLICATION", "asgi.application")
    installed = constants.get("INSTALLED_APPS")
    listed = installed.value if installed and isinstance(installed.value, tuple) else ()
    lives_by_asgi = "ASGI_APPLICATION" in constants and (
        "WSGI_APPLICATION" not in constants or bool({"channels", "daphne"} & set(listed))
    )
    return [asgi, wsgi] if lives_by_asgi else [wsgi, asgi]


def constants_of(folder: Folder, path: str) -> dict[str, _Constant]:
    """Assignments of strings and lists of strings in a settings file; lists as tuples."""
    source = folder.find(path) if path else None
    found: dict[str, _Constant] = {}
    for node, _ in statements.walk(source.tree.body) if source else ():
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            value = node.value
            if isinstance(value, ast.Constant):
                found[node.targets[0].id] = _Constant(value.value, node.lineno)
            elif isinstance(value, ast.List | ast.Tuple):
                strings = tuple(item.value for item in value.elts if isinstance(item, ast.Constant))
                found[node.targets[0].id] = _Constant(strings, node.lineno)
    return found


def installed(folder: Folder, modules: Modules, project: Project) -> dict[str, Evidence]:
    """The modules that ``INSTALLED_APPS`` names and the folder does not hold."""
    constant = constants_of(folder, project.settings).get("INSTALLED_APPS")
    listed = constant.value if constant and isinstance(constant.value, tuple) else ()
    names = [
        name for name in listed if isinstance(name, str) and modules.absolute(name, project.settings) is None
    ]
    line = constant.line if constant else 0
    return {
        name: Evidence(project.settings, line) for name in names if _is_stranger(modules, project.root, name)
    }


def _is_stranger(modules: Modules, root: str, name: str) -> bool:
    first = name.partition(".")[0]
    return first not in {"django", *distributions.HOMELY} and not modules.exists(_below(root, first))


def kept_files(folder: Folder, project: Project) -> list[tuple[str, str, int]]:
    """Database files and the upload folder that the settings place at ``BASE_DIR``: path, what, line."""
    source = folder.find(project.settings) if project.settings else None
    found: list[tuple[str, str, int]] = []
    for node, _ in statements.walk(source.tree.body) if source else ():
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
            continue
        name = node.targets[0].id
        if name == "MEDIA_ROOT":
            found += [(path, "the folder of uploads", node.lineno) for path in _at_base(node.value)]
        elif name == "DATABASES":
            found += [(path, "the SQLite database", line) for path, line in _databases(node.value)]
    return [(f"{project.root}/{path}" if project.root else path, what, line) for path, what, line in found]


def _databases(value: ast.expr) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    for node in ast.walk(value):
        if isinstance(node, ast.Dict):
            entries = {
                key.value: item
                for key, item in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant)
            }
            engine = entries.get("ENGINE")
            if isinstance(engine, ast.Constant) and "sqlite3" in str(engine.value) and "NAME" in entries:
                found += [(path, entries["NAME"].lineno) for path in _at_base(entries["NAME"])]
    return found


def _at_base(value: ast.expr) -> list[str]:
    """``BASE_DIR / "x"`` or ``os.path.join(BASE_DIR, "x")``, alone or in ``str()``."""
    names = {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
    parts = [node.value for node in ast.walk(value) if isinstance(node, ast.Constant)]
    if "BASE_DIR" not in names or len(parts) != 1 or not isinstance(parts[0], str):
        return []
    path = parts[0].strip("/")
    plain = path and not any(part in {"", ".", ".."} for part in path.split("/"))
    return [path] if plain else []
