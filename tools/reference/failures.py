"""The error codes, from every class of an error that has one of its own."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from tools.reference.tables import MADE, code, first_paragraph, table

import tholos
from tholos.cli.failures import exit_code
from tholos.client.errors import remote
from tholos.kit.errors import Conflict, Forbidden, Invalid, NotFound, TholosError, Unavailable
from tholos.server.render import status_of

HEAD = f"""# Error codes

Every error, in the API, on the command line and in an operation, has a stable `code`, a message for people, and mostly a fix.
The message says more than the sentence here: which name, which file, which line. HTTP is the status that the API answers;
exit is what the command line exits with. An error that never crosses the API has no status.

{MADE}

"""
KINDS = (NotFound, Forbidden, Conflict, Invalid, Unavailable)
LOCAL = ("tholos.cli", "tholos.client")
"""What only the command line and the client raise."""
ELSEWHERE = ("tholos.testing", "tholos.server.migrations")


def text() -> str:
    rows = (_row(name, classes) for name, classes in sorted(classes_by_code().items()))
    return HEAD + table(("code", "kind", "HTTP", "exit", "what it says"), rows)


def classes_by_code() -> Mapping[str, Sequence[type[TholosError]]]:
    """Every class that names a code; those of the client that take on the server's code are left out."""
    for module in pkgutil.walk_packages(tholos.__path__, "tholos."):
        if not module.name.startswith(ELSEWHERE) and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found: dict[str, list[type[TholosError]]] = defaultdict(list)
    for error in sorted(set(_below(TholosError)), key=lambda one: (one.__module__, one.__name__)):
        if "code" in vars(error) and error.__module__.startswith("tholos.") and _stands_there(error):
            found[error.code].append(error)
    return found


def _stands_there(error: type[TholosError]) -> bool:
    """Whether it is a class of its module, and not one that somebody made up."""
    return getattr(sys.modules.get(error.__module__), error.__name__, None) is error


def _below(error: type[TholosError]) -> Iterator[type[TholosError]]:
    for one in error.__subclasses__():
        if not one.__module__.startswith(ELSEWHERE):
            yield one
        yield from _below(one)


def _row(name: str, classes: Sequence[type[TholosError]]) -> tuple[str, ...]:
    facts = [(_kind(one), _status(one), str(_exit(one))) for one in classes]
    kinds, statuses, exits = (_joined(column) for column in zip(*facts, strict=True))
    sentences = list(dict.fromkeys(first_paragraph(one.__doc__) for one in classes))
    said = sentences[0] if len(sentences) == 1 else "In several places: " + " Or: ".join(sentences)
    return code(name), kinds, statuses, exits, said


def _joined(facts: Sequence[str]) -> str:
    return " or ".join(one for one in dict.fromkeys(facts) if one)


def _kind(error: type[TholosError]) -> str:
    found = next((kind for kind in KINDS if issubclass(error, kind)), None)
    return {None: "bug" if error.code == "bug" else "failed"}.get(found, found.code if found else "").replace(
        "_", " "
    )


def _status(error: type[TholosError]) -> str:
    return "" if error.__module__.startswith(LOCAL) else str(status_of(error("")))


def _exit(error: type[TholosError]) -> int:
    """The command line meets the server's errors as answers, and its own as they are."""
    if error.__module__.startswith(LOCAL):
        return exit_code(error(""))
    return exit_code(remote(status_of(error("")), error.code, ""))
