"""What packages are built behind: building one runs its code. Each owner's builds have a user and a cache of their own.

They see the system, the interpreter, uv, what is to be built, and nothing else of this machine; what they leave is looked at
before it is used (``settle``). Who holds them is the supervisor's program ``building``.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tholos.kit.errors import TholosError, Unavailable
from tholos.runtime import sandbox, supervisor_code, users
from tholos.runtime.sandbox import OPEN, Enclosure, SandboxMissing, Seen
from tholos.runtime.taking import Most, TookTooMuch
from tholos.runtime.uv import Index
from tholos.runtime.uv_failures import BuildFailed, Origin
from tholos.runtime.walls import Mode

MEMORY, PROCESSES, DISK, TIME, WALLS = 121, 122, 123, 124, 125
"""Exit codes of the program that holds a build."""
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


class BuildOverLimits(BuildFailed):
    """Cannot build the environment: building a package took more than it may."""

    code = "build_over_limits"


class BuildWallsMissing(Unavailable):
    """Cannot build the environment: the walls that packages are built behind cannot be had."""

    code = "build_walls_missing"


@dataclass(frozen=True, slots=True)
class Builds:
    """What an installation builds packages behind."""

    enclosure: Enclosure = OPEN
    """Its bounds are those of one build."""
    counter: Path = Path()
    """File of the next number that is given out as a user's."""

    def user_of(self, folder: Path) -> int:
        """The number of the user that an owner's builds have; 0 where they have none.

        Args:
            folder: the owner's, in which builds write.
        """
        return users.of_app(folder, self.counter) if self.enclosure.gives_users else 0

    def held(self, call: Sequence[str], seen: Seen, uid: int, cwd: Path, seconds: float) -> list[str]:
        """A command, as it is called to be held.

        Args:
            call: program and arguments.
            seen: what it may read and write besides the system.
            uid: its user.
            cwd: its working directory.
            seconds: after which it is ended.

        Raises:
            SandboxMissing: walls that are required are missing.
        """
        try:
            self.enclosure.check()
        except SandboxMissing as error:
            message = error.message.replace("start the app", "build the environment")
            raise SandboxMissing(message, fix=error.fix) from None
        bounds = self.enclosure.bounds
        around = self.enclosure.around(seen, bounds, uid)
        if around is None:
            return list(call)
        order = {
            "sandbox": {**asdict(around), "mounts": [[one.path, one.access] for one in around.mounts]},
            "cwd": str(cwd),
            "written": seen.write,
            "disk": bounds.disk_mb << 20,
            "seconds": seconds,
        }
        return [*supervisor_code.program("building.py"), json.dumps(order), *call]

    def alone(self, call: Sequence[str], seen: Seen, cwd: Path, seconds: float) -> list[str]:
        """As ``held``, as the server's own user without its rights, and without a network."""
        bounds = replace(self.enclosure.bounds, network=False)
        return replace(self, enclosure=replace(self.enclosure, bounds=bounds)).held(
            call, seen, 0, cwd, seconds
        )

    def told(self, code: int) -> TholosError | None:
        """What an exit code says of limits; ``None`` where it says nothing."""
        if self.enclosure.mode is Mode.OFF:
            return None
        bounds, fix = (
            self.enclosure.bounds,
            "Use a version of the package that has a wheel, or ask the operator",
        )
        what = {
            MEMORY: (f"more than {bounds.memory_mb:,} MB of memory", f"{fix} for more memory."),
            PROCESSES: (f"more than {bounds.processes:,} processes", f"{fix} for more processes."),
            DISK: (
                f"more than {bounds.disk_mb:,} MB on the disk",
                f"What was cached is removed now: publish again. {fix} for more room.",
            ),
            TIME: ("more time than it may", f"{fix} for more time."),
        }.get(code)
        if what is not None:
            return BuildOverLimits(
                f"Cannot build the environment: building a package took {what[0]}.", fix=what[1]
            )
        if code == WALLS:
            return BuildWallsMissing(fix="The log says what failed. See what this machine has: tholos doctor")
        return None

    @property
    def most(self) -> Most:
        """What uv may take where it builds nothing, and so runs without walls."""
        bounds = self.enclosure.bounds
        return Most(written=bounds.disk_mb << 20, memory=bounds.memory_mb << 20)

    def taken(self, over: TookTooMuch, origin: Origin) -> BuildOverLimits:
        """What is said where it took more."""
        bounds, where = self.enclosure.bounds, origin.where("")
        what = (
            f"{bounds.memory_mb:,} MB of memory" if over.is_memory else f"{bounds.disk_mb:,} MB on the disk"
        )
        return BuildOverLimits(
            f"Cannot build the environment: its packages took more than {what}.",
            where=where,
            fix="Leave out what is not needed, or ask the operator for more.",
        )


def local_ports(index: Index, env: Mapping[str, str]) -> Iterator[int]:
    """Ports of this machine at which the operator's index or proxies are: builds reach them."""
    for address in (index.url, *index.extra, *index.find_links, *(env.get(name, "") for name in _PROXIES)):
        try:
            parts = urlsplit(address)
            port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
        except ValueError:
            continue  # uv says so
        if port and parts.hostname:
            yield port


def read_for(index: Index, env: Mapping[str, str], program: str, interpreter: str) -> tuple[str, ...]:
    """Files and folders that uv reads for a build, besides its work: those of them that there are."""
    files = [index.url, *index.extra, *index.find_links]
    local = [unquote(one.removeprefix("file://")) for one in files]
    local += [env.get(name, "") for name in _CERTIFICATES]
    wanted = [os.path.realpath(program), program, *sandbox.of_interpreter(interpreter), *local]
    real = sandbox.of_interpreter(os.path.realpath(interpreter))
    return tuple(dict.fromkeys(one for one in (*wanted, *real) if one.startswith("/") and Path(one).exists()))


def settle(folder: Path, before: Iterable[str]) -> None:
    """Take back a folder that builds have written into: regular files and folders, nobody else's, and no way out of it.

    Args:
        folder: nobody writes into it any more.
        before: links that were there and may lead out.

    Raises:
        BuildFailed: something else lies in it.
    """
    allowed, root = {*before}, os.path.realpath(folder)
    owner = (os.getuid(), os.getgid())
    left = [str(folder)]
    while left:
        above = left.pop()
        if len(above) > _LONGEST:
            raise _wrong(folder, above, "lies too deep")
        for entry in [*os.scandir(above)]:
            status = entry.stat(follow_symlinks=False)
            if (status.st_uid, status.st_gid) != owner:
                os.lchown(entry.path, *owner)
            if stat.S_ISDIR(status.st_mode):
                left.append(entry.path)
            elif stat.S_ISLNK(status.st_mode):
                target = os.path.realpath(entry.path)
                if entry.path not in allowed and not target.startswith(f"{root}/"):
                    raise _wrong(folder, entry.path, "is a link that leads out")
                continue
            elif not stat.S_ISREG(status.st_mode):
                raise _wrong(folder, entry.path, "is no file")
            if status.st_mode & (stat.S_ISUID | stat.S_ISGID):
                os.chmod(entry.path, stat.S_IMODE(status.st_mode) & 0o777)  # noqa: PTH101 - thousands of files
    os.lchown(folder, *owner)


_LONGEST = 3000
"""Bytes of a path in what was built."""


def _wrong(folder: Path, path: str, what: str) -> BuildFailed:
    shown = os.path.relpath(path, folder)[-120:]
    return BuildFailed(
        f"Cannot build the environment: {shown!r} {what}.", fix="Leave out the package that makes it."
    )


def links_in(folder: Path) -> list[str]:
    """Links that lie in a folder of ours, wherever they lead."""
    found = (f"{above}/{name}" for above, folders, files in os.walk(folder) for name in (*folders, *files))
    return [path for path in found if os.path.islink(path)]  # noqa: PTH114 - as text, to be compared


def remove(folder: Path) -> None:
    """Remove what somebody else has written, however deep it lies; an absent folder is fine."""
    for _ in range(2):
        if not os.path.lexists(folder):
            return
        subprocess.run(["/bin/rm", "-rf", "--", str(folder)], check=False, stderr=subprocess.DEVNULL)
        if not os.path.lexists(folder):
            return
        # Without root's rights a folder that nobody may write keeps what is in it.
        subprocess.run(
            ["/bin/chmod", "-R", "u+rwX", "--", str(folder)], check=False, stderr=subprocess.DEVNULL
        )
