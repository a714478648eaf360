"""Our own lint rules, for what no linter knows: each has its reason here and its test in tests/unit/tools.

Usage: python tools/rules.py FOLDER…
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

LONGEST_FUNCTION = 60
TASKS_WITH_OWNERS = {
    "tholos/gateway/exchange.py": "an exchange begins in a protocol's callback; it owns its task and ends it",
    "tholos/kit/company.py": "it ends and awaits every task that it begins, and it may stand around a yield",
    "tholos_guest/command.py": "Python 3.8 has no groups; the forwarder holds every task until it ends, and ends with them",
}
BROAD_EXCEPTS_AT_THE_EDGES = {
    "tholos/cli/failures.py": "the one place that prints failures",
    "tholos/operations/tasks.py": "the worker loop",
    "tholos/notifications/tasks.py": "the messenger's loop: one broken delivery ends alone",
    "tholos/server/application.py": "the request middleware",
    "tholos/access/door.py": "whatever goes wrong while access is decided anew, nobody stays because of it",
    "tholos/kit/persistence.py": "the edge of a task that nobody waits for",
    "tholos/cli/upload.py": "a lane of an upload hands its error to whoever started it",
    "tholos/gateway/": "the connection loop: one broken exchange ends alone",
    "tholos_guest/": "whatever an app raises is told in its own words",
}
COMMITS_AT_THE_EDGE = {
    "tholos/kit/db.py",
    "tholos/server/schema.py",
    "tholos/store/sqlite_index.py",
    "tholos/store/stat_cache.py",
}


@dataclass(frozen=True)
class Finding:
    path: str
    line: int
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.text}"


Rule = Callable[[str, ast.Module, str], Iterator[tuple[int, str]]]


def tasks_have_groups(path: str, tree: ast.Module, source: str) -> Iterator[tuple[int, str]]:
    """A task that no group owns can fail unseen and outlive whoever wanted it."""
    if any(path.endswith(owner) for owner in TASKS_WITH_OWNERS):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = ast.unparse(node.func.value)
            is_bare = node.func.attr in {"create_task", "ensure_future"}
            if is_bare and (owner == "asyncio" or "loop" in owner):
                yield node.lineno, f"{owner}.{node.func.attr} without a task group"


def broad_excepts_stand_at_edges(path: str, tree: ast.Module, source: str) -> Iterator[tuple[int, str]]:
    """Elsewhere one hides the error that its test would have found."""
    if any(edge in path for edge in BROAD_EXCEPTS_AT_THE_EDGES):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = "everything" if node.type is None else ast.unparse(node.type)
            if caught in {"everything", "Exception", "BaseException"} and not _raises_again(node):
                yield node.lineno, f"except {caught}"


def _raises_again(handler: ast.ExceptHandler) -> bool:
    return any(isinstance(node, ast.Raise) and node.exc is None for node in ast.walk(handler))


def nothing_is_left_out(path: str, tree: ast.Module, source: str) -> Iterator[tuple[int, str]]:
    """A stub called done is worse than a thing that is not there."""
    for number, line in enumerate(source.splitlines(), 1):
        if re.search(r"\braise NotImplementedError\b|\b(TODO|FIXME|XXX)\b", line):
            yield number, line.strip()


def application_code_never_commits(path: str, tree: ast.Module, source: str) -> Iterator[tuple[int, str]]:
    """One request, job or command is one transaction, committed where it began."""
    if any(path.endswith(edge) for edge in COMMITS_AT_THE_EDGE):
        return
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and node.attr in {"commit", "rollback"}
            and ast.unparse(node.value) == "db"
        ):
            yield node.lineno, f"db.{node.attr}"


def functions_are_short(path: str, tree: ast.Module, source: str) -> Iterator[tuple[int, str]]:
    """A function tells one story; a longer one tells several."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > LONGEST_FUNCTION:
                yield node.lineno, f"{node.name} has {length} lines"


def modules_say_what_they_are_for(path: str, tree: ast.Module, source: str) -> Iterator[tuple[int, str]]:
    """A reader decides by it whether to read on."""
    if not ast.get_docstring(tree):
        yield 1, "no docstring"


RULES: tuple[Rule, ...] = (
    tasks_have_groups,
    broad_excepts_stand_at_edges,
    nothing_is_left_out,
    application_code_never_commits,
    functions_are_short,
    modules_say_what_they_are_for,
)


def check(path: str, source: str) -> list[Finding]:
    tree = ast.parse(source)
    return [
        Finding(path, line, rule.__name__, text) for rule in RULES for line, text in rule(path, tree, source)
    ]


def main(folders: list[str]) -> int:
    paths = [
        path for folder in folders for path in Path(folder).rglob("*.py") if "versions" not in path.parts
    ]
    found = [finding for path in sorted(paths) for finding in check(path.as_posix(), path.read_text("utf-8"))]
    for finding in found:
        print(finding)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
