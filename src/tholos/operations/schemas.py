"""JSON shapes of operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import BaseModel

from tholos.kit.clock import to_text
from tholos.operations.models import Operation, OperationEvent, OperationStep

_NO_FAILURE = {"code": "", "message": "", "fix": "", "where": "", "excerpt": ""}
"""Every field of a failure is there, empty where nothing is known."""


class StepOut(BaseModel):
    name: str
    state: str
    seconds: float | None
    text: str
    started_at: str | None


class OperationOut(BaseModel):
    id: str
    kind: str
    app: str
    state: str
    attempt: int
    account: str
    created_at: str
    started_at: str | None
    ended_at: str | None
    url: str
    steps: list[StepOut]
    error: dict[str, object] | None
    result: dict[str, object] | None


class OperationList(BaseModel):
    items: list[OperationOut]


class EventOut(BaseModel):
    n: int
    at: str
    kind: str
    step: str
    text: str
    data: dict[str, object]


def operation_out(
    operation: Operation, steps: Sequence[OperationStep], names: Mapping[str, str], console_url: str
) -> OperationOut:
    """An operation with its steps; ``names`` has the name of each account id."""
    return OperationOut(
        id=operation.id,
        kind=operation.kind,
        app=operation.subject_name,
        state=operation.state,
        attempt=operation.attempt,
        account=names.get(operation.account_id, ""),
        created_at=to_text(operation.created_at) or "",
        started_at=to_text(operation.started_at),
        ended_at=to_text(operation.ended_at),
        url=f"{console_url}/operations/{operation.id}",
        steps=[_step_out(step) for step in steps],
        error={**_NO_FAILURE, **operation.error} if operation.error else None,
        result=operation.result,
    )


def event_out(event: OperationEvent) -> EventOut:
    return EventOut(
        n=event.n,
        at=to_text(event.at) or "",
        kind=event.kind,
        step=event.step,
        text=event.text,
        data=event.data,
    )


def _step_out(step: OperationStep) -> StepOut:
    seconds = None
    if step.started_at and step.ended_at:
        seconds = round((step.ended_at - step.started_at).total_seconds(), 3)
    return StepOut(
        name=step.name, state=step.state, seconds=seconds, text=step.text, started_at=to_text(step.started_at)
    )
