"""Errors as answers: JSON for programs, a page for people, on the console and on an app's host. One table of statuses."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tholos import __version__
from tholos.accounts.errors import TooManyAttempts
from tholos.gateway.fleet import OwnAnswer
from tholos.gateway.model import Answer, RequestHead
from tholos.kit.errors import Conflict, Forbidden, Invalid, NotFound, NotSignedIn, TholosError, Unavailable
from tholos.kit.ids import new_id
from tholos.kit.pages import Pages
from tholos.kit.rates import TooManyRequests
from tholos.kit.versions import EditedMeanwhile
from tholos.publishing.content import BodyTooLarge

_STATUSES: tuple[tuple[type[TholosError], int], ...] = (
    (BodyTooLarge, 413),
    (TooManyAttempts, 429),
    (TooManyRequests, 429),
    (EditedMeanwhile, 412),
    (NotSignedIn, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (Invalid, 400),
    (Unavailable, 503),
)
_TITLES = {
    400: "That cannot be done so",
    401: "Sign in first",
    403: "This is not for you",
    404: "There is nothing here",
    409: "Something was there first",
    412: "Somebody else changed it meanwhile",
    413: "That is too much",
    429: "That was too often",
    503: "It is not there just now",
}
RETRY_AFTER_S = 5
_STARTING = "waiting for its first answer"


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """What ``error.html`` and ``error_standalone.html`` print."""

    title: str
    status: int
    message: str
    fix: str
    request_id: str
    home_url: str
    refresh_s: int = 0
    step: str = ""
    elapsed_s: float = 0.0
    link: str = ""
    """Where more of it is, for whoever is signed in."""
    link_text: str = ""
    account: object = None
    server_version: str = __version__
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    notice: str = ""
    query: str = ""
    json_url: str = ""


def status_of(error: TholosError) -> int:
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


def headers_of(error: TholosError) -> dict[str, str]:
    """What a status is sent with: when to come back (RFC 9110, 10.2.3), or how to sign in (11.6.1)."""
    status = status_of(error)
    if status in {429, 503}:
        return {"retry-after": str(error.details.get("retry_after_s", RETRY_AFTER_S))}
    return {"www-authenticate": 'Bearer realm="tholos"'} if status == 401 else {}


def error_json(error: TholosError, request_id: str) -> dict[str, object]:
    return {"error": error.to_json(), **({"request_id": request_id} if request_id else {})}


def error_page(error: TholosError, request_id: str, home_url: str, account: object = None) -> ErrorPage:
    status = status_of(error)
    is_starting = error.details.get("state") == "starting"
    link = str(error.details.get("page") or "")
    return ErrorPage(
        title=f"{error.details.get('app')} is starting"
        if is_starting
        else _TITLES.get(status, "Something broke"),
        status=status,
        message=error.message,
        fix=error.fix,
        request_id=request_id,
        home_url=home_url,
        # Only what can come by itself is worth asking again.
        refresh_s=RETRY_AFTER_S if error.details.get("state") in {"starting", "failing"} else 0,
        step=_STARTING if is_starting else "",
        elapsed_s=_seconds_since(error.details.get("since")) if is_starting else 0.0,
        link=link,
        link_text=_link_text(link),
        account=account,
    )


def _link_text(link: str) -> str:
    if link.startswith("/sign-in"):
        return "Sign in again"
    return "See its log" if link.endswith("/logs") else "See its state"


def _seconds_since(moment: object) -> float:
    if not isinstance(moment, str):
        return 0.0
    return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds())


_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


class DoorErrors:
    """Renders what the front door refuses, in the form the client asked for."""

    def __init__(self, pages: Pages, home_url: str) -> None:
        self._pages = pages
        self._home_url = home_url
        self._policy = self._find_policy()

    def _find_policy(self) -> bytes:
        """Only the page's own style, by its hash: it is shown on an app's host."""
        shown = _STYLE.search(
            self._pages.text("error_standalone.html", error_page(NotFound(), "", self._home_url))
        )
        digest = hashlib.sha256((shown[1] if shown else "").encode()).digest()
        return b"default-src 'none'; img-src data:; style-src 'sha256-" + base64.b64encode(digest) + b"'"

    def __call__(self, head: RequestHead, error: TholosError) -> Answer:
        accept = next((value for name, value in head.headers if name == b"accept"), b"")
        return self._answer(error, new_id("req"), is_page=b"text/html" in accept and not head.upgrade)

    def for_proxy(self, error: TholosError, status: int) -> OwnAnswer:
        """The same where the proxy answers by itself: of no request in particular."""
        page, plain = (self._answer(error, "", is_page=is_page) for is_page in (True, False))
        headers = tuple(
            (name.decode(), value.decode()) for name, value in page.headers if name != b"content-type"
        )
        return OwnAnswer(status, page.body.decode(), plain.body.decode(), headers)

    def _answer(self, error: TholosError, request_id: str, *, is_page: bool) -> Answer:
        if is_page:
            page = error_page(error, request_id, self._home_url)
            body, content_type = (
                self._pages.text("error_standalone.html", page).encode(),
                b"text/html; charset=utf-8",
            )
        else:
            body = json.dumps(error_json(error, request_id), ensure_ascii=False).encode() + b"\n"
            content_type = b"application/json"
        headers = [
            (b"content-type", content_type),
            (b"cache-control", b"no-store"),
            (b"content-security-policy", self._policy),
        ]
        headers += [(name.encode(), value.encode()) for name, value in headers_of(error).items()]
        return Answer(status_of(error), headers, body)
