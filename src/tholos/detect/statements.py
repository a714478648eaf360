"""The statements of a syntax tree in source order, each with the condition it stands under.

Nothing here recurses: a chain of a thousand ``elif`` is a list, whatever its author meant by it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from enum import StrEnum


class Guard(StrEnum):
    """The outermost condition that decides whether a statement runs when the module is imported."""

    NONE = ""
    MAIN = "main"
    """``if __name__ == "__main__"``: never."""
    TYPING = "typing"
    """``if TYPE_CHECKING``: never."""
    OPTIONAL = "optional"
    """Inside a ``try`` that goes on without the import."""
    PLATFORM = "platform"
    """Depends on the interpreter's version or the system."""


Placed = tuple[ast.stmt, Guard]
_Blocks = list[tuple[Sequence[ast.stmt], Guard]]
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_IMPORT_ERRORS = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


def walk(body: Sequence[ast.stmt], *, functions: bool = False) -> Iterator[Placed]:
    """Every statement under ``body``, those inside functions and classes only when asked for."""
    stack: list[Placed] = [(node, Guard.NONE) for node in reversed(body)]
    while stack:
        node, guard = stack.pop()
        yield node, guard
        for block, inner in reversed(_blocks(node, functions=functions)):
            stack.extend((child, guard or inner) for child in reversed(block))


def _blocks(node: ast.stmt, *, functions: bool) -> _Blocks:
    if isinstance(node, ast.If):
        return _branches(node)
    if isinstance(node, ast.Try | ast.TryStar):
        return _attempts(node)
    if isinstance(node, ast.For | ast.AsyncFor | ast.While):
        return [(node.body, Guard.NONE), (node.orelse, Guard.NONE)]
    if isinstance(node, ast.Match):
        return [(case.body, Guard.NONE) for case in node.cases]
    if isinstance(node, ast.With | ast.AsyncWith) or (functions and isinstance(node, _FUNCTIONS)):
        return [(node.body, Guard.NONE)]
    return []


def _branches(node: ast.If) -> _Blocks:
    guard = _condition(node.test)
    if guard is Guard.PLATFORM:
        return [(node.body, guard), (node.orelse, guard)]
    return [(node.body, guard), (node.orelse, Guard.NONE)]


def _condition(test: ast.expr) -> Guard:
    name = _last_name(test)
    if name == "TYPE_CHECKING":
        return Guard.TYPING
    if not isinstance(test, ast.Compare):
        return Guard.NONE
    sides = [test.left, *test.comparators]
    names = {_last_name(side) for side in sides}
    if "__name__" in names and any(
        isinstance(side, ast.Constant) and side.value == "__main__" for side in sides
    ):
        return Guard.MAIN
    return Guard.PLATFORM if names & {"version_info", "platform"} else Guard.NONE


def _last_name(node: ast.expr) -> str:
    while isinstance(node, ast.Subscript | ast.Call):
        node = node.value if isinstance(node, ast.Subscript) else node.func
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _attempts(node: ast.Try | ast.TryStar) -> _Blocks:
    forgiven = any(_forgives(handler) for handler in node.handlers)
    guard = Guard.OPTIONAL if forgiven else Guard.NONE
    handlers: _Blocks = [(handler.body, guard) for handler in node.handlers]
    return [(node.body, guard), *handlers, (node.orelse, guard), (node.finalbody, Guard.NONE)]


def _forgives(handler: ast.ExceptHandler) -> bool:
    """Whether it catches a missing import and goes on: one that raises or exits makes the import a needed one."""
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    if not any(kind is None or _last_name(kind) in _IMPORT_ERRORS for kind in kinds):
        return False
    last = handler.body[-1]
    if isinstance(last, ast.Expr) and isinstance(last.value, ast.Call):
        return _last_name(last.value.func) not in {"exit", "_exit", "quit", "stop"}
    return not isinstance(last, ast.Raise)
