"""Use cases of operations: begin, say, step, end, cancel, claim. Whoever does the work calls these; nothing else writes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tholos.accounts.service import Actor
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.kit import ids
from tholos.kit.db import JsonObject, ReadDb, WriteDb
from tholos.operations import queries
from tholos.operations.errors import CancelRequested, OperationUnderWay, TransitionRefused
from tholos.operations.models import (
    DECIDED,
    TRANSITIONS,
    Operation,
    OperationEvent,
    OperationState,
    OperationStep,
    StepState,
)

LEASE = timedelta(seconds=30)
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Subject:
    """What an operation is about."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Said:
    """An event that is not yet written."""

    kind: str
    text: str
    step: str = ""
    data: JsonObject = field(default_factory=dict)


def topic(operation_id: str) -> str:
    """The notice that an operation said something."""
    return f"operation:{operation_id}"


QUEUE_TOPIC = "operations"


def begin(
    db: WriteDb,
    actor: Actor,
    kind: str,
    subject: Subject,
    steps: Iterable[str],
    request: JsonObject,
    now: datetime,
    *,
    idempotency_key: str | None = None,
    may_wait: bool = False,
) -> Operation:
    """A queued operation; one that may wait has its turn after what is under way for its subject.

    Raises: OperationUnderWay: one at a time for a subject.
    """
    other = queries.find_under_way(db, subject.id)
    if other is not None and not may_wait:
        raise OperationUnderWay(
            f"Cannot begin: another {other.kind} of {subject.name} is under way.",
            fix="Wait for it, or cancel it: tholos cancel " + other.id,
            operation=other.id,
        )
    operation = _new(actor, kind, subject, request, now)
    operation.idempotency_key = idempotency_key or None
    db.add(operation)
    db.flush()
    for position, name in enumerate(steps):
        db.add(
            OperationStep(
                operation_id=operation.id, position=position, name=name, state=StepState.WAITING, text=""
            )
        )
    db.flush()
    return operation


def record_done(
    db: WriteDb, actor: Actor, kind: str, subject: Subject, result: JsonObject, text: str, now: datetime
) -> Operation:
    """An operation that had nothing to do: it has ended as it begins, and says why."""
    operation = _new(actor, kind, subject, result, now)
    operation.state, operation.result = OperationState.DONE, result
    operation.started_at = operation.ended_at = now
    db.add(operation)
    db.flush()
    say(
        db, operation.id,
        [Said("line", text), Said("result", "", "", {**result, "state": OperationState.DONE})], now,
    )  # fmt: skip
    return operation


def find_by_key(db: ReadDb, actor: Actor, key: str | None) -> Operation | None:
    return queries.find_by_key(db, actor.account_id, key) if key else None


def get_visible(db: ReadDb, actor: Actor, operation_id: str) -> Operation:
    """Raises: OperationNotFound."""
    return queries.get_visible(db, operation_id, queries.visible_to(actor))


def list_newest(
    db: ReadDb, actor: Actor, subject_id: str | None = None, name: str | None = None, limit: int = 50
) -> Sequence[Operation]:
    return queries.list_newest(db, queries.visible_to(actor), subject_id, name, limit)


def list_last(db: ReadDb, subject_ids: Sequence[str], actor: Actor | None = None) -> Sequence[Operation]:
    """The newest of each subject; with an actor, as far as they may see it."""
    return queries.list_last(db, subject_ids, queries.visible_to(actor) if actor else None)


def list_about(
    db: ReadDb, actor: Actor, subject_id: str, key: str, values: Sequence[str]
) -> Sequence[Operation]:
    """Those of a subject that an actor may see and that were asked for with one of some texts, the oldest first."""
    return queries.list_about(db, queries.visible_to(actor), subject_id, key, values) if values else []


def find_under_way(db: ReadDb, subject_id: str) -> Operation | None:
    return queries.find_under_way(db, subject_id)


def count_by_state(db: ReadDb) -> dict[tuple[str, str], int]:
    """All that are kept, by kind and state."""
    return queries.count_by_state(db)


def list_under_way(db: ReadDb) -> Sequence[Operation]:
    return queries.list_under_way(db)


def list_steps(db: ReadDb, operations: Sequence[Operation]) -> dict[str, list[OperationStep]]:
    steps: dict[str, list[OperationStep]] = {operation.id: [] for operation in operations}
    for step in queries.list_steps(db, list(steps)):
        steps[step.operation_id].append(step)
    return steps


def list_events(db: ReadDb, operation_id: str, after: int, limit: int = 1000) -> Sequence[OperationEvent]:
    return queries.list_events(db, operation_id, after, limit)


def list_all_events(db: ReadDb, operation_id: str) -> Sequence[OperationEvent]:
    """Everything an operation said so far; it is bounded by what an operation may tell."""
    return queries.list_events(db, operation_id, 0, None)


def get_operation(db: ReadDb, operation_id: str) -> Operation:
    return queries.get_operation(db, operation_id)


def find_operation(db: ReadDb, operation_id: str | None) -> Operation | None:
    return queries.find_operation(db, operation_id) if operation_id else None


def list_claimable(db: ReadDb, now: datetime) -> Sequence[str]:
    return queries.list_claimable(db, now)


def claim(db: WriteDb, operation_id: str, holder: str, now: datetime) -> Operation | None:
    """Take an operation to work on it; None where somebody else holds it, it has ended, or it is not its turn."""
    operation = queries.get_operation(db, operation_id)
    is_held = operation.lease_until is not None and operation.lease_until >= now
    if operation.has_ended or is_held or queries.find_before(db, operation) is not None:
        return None
    _move(operation, OperationState.RUNNING)
    operation.attempt += 1
    operation.lease_holder = holder
    operation.lease_until = now + LEASE
    operation.started_at = operation.started_at or now
    return operation


def release_leases(db: WriteDb, holder: str, now: datetime) -> None:
    """What this holder held before it ended can be claimed at once."""
    for operation in queries.list_held(db, holder):
        operation.lease_until = now - timedelta(microseconds=1)


def renew_leases(db: WriteDb, holder: str, under_way: Collection[str], now: datetime) -> None:
    """Hold on to what is really being done; what the holder left without an end lapses."""
    for operation in queries.list_held(db, holder):
        if operation.id in under_way:
            operation.lease_until = now + LEASE


def say(db: WriteDb, operation_id: str, said: Iterable[Said], now: datetime) -> None:
    """Append events, numbered on from the last."""
    number = queries.last_event(db, operation_id)
    for number, one in enumerate(said, number + 1):  # noqa: B020 - counting on from where it stands
        db.add(
            OperationEvent(
                operation_id=operation_id,
                n=number,
                at=now,
                kind=one.kind,
                step=one.step,
                text=one.text,
                data=one.data,
            )
        )
    db.flush()


def start_step(db: WriteDb, operation_id: str, name: str, now: datetime) -> None:
    step = queries.get_step(db, operation_id, name)
    step.state, step.started_at, step.ended_at = StepState.RUNNING, now, None
    say(db, operation_id, [Said("step", "", name, {"state": StepState.RUNNING})], now)


def end_step(db: WriteDb, operation_id: str, name: str, state: StepState, text: str, now: datetime) -> None:
    step = queries.get_step(db, operation_id, name)
    step.state, step.text, step.ended_at = state, text, now
    step.started_at = step.started_at or now
    seconds = (now - step.started_at).total_seconds()
    say(db, operation_id, [Said("step", text, name, {"state": state, "seconds": round(seconds, 3)})], now)


def finish(db: WriteDb, operation_id: str, result: JsonObject, now: datetime) -> Operation:
    operation = _end(db, operation_id, OperationState.DONE, now)
    operation.result = result
    say(db, operation_id, [Said("result", "", "", {**result, "state": OperationState.DONE})], now)
    return operation


def fail(db: WriteDb, operation_id: str, error: JsonObject, now: datetime) -> Operation:
    operation = _end(db, operation_id, OperationState.FAILED, now)
    operation.error = error
    say(db, operation_id, [Said("error", str(error.get("message", "")), "", error)], now)
    return operation


def cancelled(db: WriteDb, operation_id: str, now: datetime) -> Operation:
    operation = _end(db, operation_id, OperationState.CANCELLED, now)
    say(db, operation_id, [Said("result", "cancelled", "", {"state": OperationState.CANCELLED})], now)
    return operation


def request_cancel(db: WriteDb, actor: Actor, operation_id: str, now: datetime) -> Operation:
    """Ask for an end, which whoever works on it brings about: what it has made so far is cleared up by its kind, and
    one that still waits is claimed to be ended. Those that have ended or are decided stay as they are.

    Raises: OperationNotFound.
    """
    operation = get_visible(db, actor, operation_id)
    if operation.has_ended or operation.is_decided:
        return operation
    if operation.cancel_requested_at is None:
        operation.cancel_requested_at = now
        subject = audit.Subject("operation", operation.id, f"{operation.kind} of {operation.subject_name}")
        audit.record(db, actor, Action.OPERATION_CANCELLED, subject, now)
    return operation


def decide(db: WriteDb, operation_id: str) -> None:
    """Called in the transaction that does what an operation is for: either that is done, or it is cancelled.

    Raises: CancelRequested, TransitionRefused: it has ended.
    """
    operation = queries.get_operation(db, operation_id)
    if operation.has_ended:
        raise TransitionRefused(f"Cannot go on with operation {operation.id}: it is {operation.state}.")
    if operation.cancel_requested_at is not None and not operation.is_decided:
        raise CancelRequested
    operation.request = {**operation.request, DECIDED: True}


def _new(actor: Actor, kind: str, subject: Subject, request: JsonObject, now: datetime) -> Operation:
    return Operation(
        id=ids.new_id("op"),
        organization_id=actor.organization_id,
        account_id=actor.account_id,
        kind=kind,
        subject_id=subject.id,
        subject_name=subject.name,
        state=OperationState.QUEUED,
        attempt=0,
        request=request,
        created_at=now,
    )


def _end(db: WriteDb, operation_id: str, state: OperationState, now: datetime) -> Operation:
    operation = queries.get_operation(db, operation_id)
    _move(operation, state)
    operation.ended_at = now
    operation.lease_holder = operation.lease_until = None
    for step in queries.list_steps(db, [operation_id]):
        if step.state == StepState.RUNNING:
            step.state, step.ended_at = _step_left_by(state), now
        elif step.state == StepState.WAITING:
            step.state = StepState.SKIPPED
    return operation


def _step_left_by(state: OperationState) -> StepState:
    return {OperationState.DONE: StepState.DONE, OperationState.FAILED: StepState.FAILED}.get(
        state, StepState.SKIPPED
    )


def _move(operation: Operation, state: OperationState) -> None:
    if state not in TRANSITIONS[OperationState(operation.state)]:
        raise TransitionRefused(f"Cannot make operation {operation.id} {state}: it is {operation.state}.")
    operation.state = state
