"""Who has the port that a command begins with, on a machine that gives apps no 127.0.0.1 of their own."""

from __future__ import annotations

import re

from tholos.apps import service as apps
from tholos.instances import queries
from tholos.instances.errors import PortTaken
from tholos.instances.models import Instance
from tholos.kit.db import ReadDb
from tholos.runtime.sandbox import Enclosure

_SAID = re.compile(r"\[tholos\] cannot start: port ([0-9]+) cannot be had \(")
"""As ``tholos_guest.command`` does."""
_FIXED = re.compile(r"\s*PORT=([0-9]+)\s")


def port_in(lines: str) -> int:
    """The port that was not to be had, by an instance's last lines; 0 for none."""
    found = _SAID.findall(lines)
    return int(found[-1]) if found else 0


def error(db: ReadDb, instance: Instance, port: int, enclosure: Enclosure, excerpt: str) -> PortTaken:
    """Says who has it and what to do. Another owner's app is not named."""
    if enclosure.gives_loopback:
        return PortTaken(
            f"Cannot start the app: a program of this machine listens on port {port}, and on every address.",
            fix="Let that program listen on an address of its own, or the app on another port.",
            excerpt=excerpt,
        )
    lacking = enclosure.walls.missing["guard"] or "the sandbox is switched off"
    return PortTaken(
        f"Cannot start the app: {_holder(db, instance, port)} listens on port {port}, and this machine has one"
        f" 127.0.0.1 for all apps ({lacking}).",
        fix="What it lacks to give each app its own is said of guard: tholos doctor. Until then let the command listen"
        " on $PORT, or take away its network: tholos limits NAME --network off",
        excerpt=excerpt,
    )


def _holder(db: ReadDb, instance: Instance, port: int) -> str:
    owner = apps.get_app(db, instance.app_id).owner_id
    holders = [one for one in queries.list_standing_commands(db) if one.instance != instance.id]
    for one in sorted(holders, key=lambda one: one.app_id != instance.app_id):
        begin = _FIXED.match(one.entrypoint)
        if begin and int(begin[1]) == port:
            if one.app_id == instance.app_id:
                return f"release {one.number} of this app, which runs until another serves,"
            return one.name if one.owner_id == owner else "another owner's app"
    return "another program of this machine"
