"""Which requests are visits: the carrier tells of each that is over, and what somebody went to is noted."""

from __future__ import annotations

from tholos.access.heads import header, is_navigation
from tholos.accounts import agents
from tholos.gateway.model import Carry, Ended, RequestHead
from tholos.kit.clock import Clock
from tholos.usage.service import Seen
from tholos.usage.tasks import Recorder

NOT_MODIFIED = 304


class Visits:
    """Called by the carrier for every request that is over."""

    def __init__(self, recorder: Recorder, clock: Clock) -> None:
        self._recorder = recorder
        self._clock = clock

    def __call__(self, ended: Ended) -> None:
        head, decision, status = ended.head, ended.decision, ended.status
        if not isinstance(decision, Carry) or "app_id" not in decision.details:
            return
        # An app that sends somebody on is visited where they arrive.
        is_answered = 200 <= status < 300 or status == NOT_MODIFIED
        if is_answered and head.method == "GET" and is_navigation(head):
            self._recorder.note(self._seen(head, decision))

    def _seen(self, head: RequestHead, decision: Carry) -> Seen:
        details = decision.details
        return Seen(
            details["app_id"],
            int(details["release"]),
            details["account_id"],
            self._clock.now(),
            (decision.target or head.target).partition("?")[0],
            agents.words(header(head, b"user-agent") or ""),
        )
