"""One line for every request that is over, for operators who ask for it.

It says who went where only as far as visits do, and no query: links to sign in, codes and searches are in those.
"""

from __future__ import annotations

from tholos.gateway.model import Carry, Decision, Ended
from tholos.kit.log import ACCESS, get_logger

_SECRET = "/invitations/"  # noqa: S105 - what a path begins with that ends with a code


class AccessLog:
    """Called by the carrier for every request that is over."""

    def __init__(self, *, with_accounts: bool) -> None:
        self._log = get_logger(ACCESS)
        self._with_accounts = with_accounts

    def __call__(self, ended: Ended) -> None:
        head = ended.head
        path = head.target.partition("?")[0]
        self._log.info(
            "request_answered",
            method=head.method,
            host=head.host,
            path=_SECRET if path.startswith(_SECRET) else path,
            status=ended.status,
            received=ended.received,
            sent=ended.sent,
            seconds=round(ended.seconds, 4),
            **self._whose(ended.decision),
        )

    def _whose(self, decision: Decision | None) -> dict[str, str]:
        if not isinstance(decision, Carry):
            return {"by": "door"}
        details = decision.details
        if "app" not in details:
            return {"by": "console"}
        told = {"by": "app", "app": details["app"], "release": details["release"], "instance": decision.label}
        account = details.get("account_id", "")
        return {**told, "account": account} if account and self._with_accounts else told
