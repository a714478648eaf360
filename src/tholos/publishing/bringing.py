"""The settings that a manifest among the files brings for an app's first release: its plain variables and limits. Pure.

They are checked before anything is recorded. In later releases they have no part: an app's settings are its own by then.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tholos.apps import limits as app_limits
from tholos.apps.errors import LimitInvalid
from tholos.apps.limits import Limits
from tholos.detect.model import Brought
from tholos.kit.db import JsonObject
from tholos.kit.errors import Invalid
from tholos.kit.text import storable
from tholos.operations.service import Said
from tholos.publishing.errors import BroughtInvalid
from tholos.variables.errors import ValueInvalid
from tholos.variables.names import check_amount, check_name, check_value

_NOTHING = Brought("")


def variables_of(brought: Brought | None) -> dict[str, str]:
    """Plain variables by name.

    Raises: BroughtInvalid.
    """
    brought = brought or _NOTHING
    found: dict[str, str] = {}
    for name, value in brought.variables.items():
        with _told(brought, f"variables.{name}"):
            check_name(name)
            found[name] = _text(name, value)
    with _told(brought, "variables"):
        check_amount((name, len(value.encode())) for name, value in found.items())
    return found


def limits_of(brought: Brought | None) -> dict[str, int]:
    """Limits by name; those that are not known are passed over.

    Raises: BroughtInvalid.
    """
    brought = brought or _NOTHING
    found: dict[str, int] = {}
    for name in app_limits.WHOLE:
        value = brought.limits.get(name)
        if value is not None:
            with _told(brought, f"limits.{name}"):
                found[name] = _whole(name, value)
                app_limits.with_limits({}, app_limits.of_numbers({name: found[name]}))
    return found


def with_limits(settings: JsonObject, brought: Brought | None) -> JsonObject:
    """A first release's settings, with the limits that are brought where none were said.

    Raises: BroughtInvalid.
    """
    said = app_limits.limits_of(settings)
    return (
        settings
        if said != Limits()
        else app_limits.with_limits(settings, app_limits.of_numbers(limits_of(brought)))
    )


def findings(brought: Brought | None) -> Iterator[Said]:
    """What is taken, as it is told while publishing."""
    names = [*variables_of(brought), *limits_of(brought)]
    if brought is not None and names:
        value, why = ", ".join(names), f"in {brought.path}"
        data: JsonObject = {"label": "settings", "value": value, "why": why, "where": brought.path}
        yield Said("finding", f"{value} {why}", "upload", data)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ValueInvalid(f'Cannot set {name}: its value is no text, which stands in quotes, as "120".')
    return check_value(value, name)


def _whole(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise LimitInvalid(f"Cannot set the limit {name}: it is no whole number.")
    return value


@contextmanager
def _told(brought: Brought, key: str) -> Iterator[None]:
    """What is wrong is told with the place in the manifest where it stands."""
    try:
        yield
    except Invalid as error:
        raise BroughtInvalid(
            storable(error.message),
            fix=f"Correct it in {brought.path}, or take it out there.",
            where=storable(f"{brought.path}: {key[:80]}"),
        ) from None
