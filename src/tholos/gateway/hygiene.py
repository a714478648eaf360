"""What of a request's head is ours alone: one list for the door and for the proxy in front of it."""

from __future__ import annotations

from dataclasses import replace

from tholos.gateway.model import RequestHead

IDENTITY_PREFIXES = (b"x-tholos-", b"x-forwarded-", b"rstudio-connect-", b"posit-connect-", b"x-rsc-")
"""Headers that only we may set, of every protocol; a client's are removed on every path."""
IDENTITY_HEADERS = frozenset({b"x-script-name", b"forwarded", b"x-real-ip"})
CALLBACK = "/.tholos/callback"
"""Where sign-ins come back to on an app's host: the door's own."""
PEER = b"x-forwarded-for"
"""Set by the proxy in front for the door, which believes it from nobody else."""


def seen_by_proxy(head: RequestHead) -> RequestHead:
    """A request with its client's address: one that came by the unix socket has it from the proxy, which alone listens there."""
    if head.peer:
        return head
    told = [value for name, value in head.headers if name == PEER]
    return replace(head, peer=told[-1].decode("latin-1")) if told else head
