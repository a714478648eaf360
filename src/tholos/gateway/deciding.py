"""From a request to where it goes: asks the injected decision, and makes of every outcome one that can be acted on."""

from __future__ import annotations

from dataclasses import dataclass

from tholos.gateway.answers import plain_answer
from tholos.gateway.errors import BodyTooLong
from tholos.gateway.incoming import Request
from tholos.gateway.model import Answer, Carry
from tholos.gateway.outgoing import field_lines, render_request
from tholos.gateway.shared import Shared
from tholos.kit.errors import TholosError

WRONG = plain_answer(500, "Something went wrong here.")
"""The answer where an unexpected error leaves nothing to say; what it was is reported, not shown."""

_MOST_DECISIONS = 3


@dataclass(frozen=True, slots=True)
class Way:
    """A request that is carried."""

    carry: Carry
    head: bytes
    """What the upstream is sent before the body."""
    added: bytes
    """Header lines for the final answer."""


async def find_way(shared: Shared, request: Request, attempt: int) -> Way | Answer:
    """Asks where a request goes; an error that is raised becomes its answer."""
    head = request.head
    try:
        for _ in range(_MOST_DECISIONS):
            changes = shared.access_changes
            decision = await shared.decide(head, attempt)
            if isinstance(decision, Answer):
                return decision
            if 0 < decision.max_body < request.length:
                return shared.render(head, BodyTooLong(decision.max_body), BodyTooLong.status)
            # Access that changed while this was being decided may have been read before the change.
            if changes == shared.access_changes or is_allowed(decision):
                return Way(decision, render_request(request, decision), field_lines(decision.answer_headers))
        return plain_answer(403, "Access to this has ended.")
    except TholosError as error:
        return shared.render(head, error)
    except Exception as error:  # noqa: BLE001 - injected code must not leave the client waiting
        shared.on_error(head, error)
        return WRONG


def is_allowed(carry: Carry) -> bool:
    """Whether access still holds; a check that fails counts as a refusal."""
    if carry.still_allowed is None:
        return True
    try:
        return carry.still_allowed()
    except Exception:  # noqa: BLE001 - injected code; without proof there is no access
        return False
