"""How many requests the carrier has served, how they ended and how long they took; nothing of who asked."""

from __future__ import annotations

from tholos.gateway.model import Carry, Decision, Ended
from tholos.kit.metrics import Histogram, Labels

CONSOLE, APP, DOOR = "console", "app", "door"
"""Who answered; what the door refused, or sent elsewhere, it answered itself."""


class Requests:
    """Called by the carrier for every request that is over; for one event loop."""

    def __init__(self) -> None:
        self.answered: dict[Labels, float] = {}
        """By who answered, the app and the class of the status, such as ``2xx``."""
        self.received: dict[Labels, float] = {}
        """Bytes of bodies, by who answered and the app."""
        self.sent: dict[Labels, float] = {}
        self.seconds = Histogram()
        """By who answered."""

    def __call__(self, ended: Ended) -> None:
        of, app = _answerer(ended.decision)
        key = (of, app, f"{ended.status // 100}xx")
        self.answered[key] = self.answered.get(key, 0) + 1
        self.received[of, app] = self.received.get((of, app), 0) + ended.received
        self.sent[of, app] = self.sent.get((of, app), 0) + ended.sent
        # How long a connection was kept says nothing of how fast we are.
        if ended.status != 101 and not ended.head.upgrade:
            self.seconds.observe((of,), ended.seconds)


def _answerer(decision: Decision | None) -> Labels:
    if not isinstance(decision, Carry):
        return DOOR, ""
    app = decision.details.get("app", "")
    return (APP, app.partition("--")[0]) if app else (CONSOLE, "")
