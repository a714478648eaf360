"""Writes src/tholos/client/aio.py: the client's calls for programs with an event loop. A test fails when the two differ.

python tools/async_client.py [--check]
"""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
import textwrap
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType

from tholos.client.api import Client

TARGET = Path(__file__).parents[1] / "src" / "tholos" / "client" / "aio.py"
OWN = frozenset({"close"})
"""What the head of the file has in its own words."""
HEAD = '''"""The client's calls for programs with an event loop: the same names, arguments, answers and errors, to be awaited.

This file is made from ``tholos.client.api``: ``python tools/async_client.py``. Each call runs in a thread of its own, so that
what is told of the client, its retries and its patience, holds here too.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, {abc}
from functools import partial
from types import TracebackType
from typing import Self, TypeVar

from tholos.client.api import Client
{imports}
T = TypeVar("T")


class AsyncClient:
    """A connection to one server.

    Args:
        server: its URL, such as ``http://localhost:8080``.
        token: an API token; empty for the few calls that need none.
        patience: how long a call goes on trying while the server is away.

    Use it in an ``async with`` statement or close it. A call that is cancelled is not waited for; what it began goes on.
    """

    def __init__(self, server: str, token: str = "", *, patience: Patience | None = None) -> None:
        self._client = Client(server, token, patience=patience)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close its connections."""
        await asyncio.to_thread(self._client.close)
'''
TAIL = '''

async def _each(make: Callable[[], Iterator[T]]) -> AsyncIterator[T]:
    """The items of an iterator that waits, each awaited."""
    items = await asyncio.to_thread(make)
    end = object()
    while (item := await asyncio.to_thread(next, items, end)) is not end:
        yield item  # type: ignore[misc]  # the end is not given
'''


def text() -> str:
    """The whole file."""
    methods = [*_methods()]
    names: defaultdict[str, set[str]] = defaultdict(set)
    names["tholos.client.patience"].add("Patience")
    for tree, module in methods:
        for name in _names_of(tree):
            found = getattr(module, name, None)
            if found is not None and not hasattr(__builtins__, name):
                names[_home_of(found)].add(name)
    abc = sorted({*names.pop("collections.abc", set()), "Iterator"} - {"AsyncIterator", "Callable"})
    imports = "".join(
        f"from {module} import {', '.join(sorted(found))}\n"
        for module, found in sorted(names.items())
        if found
    )
    head = HEAD.replace("{abc}", ", ".join(abc)).replace("{imports}", imports)
    return head + "".join(_method(tree) for tree, _ in methods) + TAIL


def _methods() -> Iterator[tuple[ast.FunctionDef, ModuleType]]:
    """Every public method of the client with the module that it stands in, in the order of the file."""
    seen = set(OWN)
    for owner in Client.__mro__[:-1]:
        for name, found in vars(owner).items():
            if isinstance(found, FunctionType) and not name.startswith("_") and name not in seen:
                seen.add(name)
                tree = ast.parse(textwrap.dedent(inspect.getsource(found))).body[0]
                if isinstance(tree, ast.FunctionDef):
                    yield tree, sys.modules[owner.__module__]


def _names_of(tree: ast.FunctionDef) -> Iterator[str]:
    for part in [tree.args, tree.returns]:
        if part is not None:
            yield from (node.id for node in ast.walk(part) if isinstance(node, ast.Name))


def _home_of(found: object) -> str:
    home = getattr(found, "__module__", "")
    return "" if home == "builtins" else home


def _method(tree: ast.FunctionDef) -> str:
    arguments = ast.unparse(tree.args)
    returns = ast.unparse(tree.returns) if tree.returns else "None"
    words = (ast.get_docstring(tree) or "").strip()
    docstring = textwrap.indent(f'"""{words}{chr(10) if chr(10) in words else ""}"""', " " * 8)
    passed = ", ".join(_passed(tree.args))
    call = ", ".join(filter(None, (f"self._client.{tree.name}", passed)))
    if returns.startswith("Iterator["):
        made = f"    def {tree.name}({arguments}) -> Async{returns}:\n{docstring}\n        return _each(partial({call}))\n"
    else:
        back = "" if returns == "None" else "return "
        made = (
            f"    async def {tree.name}({arguments}) -> {returns}:\n{docstring}\n"
            f"        {back}await asyncio.to_thread({call})\n"
        )
    return f"\n{made}"


def _passed(arguments: ast.arguments) -> Iterator[str]:
    yield from (one.arg for one in arguments.args[1:])
    yield from (f"{one.arg}={one.arg}" for one in arguments.kwonlyargs)


def formatted() -> str:
    """The file as our formatter has it."""
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(TARGET), "-"]
    return subprocess.run(command, input=text(), capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        sys.exit(TARGET.read_text("utf-8") != formatted())
    TARGET.write_text(formatted(), "utf-8")
