"""The client's calls, from the class and its docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator

from tools.reference.tables import MADE, code, first_paragraph, table

from tholos.client import Client

HEAD = f"""# Python client

`from tholos.client import Client` is what the command line itself is built of: one method for each call of the
[API](api.md), typed, with one dependency. `Client(server, token)` is used in a `with` statement or closed. Every call raises
errors with the [codes](errors.md) of this reference; a server that is away for a moment is waited for.

{MADE}

"""
WIDTH = 90


class _Plain(str):
    """An annotation that is shown as it is written."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def text() -> str:
    found = dict(methods())
    contents = ((f"[{code(name)}](#{name})", first_paragraph(one.__doc__)) for name, one in found.items())
    return HEAD + table(("call", "what it does"), contents) + "".join(map(_section, found, found.values()))


def methods() -> Iterator[tuple[str, Callable[..., object]]]:
    """The public methods, in the order of their names."""
    for name, one in inspect.getmembers(Client, inspect.isfunction):
        if not name.startswith("_"):
            yield name, one


def _section(name: str, method: Callable[..., object]) -> str:
    return (
        f"\n## {name}\n\n```text\n{name}{_signature(method)}\n```\n\n{_prose(inspect.getdoc(method) or '')}\n"
    )


def _signature(method: Callable[..., object]) -> str:
    """On one line if that is short, else with one parameter a line."""
    signature = inspect.signature(method)
    shown = [
        one.replace(annotation=_Plain(one.annotation)) if one.annotation is not one.empty else one
        for one in list(signature.parameters.values())[1:]
    ]
    text = str(signature.replace(parameters=shown, return_annotation=_Plain(signature.return_annotation)))
    if len(text) <= WIDTH:
        return text
    is_named_only = any(one.kind is inspect.Parameter.KEYWORD_ONLY for one in shown)
    given = [str(one) for one in shown if one.kind is not inspect.Parameter.KEYWORD_ONLY]
    named = [str(one) for one in shown if one.kind is inspect.Parameter.KEYWORD_ONLY]
    lines = "".join(f"    {one},\n" for one in [*given, *(["*"] if is_named_only else []), *named])
    return f"(\n{lines}) -> {signature.return_annotation}"


def _prose(docstring: str) -> str:
    """A docstring as Markdown: its sections become lists."""
    text = re.sub(r"^(Args|Raises|Returns):\n", r"\1:\n\n", docstring, flags=re.MULTILINE)
    return re.sub(r"^    (\w+): ", r"- `\1`: ", text, flags=re.MULTILINE).replace("``", "`")
