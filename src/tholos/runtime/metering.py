"""What processes use, read off ``/proc``: time of the processors, and memory by their share of it (proc(5))."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Reading:
    """Of a process with all that it began and that still runs."""

    cpu_s: float
    """Seconds of processors, of children that have ended too."""
    memory: int
    """Bytes: proportional set size, in which what several share counts once in all."""
    age_s: float
    processes: int = 1


@dataclass(frozen=True, slots=True)
class _Process:
    parent: int
    session: int
    cpu_s: float
    began_s: float
    """After the machine did."""


def read(leaders: Collection[int], proc: Path = Path("/proc")) -> dict[int, Reading]:
    """By leader, those that still run: what it, its session and its descendants use."""
    if not leaders:
        return {}
    processes = dict(_processes(proc))
    children: defaultdict[int, list[int]] = defaultdict(list)
    sessions: defaultdict[int, list[int]] = defaultdict(list)
    for pid, one in processes.items():
        children[one.parent].append(pid)
        sessions[one.session].append(pid)
    uptime_s = float((proc / "uptime").read_text().split()[0])
    found = {}
    for leader in leaders:
        if leader in processes:
            group = _group(leader, children, sessions)
            found[leader] = Reading(
                sum(processes[pid].cpu_s for pid in group),
                sum(_memory(proc / str(pid)) for pid in group),
                uptime_s - processes[leader].began_s,
                len(group),
            )
    return found


def resident(pid: int, proc: Path = Path("/proc")) -> int:
    """Bytes of a process alone that lie in memory; what others share with it included."""
    return int((proc / str(pid) / "statm").read_text("ascii").split()[1]) * _PAGE


def open_files(pid: int) -> int:
    """How many a process of ours has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - only their number is wanted


def _group(leader: int, children: Mapping[int, list[int]], sessions: Mapping[int, list[int]]) -> set[int]:
    """Whoever left the session is still a descendant, and whose parent is gone is still in the session."""
    group: set[int] = set()
    left = [leader, *sessions.get(leader, ())]
    while left:
        pid = left.pop()
        if pid not in group:
            group.add(pid)
            left += children.get(pid, ())
    return group


def _processes(proc: Path) -> Iterator[tuple[int, _Process]]:
    with os.scandir(proc) as entries:
        names = [entry.name for entry in entries if entry.name.isdecimal()]
    for name in names:
        with suppress(OSError, ValueError, IndexError):  # it ended meanwhile
            fields = (proc / name / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            ticks = sum(int(one) for one in fields[11:15])
            process = _Process(int(fields[1]), int(fields[3]), ticks / _TICKS, int(fields[19]) / _TICKS)
            yield int(name), process


def _memory(folder: Path) -> int:
    with suppress(OSError, ValueError, IndexError):
        for line in (folder / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
