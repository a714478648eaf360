"""Where an installation's parts are, from its settings: small enough that commands other than the server use it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tholos.apps.limits import Held
from tholos.gateway import wire
from tholos.runtime import builds, walls
from tholos.runtime.builds import Builds
from tholos.runtime.doctor import Wanted
from tholos.runtime.interpreters import Interpreters
from tholos.runtime.layout import Layout
from tholos.runtime.sandbox import Bounds, Enclosure
from tholos.runtime.uv import Index
from tholos.runtime.walls import NO_WALLS, Mode
from tholos.settings import Settings


def layout_of(settings: Settings) -> Layout:
    return Layout(settings.data.absolute(), user=os.getuid())


def enclosure_of(settings: Settings) -> Enclosure:
    """What apps are kept behind; tries what this machine gives."""
    mode, apps = Mode(settings.sandbox.mode), settings.apps
    bounds = Bounds(apps.memory_mb, apps.cpu, apps.processes, apps.network, apps.disk_mb)
    read = tuple(str(one) for one in settings.sandbox.read_only)
    ports = tuple(settings.sandbox.local_ports)
    return Enclosure(NO_WALLS if mode is Mode.OFF else walls.find(), mode, bounds, read, ports)


def held_of(settings: Settings) -> Held:
    """The limits of an app that says nothing of them."""
    apps = settings.apps
    return Held(
        open_files=apps.open_files,
        start_timeout_s=round(apps.start_timeout_s),
        memory_mb=apps.memory_mb,
        cpu_percent=round(apps.cpu * 100),
        processes=apps.processes,
        disk_mb=apps.disk_mb,
        network=apps.network,
    )


def index_of(settings: Settings) -> Index:
    """Where packages come from."""
    packages = settings.packages
    return Index(
        url=packages.index_url,
        find_links=(packages.find_links,) if packages.find_links else (),
        is_offline=packages.offline,
    )


def builds_of(settings: Settings, enclosure: Enclosure, env: Mapping[str, str]) -> Builds:
    """What packages are built behind: the walls of apps, with limits of their own; they need the index, and no app's ports."""
    said = settings.packages
    bounds = Bounds(said.build_memory_mb, said.build_cpu, said.build_processes, disk_mb=said.build_disk_mb)
    ports = tuple(builds.local_ports(index_of(settings), env))
    return Builds(replace(enclosure, bounds=bounds, read=(), ports=ports), layout_of(settings).users)


def interpreters_of(env: Mapping[str, str]) -> Interpreters:
    return Interpreters(find_uv(), env=env, home=Path.home())


def find_uv() -> str:
    """The uv that came with this installation, else the one on PATH."""
    beside = Path(sysconfig.get_path("scripts")) / "uv"
    return str(beside) if beside.exists() else shutil.which("uv") or str(Path(sys.executable).parent / "uv")


def find_envoy(env: Mapping[str, str], chosen: str = "") -> str:
    """Path of Envoy: the chosen one, the one of the extra ``gateway``, else the one on PATH; empty where there is none, or not the
    messages of its files, which that extra brings.
    """
    if not wire.is_there():
        return ""
    if chosen:
        return chosen
    found = importlib.util.find_spec("envoy")
    for folder in (found.submodule_search_locations or ()) if found else ():
        bundled = Path(folder, "_bin", "envoy")
        if bundled.exists():
            return str(bundled)
    return shutil.which("envoy", path=env.get("PATH")) or ""


def wanted_of(settings: Settings, env: Mapping[str, str]) -> Wanted:
    """What the settings ask of the machine."""
    return Wanted(settings.gateway.mode == "on", find_envoy(env, settings.gateway.program))


def template_folders() -> list[Path]:
    """Every domain's templates and the server's own, under bare names: no two are called the same."""
    rooms = Path(__file__).parents[1]
    return sorted([*rooms.glob("*/templates"), *rooms.glob("protocols/*/templates")])
