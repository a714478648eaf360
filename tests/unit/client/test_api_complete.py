"""Every call that the server documents is one of the client's, and the command line makes every one of the client's."""

import inspect
import re
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastapi.routing import APIRoute

import tholos.cli
from tholos.client.api import Client
from tholos.client.own import NewInvitation, NewToken
from tholos.client.people import NewPerson
from tholos.client.quotas import NewQuota
from tholos.client.settling import Life, Limits
from tholos.client.transport import Answer, Body
from tholos.client.variables import VariableChange
from tholos.server.application import ROUTERS

NOT_OF_THE_CLIENT = {
    ("GET", "/events"): "for pages: whoever follows one operation has its own stream",
    ("GET", "/search"): "for the palette of the pages",
    ("GET", "/content/chunks"): "",
    ("POST", "/detect"): "the command line finds out the same here, before anything is sent",
    ("POST", "/device/code"): "of signing in, which has no client yet",
    ("POST", "/device/token"): "of signing in, which has no client yet",
}
NOT_ON_THE_COMMAND_LINE = {
    "close": "commands use it in a with statement",
    "set_access": "a share changes what is named",
    "share": "one of change_access",
    "unshare": "one of change_access",
}
VALUES: dict[str, object] = {
    "int": 1,
    "bool": True,
    "Body": Body.of(b"x", "text/plain"),
    "Life": Life(),
    "Limits": Limits(),
    "NewInvitation": NewInvitation(),
    "NewPerson": NewPerson("xx"),
    "NewQuota": NewQuota(),
    "NewToken": NewToken("xx"),
    "VariableChange": VariableChange(),
}


class _Recorded(Exception):
    """Enough is known."""


class _Recorder:
    """Stands for the transport and remembers what it is asked for."""

    def __init__(self) -> None:
        self.asked: set[tuple[str, str]] = set()

    def call(self, method: str, path: str, *_: object, **__: object) -> Answer:
        self.asked.add((method, _template(path)))
        raise _Recorded

    @contextmanager
    def stream(self, path: str, _: str) -> Any:
        self.asked.add(("GET", _template(path)))
        raise _Recorded
        yield

    pieces = stream

    def close(self) -> None:
        """Nothing is open."""


def _template(path: str) -> str:
    path = path.removeprefix("/api/v1").partition("?")[0]
    return re.sub(r"(?<=/)(xx|1|account|group)(?=/|$)", "{}", path)


def _argument(parameter: inspect.Parameter) -> object:
    kind = str(parameter.annotation)
    if kind in VALUES:
        return VALUES[kind]
    if kind.startswith(("str", "Literal")):
        return "xx"
    if kind.startswith("Callable"):
        return lambda: [b""]
    return {} if kind.startswith("Mapping") else [] if kind.startswith(("Sequence", "Iterable")) else None


def _calls_made() -> set[tuple[str, str]]:
    """What each of the client's methods asks for, with and without what may be left out."""
    recorder = _Recorder()
    client = Client("http://localhost:1", "tholos_x")
    client._transport = recorder  # type: ignore[assignment]
    for name, method in inspect.getmembers(Client, inspect.isfunction):
        if name.startswith("_") or name == "close":
            continue
        parameters = [one for one in inspect.signature(method).parameters.values() if one.name != "self"]
        optional = [one.name for one in parameters if one.default is not one.empty]
        for chosen in ([], *([name] for name in optional), optional):
            for flag in (False, True):
                try:
                    _try(getattr(client, name), parameters, chosen, flag=flag)
                except _Recorded:
                    continue
    return recorder.asked


def _try(call: Any, parameters: list[inspect.Parameter], chosen: list[str], *, flag: bool) -> None:
    given = [one for one in parameters if one.default is one.empty or one.name in chosen]
    values = {one.name: flag if str(one.annotation) == "bool" else _argument(one) for one in given}
    if flag and "level" in values:
        values["level"] = ""  # takes it back
    result = call(**values)
    if inspect.isgenerator(result):
        next(result, None)


def test_every_documented_call_is_the_clients():
    documented = {
        (method, re.sub(r"\{[^}]*\}", "{}", route.path.removeprefix("/api/v1")))
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute) and route.include_in_schema and route.path.startswith("/api/v1")
        for method in route.methods
    }
    missing = documented - _calls_made() - set(NOT_OF_THE_CLIENT)
    assert not missing, "\n".join(f"{method} {path}" for method, path in sorted(missing))


def test_the_command_line_makes_every_call():
    folder = Path(tholos.cli.__file__).parent
    source = "".join(path.read_text("utf-8") for path in folder.glob("*.py"))
    calls = {name for name, _ in inspect.getmembers(Client, inspect.isfunction) if not name.startswith("_")}
    unused = {name for name in calls if not re.search(rf"\.{name}\b", source)}
    unused -= set(NOT_ON_THE_COMMAND_LINE)
    assert not unused, sorted(unused)
