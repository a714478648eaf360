"""What asks for the password again where apps and console are one origin, so that a page of an app cannot do it at any time.

There a script of an app can send whatever its visitor's browser may. What would outlast that visit (tokens, who may open what,
secrets, people) is done by a browser only within minutes of its sign-in. Programs with a token are not asked.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from tholos.accounts.errors import SignInTooOld
from tholos.accounts.service import Actor
from tholos.kit.http import SAFE_METHODS

WITHIN = timedelta(minutes=10)
GRAVE = frozenset({
    "access", "credential", "device", "environment", "hand-over", "import", "invitations", "keys", "oauth", "owner",
    "permissions", "secret", "secrets", "tokens", "users", "variables",
})  # fmt: skip
"""Words between the slashes of routes that change such things; those for administrators do so without one."""


def is_due(actor: Actor, now: datetime) -> bool:
    """Whether somebody has to sign in anew before doing such a thing: by a browser, some time after its sign-in."""
    return actor.signed_in_at is not None and now - actor.signed_in_at > WITHIN


def is_grave(method: str, route: str, *, is_for_administrators: bool) -> bool:
    """Whether a route does such a thing."""
    return method not in SAFE_METHODS and (is_for_administrators or not GRAVE.isdisjoint(route.split("/")))


def check(actor: Actor, now: datetime) -> None:
    """Raises: SignInTooOld."""
    if is_due(actor, now):
        raise SignInTooOld
