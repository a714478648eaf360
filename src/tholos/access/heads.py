"""What a request's head says that the door decides by."""

from __future__ import annotations

from tholos.accounts.service import TOKEN_PREFIX
from tholos.gateway.model import RequestHead
from tholos.kit.http import bearer_token, read_cookies


def header(head: RequestHead, name: bytes) -> str | None:
    """Its value; of several lines all, as a proxy in front would put them together (RFC 9110, 5.3): neither is believed alone."""
    found = [value for key, value in head.headers if key == name]
    return b",".join(found).decode("latin-1") if found else None


def own_token(head: RequestHead) -> str:
    """The API token of a request; empty where it has none, or one that is not ours but the app's."""
    token = bearer_token(header(head, b"authorization"))
    return token if token.startswith(TOKEN_PREFIX) else ""


def cookies_of(head: RequestHead) -> dict[str, str]:
    return read_cookies(
        ";".join(value.decode("latin-1") for name, value in head.headers if name == b"cookie")
    )


def is_navigation(head: RequestHead) -> bool:
    """A person's browser going to a page, which a redirect can take to the sign-in."""
    if head.method not in {"GET", "HEAD"} or head.upgrade:
        return False
    mode = header(head, b"sec-fetch-mode")
    return mode == "navigate" if mode is not None else "text/html" in (header(head, b"accept") or "")


def is_of_browser(head: RequestHead) -> bool:
    """Whether a browser sent it, of whatever kind: all of today's say how they fetch (W3C Fetch Metadata)."""
    return header(head, b"sec-fetch-mode") is not None or is_navigation(head)


def may_last(head: RequestHead) -> bool:
    """A websocket or an event stream."""
    return bool(head.upgrade) or "text/event-stream" in (header(head, b"accept") or "").lower()
