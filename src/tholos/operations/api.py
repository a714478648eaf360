"""HTTP of operations: read, follow, cancel."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from fastapi import Header, Query
from starlette.responses import StreamingResponse

from tholos.accounts import service as accounts
from tholos.accounts.models import Scope
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.kit.db import ReadDb
from tholos.kit.errors import Forbidden, NotFound
from tholos.kit.notices import Notices, wait
from tholos.kit.streams import Message, encode, media_type
from tholos.kit.threads import in_thread
from tholos.operations import schemas
from tholos.operations import service as operations
from tholos.operations.models import Operation, OperationEvent

QUIET_S = 15.0
MOST_EVENTS = 2**31 - 1  # what the column of their numbers holds

routes = Routes(prefix="/api/v1/operations", tags=["operations"])


@routes.declare("GET", "", permission=Permission.SIGNED_IN)
def list_operations(
    call: Calling, app: str | None = Query(None, max_length=100), limit: int = Query(50, ge=1, le=500)
) -> schemas.OperationList:
    """The operations that one may see, of one app or of all, the newest first."""
    with call.read() as db:
        found = operations.list_newest(db, call.actor, name=app, limit=limit)
        return schemas.OperationList(items=shown(db, found, call.site.url))


@routes.declare("GET", "/{operation_id}", permission=Permission.SIGNED_IN)
def get_operation(call: Calling, operation_id: str) -> schemas.OperationOut:
    """One operation with its steps."""
    with call.read() as db:
        return shown(db, [operations.get_visible(db, call.actor, operation_id)], call.site.url)[0]


@routes.declare(
    "POST", "/{operation_id}/cancel", permission=Permission.SIGNED_IN, scope=Scope.PUBLISH, status_code=202
)
def cancel_operation(call: Calling, operation_id: str) -> schemas.OperationOut:
    """Ask an operation to stop; it ends a little later. One that has switched already goes on to its end.

    Whatever may begin an operation may stop it: a token for one app those of that app.
    """
    cancel(call, operation_id)
    return get_operation(call, operation_id)


@routes.declare("GET", "/{operation_id}/events", permission=Permission.SIGNED_IN)
async def follow_operation(
    call: Calling,
    operation_id: str,
    after: int = Query(0, ge=0, le=MOST_EVENTS),
    last_event_id: int = Header(0, ge=0, le=MOST_EVENTS),
    accept: str | None = Header(None),
) -> StreamingResponse:
    """An operation's events in order, as they come, until it has ended."""
    await in_thread(get_operation, call, operation_id)
    messages = _follow(call, operation_id, max(after, last_event_id))
    return StreamingResponse(encode(messages, accept), media_type=media_type(accept))


def cancel(call: Call, operation_id: str) -> None:
    """Ask for the end of an operation, and wake who works on it."""
    with call.write() as db:
        operations.request_cancel(db, call.actor, operation_id, call.now)
    call.get(Notices).publish(operations.QUEUE_TOPIC)
    call.get(Notices).publish(operations.topic(operation_id))


def shown(db: ReadDb, found: Sequence[Operation], console_url: str) -> list[schemas.OperationOut]:
    if not found:
        return []
    steps = operations.list_steps(db, found)
    names = accounts.account_names(db, [operation.account_id for operation in found])
    return [schemas.operation_out(one, steps[one.id], names, console_url) for one in found]


async def _follow(call: Call, operation_id: str, after: int) -> AsyncIterator[Message | None]:
    with call.get(Notices).watch(operations.topic(operation_id), accounts.ACCESS_TOPIC) as woken:
        while True:
            try:
                events, has_ended = await in_thread(_next_events, call, operation_id, after)
            except (NotFound, Forbidden):
                return
            for event in events:
                after = event.n
                yield Message(event.kind, schemas.event_out(event).model_dump(), event.n)
            if has_ended and not events:
                return
            if not events and not await wait(woken, QUIET_S):
                yield None


def _next_events(call: Call, operation_id: str, after: int) -> tuple[Sequence[OperationEvent], bool]:
    """Raises: OperationNotFound, NotSignedIn: who asks may not see it any more."""
    with call.read() as db:
        actor = call.find_present_actor(db)
        has_ended = operations.get_visible(db, actor, operation_id).has_ended
        return operations.list_events(db, operation_id, after), has_ended
