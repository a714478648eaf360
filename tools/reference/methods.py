"""The client's calls, from the class and its docstrings."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator

from tools.reference.tables import MADE, code, first_paragraph, table

from tholos.client import Client

HEAD = f"""# Python client

`from tholos.client import Client` is what the command line itself is built of: one method for each call of the
[API](api.md), typed, with one dependency. `Client(server, token)` is used in a `with` statement or closed. Every call raises
errors with the [codes](errors.md) of this reference; a server that is away for a moment is waited for.

{MADE}

"""


class _Plain(str):
    """An annotation that is shown as it is written."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def text() -> str:
    rows = ((code(name + _signature(one)), first_paragraph(one.__doc__)) for name, one in methods())
    return HEAD + table(("call", "what it does"), rows)


def methods() -> Iterator[tuple[str, Callable[..., object]]]:
    """The public methods, in the order of their names."""
    for name, one in inspect.getmembers(Client, inspect.isfunction):
        if not name.startswith("_"):
            yield name, one


def _signature(method: Callable[..., object]) -> str:
    signature = inspect.signature(method)
    shown = [
        one.replace(annotation=_Plain(one.annotation)) if one.annotation is not one.empty else one
        for one in list(signature.parameters.values())[1:]
    ]
    return str(signature.replace(parameters=shown, return_annotation=_Plain(signature.return_annotation)))
