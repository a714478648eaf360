"""The page where somebody who is signed in lets a terminal in, or does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from tholos.accounts import device
from tholos.accounts.errors import DeviceCodeUnknown
from tholos.accounts.models import DeviceSignIn
from tholos.accounts.pace import Pace
from tholos.accounts.pages import Frame, Text, account_of
from tholos.accounts.routes import Call, Calling, Permission, Routes
from tholos.kit.pages import Pages

routes = Routes(include_in_schema=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DevicePage(Frame):
    state: str
    """``ask`` for a code, ``decide``, ``approved`` or ``refused``."""
    code: str = ""
    label: str = ""
    address: str = ""
    is_same_address: bool = False
    """Whether the terminal asks from where the browser is."""
    begun_at: datetime | None = None
    errors: Mapping[str, str]


@routes.declare("GET", "/device", permission=Permission.SIGNED_IN)
def show_device(call: Calling, code: Annotated[str, Query(max_length=100)] = "") -> Response:
    if not code.strip():
        return _page(call, "ask")
    try:
        return _decision_page(call, code)
    except DeviceCodeUnknown as error:
        return _page(call, "ask", code, wrong={"code": f"{error.message} {error.fix}"}, status=404)


@routes.declare("POST", "/device", permission=Permission.SIGNED_IN)
def decide_device(call: Calling, code: Text = "", decision: Text = "") -> Response:
    """Let it in or refuse it; any other word shows the page to decide on."""
    try:
        if decision not in _DECISIONS:
            return _decision_page(call, code)
        with _guess(call), call.write() as db:
            decided = device.decide(db, call.actor, code, call.now, is_approved=decision == "approve")
    except DeviceCodeUnknown as error:
        return _page(call, "ask", code, wrong={"code": f"{error.message} {error.fix}"}, status=404)
    return _page(call, _DECISIONS[decision], found=decided)


def _decision_page(call: Call, code: str) -> Response:
    """Raises: DeviceCodeUnknown, TooManyRequests."""
    with _guess(call), call.read() as db:
        found = device.find_waiting(db, code, call.now)
    return _page(call, "decide", device.read_code(code), found=found)


@contextmanager
def _guess(call: Call) -> Iterator[None]:
    """A code that is none counts.

    Raises: TooManyRequests.
    """
    pace = call.get(Pace)
    pace.check_guess(call.address, call.now)
    try:
        yield
    except DeviceCodeUnknown:
        pace.note_wrong_guess(call.address, call.now)
        raise


_DECISIONS = {"approve": "approved", "refuse": "refused"}
_TITLES = {
    "ask": "Let a terminal in",
    "decide": "Let this terminal in?",
    "approved": "The terminal is in",
    "refused": "The terminal stays out",
}


def _page(
    call: Call,
    state: str,
    code: str = "",
    *,
    found: DeviceSignIn | None = None,
    wrong: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    page = DevicePage(
        title=_TITLES[state],
        account=account_of(call),
        state=state,
        code=code[:40],
        label=found.label if found else "",
        address=found.address if found else "",
        is_same_address=found is not None and found.address == call.address,
        begun_at=found.created_at if found else None,
        errors=wrong or {},
    )
    return call.get(Pages).answer("device.html", page, status)
