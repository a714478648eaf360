"""Logging in by a browser: a code to compare, a page to confirm it on, and waiting until somebody has."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

from tholos.cli.console import Console
from tholos.client.address import Address
from tholos.client.api import Client
from tholos.client.errors import RemoteInvalid, RemoteUnavailable, Unreachable
from tholos.client.signing_in import DeviceCode, SignIn
from tholos.kit.errors import NotSignedIn

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
STEP_SECONDS = 0.1
SLOWER_SECONDS = 5
"""How much less often to ask after having asked too often (RFC 8628, 3.5)."""
SLOWEST_SECONDS = 30


class NotLetIn(NotSignedIn):
    """Cannot log in: nobody has let this terminal in."""

    code = "not_let_in"


def sign_in_by_browser(
    client: Client,
    label: str,
    console: Console,
    *,
    opens_browser: bool,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> SignIn:
    """Ask to be let in, say where, and wait.

    Raises:
        NotLetIn: nobody did in time.
        RemoteForbidden: somebody refused.
    """
    code = client.begin_device_sign_in(label)
    page, whole = page_of(client.address, code)
    console.note(f"open  {page}")
    console.note(
        f"code  {code.user_code}  (the page shows the same one; good for {code.seconds // 60} minutes)"
    )
    if opens_browser:
        import webbrowser

        webbrowser.open(whole)
    return wait(client, code, console, sleep=sleep, clock=clock)


def wait(
    client: Client,
    code: DeviceCode,
    console: Console,
    *,
    sleep: Callable[[float], None],
    clock: Callable[[], float],
) -> SignIn:
    """Raises NotLetIn, RemoteForbidden."""
    ends, interval = clock() + code.seconds, code.interval
    while clock() < ends:
        turn(interval, console, sleep)
        try:
            signed_in = client.finish_device_sign_in(code.secret)
        except (Unreachable, RemoteUnavailable):
            interval = min(
                2 * interval, SLOWEST_SECONDS
            )  # it is away for a moment; the code is still good there
        except RemoteInvalid as error:
            if error.code == "slow_down":
                interval += SLOWER_SECONDS
            elif error.code != "authorization_pending":
                break
        else:
            console.clear()
            return signed_in
    console.clear()
    raise NotLetIn(
        "Cannot log in: nobody has let this terminal in in time.", fix=f"tholos login {client.address}"
    )


def turn(seconds: int, console: Console, sleep: Callable[[float], None]) -> None:
    """Wait, and show that somebody is waited for."""
    for number in range(round(seconds / STEP_SECONDS)):
        console.status(f"{SPINNER[number % len(SPINNER)]} waiting for you in the browser · Ctrl-C leaves")
        sleep(STEP_SECONDS)


def page_of(address: Address, code: DeviceCode) -> tuple[str, str]:
    """The page to open, without and with the code in it.

    A server that was told of no name of its own takes itself for this machine; who came from elsewhere knows better.
    """
    said = Address.parse(code.page)
    if said.is_loopback and not address.is_loopback:
        return f"{address}/device", f"{address}/device?code={code.user_code}"
    return code.page, code.whole_page


def has_browser() -> bool:
    """Whether a browser that is opened here is seen: not over a remote shell, nor where there is no screen."""
    if os.environ.get("SSH_CONNECTION"):
        return False
    return sys.platform in {"darwin", "win32"} or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))
