"""The command about the life of an app's instances."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from tholos.cli.console import of_terminal
from tholos.cli.failures import print_json
from tholos.cli.session import choose_app, connected
from tholos.kit.durations import parse_seconds, to_words
from tholos.kit.errors import Invalid

if TYPE_CHECKING:
    from tholos.client.settling import Life

DEFAULT = "default"
NEVER = "never"
_SWITCH = {"on": True, "off": False, DEFAULT: None}


class NoSuchLife(Invalid):
    """Cannot take this: it is no number, no time, and not "default"."""

    code = "life_invalid"


def show_life(
    *,
    name: str | None,
    idle: str | None,
    min: str | None,  # noqa: A002 - named as its flag is
    max: str | None,  # noqa: A002 - named as its flag is
    connections: str | None,
    drain: str | None,
    personal: str | None,
    server: str | None,
    as_json: bool,
) -> int:
    """Print when an app sleeps and how many instances run, or set some of it."""
    name, remembered = choose_app(name)
    said = {
        "idle_timeout_s": _span("--idle", idle), "drain_timeout_s": _span("--drain", drain),
        "min_instances": _count("--min", min), "max_instances": _count("--max", max),
        "connections": _count("--connections", connections),
    }  # fmt: skip
    changes = {key: value[0] for key, value in said.items() if value is not None}
    with connected(server, remembered) as client:
        chosen, holds = client.life(name)
        own = chosen.personal if personal is None else _SWITCH[personal]
        if changes or own != chosen.personal:
            chosen, holds = client.set_life(name, replace(chosen, personal=own, **changes))
    if as_json:
        print_json(app=name, life=asdict(chosen), holds=asdict(holds))
        return 0
    console = of_terminal()
    for title, key, text in _rows(holds):
        console.row(title, text, "" if getattr(chosen, key) is not None else "as the installation says")
    return 0


def _rows(holds: Life) -> list[tuple[str, str, str]]:
    idle = holds.idle_timeout_s or 0
    sleeps = f"after {to_words(idle)} without a request" if idle and not holds.min_instances else "never"
    return [
        ("sleeps", "idle_timeout_s", sleeps),
        ("always run", "min_instances", str(holds.min_instances or 0)),
        ("at most", "max_instances", str(holds.max_instances or 1)),
        ("requests", "connections", f"{holds.connections or 0} at once for each, before another starts"),
        ("to finish", "drain_timeout_s", to_words(holds.drain_timeout_s or 0)),
        ("instances", "personal", "everybody has their own" if holds.personal else "shared by all"),
    ]


def _span(flag: str, text: str | None) -> tuple[int | None] | None:
    """None where nothing was said; a None in it for the installation's own.

    Raises: NoSuchLife.
    """
    if text is None or text == DEFAULT:
        return None if text is None else (None,)
    seconds = 0 if text == NEVER else parse_seconds(text)
    if seconds is None:
        raise NoSuchLife(
            f'Cannot take {flag} {text}: it is no time such as 15m, and not "{DEFAULT}".', where=flag
        )
    return (seconds,)


def _count(flag: str, text: str | None) -> tuple[int | None] | None:
    """As with times.

    Raises: NoSuchLife.
    """
    if text is None or text == DEFAULT:
        return None if text is None else (None,)
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise NoSuchLife(f'Cannot take {flag} {text}: it is no number, and not "{DEFAULT}".', where=flag)
    return (int(text),)
