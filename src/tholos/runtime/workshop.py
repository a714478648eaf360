"""Where uv works: the caches, a folder per piece of work, and what it is started with; several at once."""

from __future__ import annotations

import errno
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tholos.runtime import locks, uv, uv_failures
from tholos.runtime.uv import Finished, Index, Watch
from tholos.runtime.uv_failures import DiskFull, Origin

LOCK_TIMEOUT_S = 300.0
BUILD_TIMEOUT_S = 1800.0
_FROM_FILE = re.compile(r" \(from file:[^)]*\)")
FOLDERS = ("cache", "environments", "guards", "guests", "home", "work")


@dataclass(frozen=True, slots=True)
class Place:
    """Where one piece of work happens, and who watches it."""

    folder: Path
    cache: Path
    watch: Watch


class Workshop:
    """The folders below one root, all on one file system: environments are hard links into the caches."""

    def __init__(self, root: Path, *, program: str, env: Mapping[str, str], index: Index) -> None:
        self.root = root
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
        """The cache for what an owner's packages build; nobody else reads it."""
        return self.root / "owners" / locks.digest(scope)[:32]

    def wheels_of(self, scope: str) -> Path:
        """The folder of wheels that were made of what an owner published; nobody else's uv is shown one of them."""
        return self.root / "wheels" / locks.digest(scope)[:32]

    def uv(self, arguments: Sequence[str], place: Place, origin: Origin) -> Finished:
        """Run uv.

        Raises:
            EnvironmentFailed, Unavailable: it failed; the first cause and its fix.
        """
        done = self.try_uv(arguments, place)
        if done.code != 0:
            raise uv_failures.explain(done.stderr, origin)
        return done

    def try_uv(self, arguments: Sequence[str], place: Place) -> Finished:
        """Run uv, whatever comes of it."""
        env = uv.variables(self._env, self.index, place.cache, self.root / "home")
        timeout_s = LOCK_TIMEOUT_S if place.watch.lock is None else BUILD_TIMEOUT_S
        call = [self._program, *arguments, *self._further_links(arguments)]
        watch = replace(place.watch, log=lambda line: place.watch.log(told(line, place.folder)))
        done = uv.run(call, env, cwd=place.folder, timeout_s=timeout_s, watch=watch)
        return replace(done, stderr=told(done.stderr, place.folder))

    def _further_links(self, arguments: Sequence[str]) -> list[str]:
        """The server's own folders of wheels: those that are named in a call stand in their place, not beside them."""
        is_named = "--find-links" in arguments or "-f" in arguments
        return [word for one in self.index.find_links if is_named for word in ("--find-links", one)]


def told(text: str, folder: Path) -> str:
    """What uv says, without the paths of files that only lay there for its work."""
    return _FROM_FILE.sub("", text.replace(f"file://{folder}/", "./").replace(f"{folder}/", "./"))
