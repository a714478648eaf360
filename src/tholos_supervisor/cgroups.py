"""Control groups: what all processes of an instance may have together, and whether they wanted more. cgroups(7).

Both versions: of the first there is a folder in each controller's tree, of the second one for all. Folders lie below the
group that the supervisor is in itself, so that whatever bounds it bounds them too. Whoever is in a group is found in it:
that is also the surest way to end everybody.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tholos_supervisor import guard
from tholos_supervisor.sandbox import Sandbox

CONTROLLERS = ("memory", "pids", "cpu")
OURS = "tholos-"
"""What the name of a folder of ours begins with."""
PERIOD_US = 100_000
_FREEZE_S = 1.0
_ESCAPED = re.compile(r"\\([0-7]{3})")

Groups = tuple[str, ...]
"""The folders of one instance."""


class Unavailable(Exception):
    """This machine gives us no groups; the text says why."""


def base(name: str) -> dict[str, Path]:
    """Folders for groups of ours, by controller, made where they are not there. ``freezer`` is among them where there is one,
    and so is the second version beside the first, as ``guard``.

    Args:
        name: what they are called.

    Raises:
        Unavailable: a controller is missing or may not be used.
    """
    places = dict(_places())
    first = {one: places[one] / name for one in (*CONTROLLERS, "freezer") if one in places}
    if all(one in first for one in CONTROLLERS):
        try:
            for folder in first.values():
                folder.mkdir(mode=0o755, exist_ok=True)
            if "" in places:
                with suppress(OSError):  # nothing is limited by it
                    (places[""] / name).mkdir(mode=0o755, exist_ok=True)
                    first["guard"] = places[""] / name
        except OSError as error:
            raise Unavailable(f"groups cannot be made in {error.filename}: {error.strerror}") from None
        return first
    if "" not in places:
        raise Unavailable("the kernel's groups are not mounted, or lack memory, pids or cpu")
    folder = _base_of_second(places[""], name)
    return dict.fromkeys((*CONTROLLERS, "guard"), folder)


def _base_of_second(own: Path, name: str) -> Path:
    """A folder of the second version. Its rule is that a group with processes has no groups below with controllers."""
    reasons = []
    for place in (own, own.parent):
        try:
            wanted = set(CONTROLLERS)
            if missing := wanted - set((place / "cgroup.controllers").read_text("ascii").split()):
                reasons.append(f"{place} has no {', '.join(sorted(missing))}")
                continue
            folder = place / name
            for above in (place, folder):
                above.mkdir(mode=0o755, exist_ok=True)
                _put(above / "cgroup.subtree_control", " ".join(f"+{one}" for one in CONTROLLERS))
        except OSError as error:
            reasons.append(f"{place}: {error.strerror}")
        else:
            return folder
    raise Unavailable("; ".join(reasons))


def make(bases: dict[str, Path], name: str, sandbox: Sandbox) -> Groups:
    """The groups of one instance, empty and with its limits.

    Raises:
        OSError: they cannot be made, or a limit did not hold.
        Unavailable: it is to be guarded, and cannot be.
    """
    if sandbox.guarded and "guard" not in bases:
        raise Unavailable("the second version of the kernel's groups is not mounted")
    folders = {one: place / name for one, place in bases.items()}
    groups = tuple(dict.fromkeys(str(folder) for folder in folders.values()))
    for group in groups:
        with suppress(FileExistsError):
            os.mkdir(group, 0o755)  # noqa: PTH102 - the supervisor knows paths as text
    if sandbox.guarded:
        guard.attach(str(folders["guard"]), sandbox.ports)
    if sandbox.memory:
        _limit(folders["memory"], ("memory.max", "memory.limit_in_bytes"), sandbox.memory)
        for swap, most in (("memory.swap.max", 0), ("memory.memsw.limit_in_bytes", sandbox.memory)):
            with suppress(OSError):  # a kernel without swap has none to limit
                _put(folders["memory"] / swap, str(most))
    if sandbox.processes:
        _limit(folders["pids"], ("pids.max",), sandbox.processes)
    if sandbox.cpu:
        quota = sandbox.cpu * PERIOD_US // 1000
        if (folders["cpu"] / "cpu.max").exists():
            _put(folders["cpu"] / "cpu.max", f"{quota} {PERIOD_US}")
        else:
            _put(folders["cpu"] / "cpu.cfs_period_us", str(PERIOD_US))
            _limit(folders["cpu"], ("cpu.cfs_quota_us",), quota)
    return groups


def join(groups: Groups) -> None:
    """Let this process, and everything that comes of it, be in the groups.

    Raises:
        OSError: it may not.
    """
    for group in groups:
        _put(Path(group) / "cgroup.procs", "0")


def members(groups: Groups) -> set[int]:
    """Numbers of the processes that live in any of the groups."""
    found: set[int] = set()
    for group in groups:
        with suppress(OSError):
            found.update(int(one) for one in (Path(group) / "cgroup.procs").read_text("ascii").split())
    return found


def kill(groups: Groups) -> bool:
    """End everybody in the groups; whether anybody was there. What forks faster than it can be killed is frozen first."""
    if not members(groups):
        return False
    for group in groups:
        with suppress(OSError):
            _put(Path(group) / "cgroup.kill", "1")
            return True
    freezers = [Path(group) / "freezer.state" for group in groups]
    freezers = [one for one in freezers if one.exists()]
    try:
        for one in freezers:
            _freeze(one)
        for pid in members(groups):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
    finally:
        for one in freezers:
            with suppress(OSError):
                _put(one, "THAWED")
    return True


def _freeze(state: Path) -> None:
    with suppress(OSError):
        _put(state, "FROZEN")
        until = time.monotonic() + _FREEZE_S
        while state.read_text("ascii").strip() == "FREEZING" and time.monotonic() < until:
            time.sleep(0.001)


def out_of_memory(groups: Groups) -> int:
    """How many of their processes the kernel has ended because they had too much."""
    return sum(
        _counted(Path(group) / name, "oom_kill")
        for group in groups
        for name in ("memory.events", "memory.oom_control")
    )


def out_of_processes(groups: Groups) -> int:
    """How often a further process was refused."""
    return sum(_counted(Path(group) / "pids.events", "max") for group in groups)


def remove(groups: Groups) -> bool:
    """Remove empty groups, and the folder of all once it is empty; no where somebody is still in one."""
    done = True
    for group in groups:
        try:
            os.rmdir(group)  # noqa: PTH106 - the supervisor knows paths as text
        except FileNotFoundError:
            continue
        except OSError:
            done = False
        else:
            house = os.path.dirname(group)  # noqa: PTH120 - as above
            if os.path.basename(house).startswith(OURS):  # noqa: PTH119 - as above
                with suppress(OSError):  # there are others
                    os.rmdir(house)  # noqa: PTH106 - as above
    return done


def orphans(bases: dict[str, Path], known: set[str]) -> Iterator[Groups]:
    """Groups that no record knows, each alone."""
    for place in set(bases.values()):
        for folder in place.iterdir():
            if folder.is_dir() and str(folder) not in known:
                yield (str(folder),)


def _places() -> Iterator[tuple[str, Path]]:
    """Where this process is, by controller; the empty name is for the second version."""
    own = {}
    for line in Path("/proc/self/cgroup").read_text("utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        own.update(dict.fromkeys(controllers.split(","), path))
    for line in Path("/proc/self/mountinfo").read_text("utf-8").splitlines():
        before, _, after = line.partition(" - ")
        root, target = (_ESCAPED.sub(lambda found: chr(int(found[1], 8)), one) for one in before.split()[3:5])
        kind, _, options = after.split(" ", 2)
        names = [""] if kind == "cgroup2" else options.split(",") if kind == "cgroup" else []
        for name in names:
            if name in own:
                inside = own[name] if root == "/" else own[name].removeprefix(root)
                yield name, Path(target, inside.lstrip("/"))


def _limit(folder: Path, names: tuple[str, ...], value: int) -> None:
    """Raises: OSError: the kernel took another value."""
    file = next((folder / name for name in names if (folder / name).exists()), folder / names[0])
    _put(file, str(value))
    held = int(file.read_text("ascii"))
    page = os.sysconf("SC_PAGE_SIZE")
    if not value - page < held <= value:
        raise OSError(0, f"the limit {file} is {held} and not {value}")


def _counted(file: Path, name: str) -> int:
    try:
        lines = file.read_text("ascii").splitlines()
    except OSError:
        return 0
    found = dict(line.split(" ", 1) for line in lines if " " in line)
    return int(found.get(name, 0))


def _put(file: Path, text: str) -> None:
    fd = os.open(file, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)
