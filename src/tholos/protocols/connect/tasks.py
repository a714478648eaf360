"""An operation as this wire's task: what it said as lines that people read in their terminal. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from tholos.kit.db import JsonObject
from tholos.operations.models import Operation, OperationEvent, OperationState, StepState

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-Z\\-_]|$)|\x1b")
_BEGUN = {
    "fetch": "Fetching the repository…",
    "environment": "Building the Python environment…",
    "prepare": "Preparing…",
    "start": "Launching…",
    "health": "Waiting for its first answer…",
    "switch": "Activating…",
    "stop": "Stopping…",
}


def lines_of(events: Iterable[OperationEvent]) -> list[str]:
    """Everything that was said, in order; only added to while the operation goes on."""
    return [line for event in events for line in _lines(event)]


def to_json(operation: Operation, lines: Sequence[str], known: int) -> JsonObject:
    """A task with the lines that are not known yet. ``result`` stays empty: clients print it as a further line."""
    has_failed = operation.state in {OperationState.FAILED, OperationState.CANCELLED}
    return {
        "id": operation.id,
        "output": list(lines[known:]),
        "result": None,
        "finished": operation.has_ended,
        "code": 1 if has_failed else 0,
        "error": _error_of(operation) if has_failed else "",
        "last": len(lines),
    }


def _lines(event: OperationEvent) -> Iterator[str]:
    if event.kind == "step":
        yield from _of_step(event)
    elif event.kind == "error":
        yield from _of_error(event.data)
    elif event.text:
        yield from _plain(event.text)


def _of_step(event: OperationEvent) -> Iterator[str]:
    state = event.data.get("state")
    if state == StepState.RUNNING and event.step in _BEGUN:
        yield _BEGUN[event.step]
    elif state == StepState.DONE and event.text:
        yield from _plain(f"{event.step}: {event.text} ({event.data.get('seconds', 0)} s)")


def _of_error(error: JsonObject) -> Iterator[str]:
    for part in (error.get("excerpt"), error.get("message")):
        yield from _plain(str(part or ""))
    if error.get("where"):
        yield from _plain(f"  at {error['where']}")
    if error.get("fix"):
        yield from _plain(str(error["fix"]))


def _error_of(operation: Operation) -> str:
    if operation.state == OperationState.CANCELLED:
        return "It was cancelled."
    error = operation.error or {}
    where = f" ({error['where']})" if error.get("where") else ""
    return f"{error.get('message', 'It failed.')}{where}"


def _plain(text: str) -> Iterator[str]:
    """Without what colours a terminal."""
    yield from _ESCAPES.sub("", text).splitlines()
