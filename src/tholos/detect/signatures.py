"""Functions and classes that are apps by their parameters alone, as PEP 3333 and the ASGI specification define them."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from tholos.detect.model import Kind

_ENVIRON = frozenset({"environ", "env", "environment", "wsgi_environ"})
_START = frozenset({"start_response", "start"})
_ASGI = ("scope", "receive", "send")

_Function = ast.FunctionDef | ast.AsyncFunctionDef
Called = tuple[Kind, str]


def of_function(node: _Function) -> Called | None:
    """The protocol that a function speaks by its parameters."""
    return _protocol([argument.arg for argument in _positional(node)], node)


def of_instance(node: ast.ClassDef) -> Called | None:
    """The protocol that objects of a class speak through ``__call__``."""
    method = _method(node.body, "__call__")
    return _protocol([argument.arg for argument in _positional(method)][1:], method) if method else None


def of_class_itself(node: ast.ClassDef) -> Called | None:
    """The protocol of a class whose call is the request: its constructor takes it, its iteration answers."""
    made = _method(node.body, "__init__")
    called = _protocol([argument.arg for argument in _positional(made)][1:], made) if made else None
    return called if called and called[0] is Kind.WSGI and _method(node.body, "__iter__") else None


def takes_nothing(node: _Function) -> bool:
    """Whether a function can be called without arguments."""
    required = len(_positional(node)) - len(node.args.defaults)
    return required <= 0 and all(default is not None for default in node.args.kw_defaults)


def _positional(node: _Function) -> list[ast.arg]:
    return [*node.args.posonlyargs, *node.args.args]


def _method(body: Sequence[ast.stmt], name: str) -> _Function | None:
    found = (
        node
        for node in body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name
    )
    return next(found, None)


def _protocol(names: list[str], node: _Function) -> Called | None:
    plain = [name.lstrip("_") for name in names]
    if len(plain) == 2 and plain[0] in _ENVIRON and plain[1] in _START and isinstance(node, ast.FunctionDef):
        return Kind.WSGI, "WSGI"
    if tuple(plain) == _ASGI and isinstance(node, ast.AsyncFunctionDef):
        return Kind.ASGI, "ASGI"
    return None
