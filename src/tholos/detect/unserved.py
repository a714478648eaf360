"""What is recognised and cannot be published yet, and what else a folder without an app holds: words for refusals."""

from __future__ import annotations

import ast
import re

from tholos.detect import errors, frameworks, statements
from tholos.detect.candidates import is_aside
from tholos.detect.definitions import Reader
from tholos.detect.sources import Folder, Source

_FILES = 50
_NAMES = re.compile(
    rb"\b(?:" + b"|".join(sorted({name.partition(".")[0].encode() for name in frameworks.UNSERVED})) + rb")\b"
)
_DOCUMENTS = (
    (".qmd", "a Quarto document"),
    (".rmd", "an R Markdown document"),
    (".r", "an R script"),
    (".jl", "a Julia script"),
    ("package.json", "a Node.js project"),
    ("dockerfile", "a container's recipe"),
    ("procfile", "a Procfile without a line that begins with web:"),
)


def refuse(folder: Folder) -> None:
    """Raise ``KindUnsupported`` where the folder is plainly an app of a framework that is not served yet."""
    near = [path for path in folder.python if path.count("/") <= 1 and not is_aside(path)]
    for path in sorted(near, key=lambda path: (path.count("/"), path))[:_FILES]:
        source = folder.find(path) if _NAMES.search(folder.read(path)) else None
        found = _import(source) if source else None
        if found is not None:
            name, line = found
            raise errors.KindUnsupported(
                f"Cannot publish {name} apps yet ({path}:{line} imports it).",
                where=f"{path}:{line}",
                fix=f"Published are {errors.SUPPORTED}. If this is one of them, pass --entrypoint MODULE:NAME and --kind.",
            )


def _import(source: Source) -> tuple[str, int] | None:
    for node, guard in statements.walk(source.tree.body):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names if guard is not statements.Guard.TYPING else ():
            known = frameworks.UNSERVED.get(name) or frameworks.UNSERVED.get(name.partition(".")[0])
            if known:
                return known, node.lineno
    return None


def refuse_documents(folder: Folder) -> None:
    """Raise ``KindUnsupported`` where a folder without own Python holds another kind of document."""
    if any(not is_aside(path) for path in folder.python):
        return
    for path in sorted(folder.paths, key=lambda path: (path.count("/"), path)):
        what = next((what for ending, what in _DOCUMENTS if path.lower().endswith(ending)), None)
        if what:
            raise errors.KindUnsupported(
                f"Cannot publish {path} yet: it is {what}.",
                where=path,
                fix=f"Published are {errors.SUPPORTED}.",
            )


def overview(folder: Folder, reader: Reader) -> tuple[str, str]:
    """A sentence on what a folder without an app holds, and where; both empty if there is nothing to tell."""
    for path in folder.python[:_FILES]:
        scope = reader.scope(path) if not is_aside(path) and b"__main__" in folder.read(path) else None
        guarded = scope.guarded if scope else {}
        name = next((name for name in ("app", "application", "server", "api") if name in guarded), None)
        if name:
            where = f"{path}:{guarded[name]}"
            return (
                f'{where} makes {name!r} only under `if __name__ == "__main__"`, which an import leaves out.',
                where,
            )
    aside = next((path for path in folder.python if is_aside(path)), None)
    own = [path for path in folder.python if not is_aside(path)]
    if own:
        return f"{len(own)} Python files were looked at, {own[0]} among them.", own[0]
    if aside:
        return f"Tests, examples and set-up scripts such as {aside} are not looked into.", aside

    return f"{len(folder.paths)} files, none of them Python or HTML.", ""
