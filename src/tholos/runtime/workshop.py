"""Where uv works: the caches, a folder per piece of work, and what it is started with; several at once.

Three kinds of caches: one for everybody, of wheels that come from an index and run nothing; one for an owner, of wheels that
the owner published; one for what the owner's packages build, which those builds write themselves (``builds``), and which is
never used but for them.
"""

from __future__ import annotations

import errno
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tholos.runtime import builds, locks, users, uv, uv_failures
from tholos.runtime.builds import DISK, Builds
from tholos.runtime.exclusive import try_lock
from tholos.runtime.sandbox import Seen
from tholos.runtime.taking import NO_MOST, Most, TookTooMuch
from tholos.runtime.uv import Finished, Index, Watch
from tholos.runtime.uv_failures import DiskFull, Origin

LOCK_TIMEOUT_S = 300.0
BUILD_TIMEOUT_S = 1800.0
LEEWAY_S = 10.0
"""What holds a build ends it by itself, this much later, where the server is not there to."""
_FROM_FILE = re.compile(r" \(from file:[^)]*\)")
FOLDERS = ("cache", "environments", "guards", "guests", "home", "work")


@dataclass(frozen=True, slots=True)
class Place:
    """Where one piece of work happens, and who watches it."""

    folder: Path
    cache: Path
    watch: Watch


@dataclass(frozen=True, slots=True)
class Building:
    """For whom packages are built."""

    scope: str
    """Their owner."""
    python: str
    """Path of the interpreter."""


class Workshop:
    """The folders below one root, all on one file system: environments are hard links into the caches."""

    def __init__(
        self, root: Path, *, program: str, env: Mapping[str, str], index: Index, held: Builds | None = None
    ) -> None:
        self.root = root
        self._builds = held or Builds()
        self.index = index
        self._program = program
        self._env = dict(env)

    @contextmanager
    def place(self, watch: Watch) -> Iterator[Place]:
        """A folder for one piece of work, and the shared cache.

        Raises:
            DiskFull: there is no room for it.
        """
        try:
            for name in FOLDERS:
                (self.root / name).mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self.root / "work") as folder:
                yield Place(Path(folder), self.root / "cache", watch)
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise DiskFull(fix="Free disk space on the server.") from error
            raise

    def cache_of(self, scope: str) -> Path:
        """The cache for what an owner publishes; nobody else reads it, and nothing but the server's uv writes it."""
        return self.root / "owners" / locks.digest(scope)[:32]

    def building_of(self, scope: str) -> Path:
        """The folder of an owner's builds, with the cache that they write."""
        return self.root / "builds" / locks.digest(scope)[:32]

    def wheels_of(self, scope: str) -> Path:
        """The folder of wheels that were made of what an owner published; nobody else's uv is shown one of them."""
        return self.root / "wheels" / locks.digest(scope)[:32]

    def uv(self, arguments: Sequence[str], place: Place, origin: Origin) -> Finished:
        """Run uv.

        Raises:
            EnvironmentFailed, Unavailable: it failed; the first cause and its fix.
        """
        done = self.try_uv(arguments, place, origin)
        if done.code != 0:
            raise uv_failures.explain(done.stderr, origin)
        return done

    def try_uv(self, arguments: Sequence[str], place: Place, origin: Origin) -> Finished:
        """Run uv where nothing of a package runs, whatever comes of it.

        Raises:
            BuildOverLimits: the packages take more than they may; nothing half unpacked is left.
        """
        env = uv.variables(self._env, self.index, place.cache, self.root / "home")
        call = [self._program, *arguments, *self._further_links(arguments)]
        clear(place.cache)
        try:
            return _run(call, env, place, self._builds.most)
        except TookTooMuch as error:
            over = self._builds.taken(error, origin)
            place.watch.log(over.message)
            raise over from error
        finally:
            clear(place.cache)

    def try_build(self, arguments: Sequence[str], place: Place, building: Building, *write: Path) -> Finished:
        """Run uv where it may run code of packages: behind walls, with the cache of the owner's builds.

        Args:
            arguments: of uv.
            place: its folder can be read.
            building: for whom.
            write: folders that it may write.

        Raises:
            BuildOverLimits, SandboxMissing, Unavailable: it took more than it may, or walls are missing.
        """
        folder = self.building_of(building.scope)
        (folder / "cache").mkdir(parents=True, exist_ok=True)
        uid = self._builds.user_of(folder)
        own = Path(tempfile.mkdtemp(dir=place.folder, prefix="own-"))
        written = (own, folder / "cache", *write)
        try:
            if uid:
                _let_read(place.folder)
                for one in written:
                    users.give(one, uid)
            env = uv.variables(self._env, self.index, folder / "cache", own)
            env |= {"TMPDIR": str(own), "UV_LINK_MODE": "copy"}
            known = builds.read_for(self.index, self._env, self._program, building.python)
            seen = Seen(str(own), (str(place.folder), *known), tuple(map(str, written)))
            call = [self._program, *arguments, *self._further_links(arguments)]
            held = self._builds.held(call, seen, uid, place.folder, _patience(place) + LEEWAY_S)
            done = _run(held, env, place)
        finally:
            builds.remove(own)
        over = self._builds.told(done.code)
        if done.code == DISK and over is not None:
            builds.remove(folder / "cache")
        if over is not None:
            place.watch.log(over.message)
            raise over
        return done

    def build(
        self, arguments: Sequence[str], place: Place, building: Building, origin: Origin, *write: Path
    ) -> Finished:
        """As ``try_build``.

        Raises:
            EnvironmentFailed, Unavailable: it failed; the first cause and its fix.
        """
        done = self.try_build(arguments, place, building, *write)
        if done.code != 0:
            raise uv_failures.explain(done.stderr, origin)
        return done

    def alone(self, call: Sequence[str], folder: Path, python: str, seconds: float) -> list[str]:
        """A command of the interpreter's, as it is called to work in one folder and to see nothing else.

        Raises: SandboxMissing.
        """
        known = builds.read_for(Index(), {}, python, os.path.realpath(python))
        return self._builds.alone(call, Seen(str(folder), known, (str(folder),)), folder, seconds)

    def _further_links(self, arguments: Sequence[str]) -> list[str]:
        """The server's own folders of wheels: those that are named in a call stand in their place, not beside them."""
        is_named = "--find-links" in arguments or "-f" in arguments
        return [word for one in self.index.find_links if is_named for word in ("--find-links", one)]


def _run(call: Sequence[str], env: Mapping[str, str], place: Place, most: Most = NO_MOST) -> Finished:
    watch = replace(place.watch, log=lambda line: place.watch.log(told(line, place.folder)))
    done = uv.run(call, env, cwd=place.folder, timeout_s=_patience(place), watch=watch, most=most)
    return replace(done, stderr=told(done.stderr, place.folder))


def clear(cache: Path) -> None:
    """Remove what a uv that was ended has left half unpacked in a cache, unless another one works there now.

    Each uv holds the cache's own lock for as long as it runs, whoever started it. Packages that it had unpacked whole stay.
    """
    left = [*cache.glob(".tmp*")]
    if not left or not (cache / ".lock").exists():
        return
    descriptor = os.open(cache / ".lock", os.O_RDWR | os.O_CLOEXEC)
    try:
        if try_lock(descriptor):
            for one in left:
                builds.remove(one)
    finally:
        os.close(descriptor)


def _let_read(folder: Path) -> None:
    """Let an owner's builds read what lies there: only they are shown it."""
    for above, _, files in os.walk(folder):
        Path(above).chmod(0o755)
        for name in files:
            if not Path(above, name).is_symlink():
                Path(above, name).chmod(Path(above, name).stat().st_mode | 0o444)


def _patience(place: Place) -> float:
    """Seconds."""
    return LOCK_TIMEOUT_S if place.watch.lock is None else BUILD_TIMEOUT_S


def told(text: str, folder: Path) -> str:
    """What uv says, without the paths of files that only lay there for its work."""
    return _FROM_FILE.sub("", text.replace(f"file://{folder}/", "./").replace(f"{folder}/", "./"))
