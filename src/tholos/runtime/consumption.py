"""What processes use, by /proc: CPU time and memory of a process with all that it started. Source of the fields: proc(5)."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Consumption:
    """Of one process and those below it, as of now."""

    cpu_s: float
    """Seconds; what ended children used counts once somebody has waited for them."""
    memory: int
    """Resident bytes; pages that several share count for each."""
    processes: int


class _Process(NamedTuple):
    pid: int
    parent: int
    session: int
    cpu_s: float
    memory: int


def measure(leaders: Collection[int], proc: Path = Path("/proc")) -> Mapping[int, Consumption]:
    """By leader's process id: its session's processes and all below them; nothing where it has ended."""
    living = {one.pid: one for one in _living(proc)}
    children: dict[int, list[int]] = {}
    sessions: dict[int, list[int]] = {}
    for one in living.values():
        children.setdefault(one.parent, []).append(one.pid)
        sessions.setdefault(one.session, []).append(one.pid)
    return {
        leader: _sum([living[pid] for pid in _family(leader, children, sessions)])
        for leader in leaders
        if leader in living
    }


def resident(pid: int) -> int:
    """Bytes of a process alone, without those that it started."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * _PAGE


def open_files(pid: int) -> int:
    """How many a process of ours has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - only their number is wanted


def _family(leader: int, children: Mapping[int, list[int]], sessions: Mapping[int, list[int]]) -> set[int]:
    found: set[int] = set()
    todo = [leader, *sessions.get(leader, ())]
    while todo:
        pid = todo.pop()
        if pid not in found:
            found.add(pid)
            todo += children.get(pid, ())
    return found


def _sum(found: Collection[_Process]) -> Consumption:
    return Consumption(sum(one.cpu_s for one in found), sum(one.memory for one in found), len(found))


def _living(proc: Path) -> Iterator[_Process]:
    for entry in os.scandir(proc):
        if not entry.name.isdecimal():
            continue
        try:
            line = Path(entry.path, "stat").read_bytes()
        except OSError:
            continue  # it has ended meanwhile
        # The second field is the program's name in parentheses and may itself hold blanks and parentheses.
        fields = line[line.rindex(b")") + 2 :].split(None, 23)
        ticks = sum(int(field) for field in fields[11:15])
        yield _Process(
            int(entry.name), int(fields[1]), int(fields[3]), ticks * _TICK_S, int(fields[21]) * _PAGE
        )
