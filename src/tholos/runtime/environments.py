"""Environments: requirements become a lock, a lock becomes a folder that is built once and shared read-only.

Wheels are fetched into one cache and hard-linked; a package that has to be built from source is built in a cache of its
owner, and the environment it is part of is that owner's alone. So is one with a package that lies in what was published
(``own_wheels``); what comes from an index is shared all the same. What uv's errors mean stands in ``uv_failures``, how locks are made in ``resolving``;
whether an environment is still needed is for the caller to know.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tholos.detect.model import Requirements
from tholos.kit.errors import NotFound
from tholos.runtime import guests, locks, own_wheels, uv
from tholos.runtime.builds import Builds, links_in, remove, settle
from tholos.runtime.exclusive import exclusive, write_whole
from tholos.runtime.guests import Guest
from tholos.runtime.interpreters import Interpreter
from tholos.runtime.locks import Lock
from tholos.runtime.own_wheels import NO_FILES, Files, Making
from tholos.runtime.resolving import WHEELS_ONLY, lock_file, resolve
from tholos.runtime.uv import NEVER, Cancel, Finished, Index, Log, Watch, silent
from tholos.runtime.uv_failures import EnvironmentFailed, Origin
from tholos.runtime.workshop import Building, Place, Workshop

FORMAT = 1
"""Part of every key: a change of what is built or recorded makes everything anew."""
COMPILE_TIMEOUT_S = 900.0


class EnvironmentUnknown(NotFound):
    """There is no such environment."""

    code = "environment_unknown"


@dataclass(frozen=True, slots=True)
class Environment:
    """A finished environment."""

    id: str
    path: str
    python: str
    """Its interpreter, ``…/bin/python``."""
    packages: tuple[str, ...]
    """``name==version``, sorted."""
    bytes: int
    """Of all its files; most are shared with the cache and other environments."""
    fetched: int
    """Packages that this call of ``build`` downloaded or built; from ``find`` and ``list``, what the build did."""
    cached: int
    """Packages that were only linked."""
    is_shared: bool
    is_compiled: bool = False
    used_at: float = 0.0
    """Unix seconds of the last ``used``, or of the build."""
    interpreter: str = ""
    """What its interpreter is a link to; empty where an earlier version built it."""


class Environments:
    """All environments below one folder; every method may be called from several threads and processes at once."""

    def __init__(
        self,
        root: Path,
        *,
        program: str,
        env: Mapping[str, str],
        index: Index | None = None,
        builds: Builds | None = None,
    ) -> None:
        """Nothing is made yet.

        Args:
            root: the folder of caches, locks and environments, all on one file system; or a link to it.
            program: path of uv.
            env: the server's environment variables; only proxies and certificates are passed on.
            index: where packages come from.
            builds: what packages are built behind; nothing where that is not said.
        """
        # What is recorded of an environment, and written into its programs, stays true where the link goes.
        self.root = root.resolve()
        self._workshop = Workshop(self.root, program=program, env=env, index=index or Index(), held=builds)

    # Locks

    def lock(
        self,
        requirements: Requirements,
        interpreter: Interpreter,
        scope: str,
        *,
        files: Files = NO_FILES,
        upgrade: bool = False,
        log: Log = silent,
        cancel: Cancel = NEVER,
    ) -> Lock:
        """Resolve requirements, or take the recorded lock of the same text, interpreter and index without uv.

        Args:
            requirements: of any form that detection names.
            interpreter: what they are resolved for.
            scope: owner within which packages built from source may be shared.
            files: what was published beside the requirements; packages may lie in it.
            upgrade: resolve anew although there is a record.
            log: gets uv's progress.
            cancel: ends the work within a second.

        Raises:
            EnvironmentFailed, Unavailable: the first cause and its fix.
            Cancelled: on request.
        """
        own = own_wheels.digests(files, requirements.own)
        keys = [self._lock_key(requirements, interpreter, own, scope=owner) for owner in ("", scope)]
        known = None if upgrade else next(filter(None, map(self._recorded, keys)), None)
        if known is not None:
            log("the lock of these requirements is known")
            return known
        with self._workshop.place(Watch(log, cancel)) as place:
            made = resolve(
                requirements,
                interpreter,
                scope,
                workshop=self._workshop,
                place=place,
                is_fresh=upgrade,
                files=files,
            )
        write_whole(self._record(keys[0] if made.is_shared else keys[1]), json.dumps(made.to_json()))
        return made

    def _lock_key(
        self, requirements: Requirements, interpreter: Interpreter, own: Mapping[str, str], *, scope: str
    ) -> str:
        wish = [requirements.form, requirements.text, requirements.support, *([own] if own else [])]
        return locks.digest([FORMAT, wish, interpreter.identity, self._workshop.index.variables(), scope])

    def _record(self, key: str) -> Path:
        return self.root / "locks" / f"{key}.json"

    def _recorded(self, key: str) -> Lock | None:
        try:
            return Lock.from_json(json.loads(self._record(key).read_text("utf-8")))
        except (OSError, ValueError, TypeError, KeyError):
            return None

    # Environments

    def id_of(self, lock: Lock, interpreter: Interpreter, scope: str) -> str:
        """The name of the environment that ``build`` makes of the same arguments."""
        owner = "" if lock.is_shared else scope
        return locks.digest([FORMAT, lock.id, interpreter.identity, owner])[:32]

    def build(
        self,
        lock: Lock,
        interpreter: Interpreter,
        scope: str,
        *,
        requirements: Requirements | None = None,
        files: Files = NO_FILES,
        log: Log = silent,
        cancel: Cancel = NEVER,
    ) -> Environment:
        """The environment of a lock: the one that is there, else a new one; of several callers one builds.

        Args:
            lock: what ``lock`` gave, or a release recorded.
            interpreter: the one it was made for.
            scope: owner within which it is shared if the lock is not.
            requirements: what the lock was made of, so that errors name the line.
            files: what was published; packages of the lock may lie in it.
            log: gets uv's progress.
            cancel: ends the work within a second.

        Raises:
            EnvironmentFailed, Unavailable: the first cause and its fix; nothing is left of the attempt.
            Cancelled: on request.
        """
        name = self.id_of(lock, interpreter, scope)
        ready = self.find(name)
        if ready is not None:
            log("the environment is there already")
            return replace(ready, fetched=0, cached=0)
        with exclusive(self._guard(name), cancel) as descriptor:
            ready = self.find(name)
            if ready is not None:
                log("the environment was built by another just now")
                return replace(ready, fetched=0, cached=0)
            with self._workshop.place(Watch(log, cancel, descriptor)) as place:
                origin = Origin.of(requirements) if requirements else Origin()
                own = replace(place, cache=self._workshop.cache_of(scope))
                making = Making(self._workshop, own, scope, interpreter, files, origin)
                return self._build(name, lock, interpreter, place, making)

    def _build(
        self, name: str, lock: Lock, interpreter: Interpreter, place: Place, making: Making
    ) -> Environment:
        path = self._folder(name)
        discard(path)  # what a killed builder left
        is_done = False
        try:
            call = ["venv", "--quiet", "--no-project", "--python", interpreter.path, str(path)]
            self._workshop.uv(call, place, Origin())
            fetched, cached = self._install(lock, path, place, making)
            made = Environment(
                id=name,
                path=str(path),
                python=str(path / "bin" / "python"),
                packages=installed(path),
                bytes=freeze(path),
                fetched=fetched,
                cached=cached,
                is_shared=lock.is_shared,
                interpreter=interpreter.path,
            )
            write_whole(self._marker(name), json.dumps(asdict(made)))
            is_done = True
        finally:
            if not is_done:
                discard(path)
        return self.get(name)

    def _install(self, lock: Lock, path: Path, place: Place, making: Making) -> tuple[int, int]:
        """Counts of packages that were fetched or built, and that were only linked."""
        python = str(path / "bin" / "python")
        links = own_wheels.lay_links(lock.links, making.files, place.folder)
        done = list[Finished]()
        before = identity(path)
        if lock.own:
            # uv asks an interpreter once what it is, and remembers it: it is asked before a package could answer in its place.
            self._workshop.uv(
                ["pip", "list", "--quiet", "--offline", "--python", python], making.place, Origin()
            )
        if lock.rest.strip():
            call = ["pip", "sync", lock_file(place.folder, lock), "--python", python, *links]
            call += ["--preview-features", "pylock"] if lock.form == locks.PYLOCK else []
            call += ["--require-hashes"] if lock.is_hashed and lock.form != locks.PYLOCK else []
            call += WHEELS_ONLY if lock.is_wheels else ()
            call += ["--allow-empty-requirements"]
            if lock.is_wheels:
                done.append(self._workshop.uv(call, making.place if links else place, making.origin))
            else:
                done.append(self._sync_built(call, path, making))
            check_identity(path, before)
        if lock.own:
            done.append(
                self._install_own(
                    lock, path, replace(making, options=[*locks.arguments(lock.options), *links])
                )
            )
        check_identity(path, before)
        linked = sum(count(r"Installed (\d+) package", one.stderr) for one in done)
        fetched = sum(count(r"Prepared (\d+) package", one.stderr) for one in done)
        return fetched, max(0, linked - fetched)

    def _sync_built(self, call: Sequence[str], path: Path, making: Making) -> Finished:
        """Install what may have to be built first; the environment is the builds' to write meanwhile."""
        links = links_in(path)
        building = Building(making.scope, making.interpreter.path)
        done = self._workshop.build(call, making.place, building, making.origin, path)
        settle(path, links)
        return done

    def _install_own(self, lock: Lock, path: Path, making: Making) -> Finished:
        """The packages that lie in what was published, from wheels by path; where these lay is told nowhere afterwards."""
        wheels = [str(own_wheels.wheel_of(one, making)) for one in lock.own]
        call = [
            "pip",
            "install",
            "--no-deps",
            "--offline",
            "--no-index",
            "--python",
            str(path / "bin" / "python"),
        ]
        done = self._workshop.uv([*call, *wheels], making.place, making.origin)
        own_wheels.mark(lock.own, site_packages(str(path)))
        return done

    def find(self, name: str) -> Environment | None:
        """A finished environment by its id, whose interpreter is still there."""
        try:
            data = json.loads(self._marker(name).read_text("utf-8"))
            used_at = self._marker(name).stat().st_mtime
            made = Environment(**{**data, "packages": tuple(data["packages"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None
        if not Path(made.python).exists():
            return None
        return replace(made, used_at=used_at, is_compiled=self._compiled(name).exists())

    def get(self, name: str) -> Environment:
        """A finished environment.

        Raises:
            EnvironmentUnknown: there is none of that id.
        """
        found = self.find(name)
        if found is None:
            raise EnvironmentUnknown(f"Cannot find the environment {name}.", fix="Publish the app again.")
        return found

    def list(self) -> Sequence[Environment]:
        """All finished environments, the last used first."""
        markers = (self.root / "environments").glob("*.json")
        found = [made for made in (self.find(marker.stem) for marker in markers) if made is not None]
        return sorted(found, key=lambda made: made.used_at, reverse=True)

    def used(self, name: str) -> None:
        """Note that an environment is in use now; unknown ones are fine."""
        if self._marker(name).exists():
            os.utime(self._marker(name))

    def remove(self, name: str) -> None:
        """Remove an environment that nothing uses; an unknown id is fine. The packages stay in the cache."""
        with exclusive(self._guard(name), NEVER), exclusive(self._guard(f"{name}.compile"), NEVER):
            self._marker(name).unlink(missing_ok=True)
            self._compiled(name).unlink(missing_ok=True)
            discard(self._folder(name))

    def compile(self, name: str, *, log: Log = silent, cancel: Cancel = NEVER) -> None:
        """Byte-compile an environment at the lowest priority, once; takes seconds to a minute, killed it starts over.

        Raises:
            EnvironmentUnknown: there is none of that id.
            Cancelled, UvTimedOut: as they say; it can be called again.
        """
        with exclusive(self._guard(f"{name}.compile"), cancel) as descriptor:
            made = self.get(name)
            if made.is_compiled:
                return
            # Python, not uv: it replaces each file atomically, so that the app may import meanwhile.
            # Nothing of the environment runs: not its own interpreter, and no .pth of its packages. But what is compiled may be
            # made to take all memory.
            python = made.interpreter or os.path.realpath(made.python)
            call = ["nice", "-n", "19", python, "-I", "-S", "-m", "compileall", "-q", "-j", "1"]
            call.append(str(site_packages(made.path)))
            held = self._workshop.alone(call, Path(made.path), python, COMPILE_TIMEOUT_S)
            env = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
            thaw(Path(made.path))
            try:
                # Its exit code says only that some package has a file for another Python.
                watch = Watch(log, cancel, descriptor)
                uv.run(held, env, cwd=self.root, timeout_s=COMPILE_TIMEOUT_S, watch=watch)
            finally:
                freeze(Path(made.path))
            os.sync()  # a finished environment outlives a power loss from here on
            write_whole(self._compiled(name), "")

    # Our own code in an app's process

    def guest(self, interpreter: Interpreter, *, log: Log = silent, cancel: Cancel = NEVER) -> Guest:
        """The guest code and our servers for an interpreter, installed at the first call; raises as ``build`` does."""
        source = guests.source_folder()
        folder = self.root / "guests" / guests.key(source, interpreter)
        if not folder.exists():
            with (
                exclusive(self._guard(folder.name), cancel) as descriptor,
                self._workshop.place(Watch(log, cancel, descriptor)) as place,
            ):
                if not folder.exists():
                    guests.install(source, folder, interpreter, workshop=self._workshop, place=place)
        return guests.at(folder)

    # Places

    def _folder(self, name: str) -> Path:
        return self.root / "environments" / name

    def _marker(self, name: str) -> Path:
        return self.root / "environments" / f"{name}.json"

    def _compiled(self, name: str) -> Path:
        return self.root / "environments" / f"{name}.compiled"

    def _guard(self, name: str) -> Path:
        return self.root / "guards" / name


def identity(path: Path) -> list[str]:
    """What makes an environment's interpreter the one that it was made with."""
    links = [os.path.realpath(one) for one in sorted((path / "bin").glob("python*"))]
    return [*links, (path / "pyvenv.cfg").read_text("utf-8", "replace")]


def check_identity(path: Path, before: Sequence[str]) -> None:
    """Raises: EnvironmentFailed: a package has put something in the interpreter's place."""
    if [one for one in before if one not in identity(path)]:
        raise EnvironmentFailed(
            "Cannot build the environment: one of its packages replaces its interpreter.",
            fix="Leave out the package that installs files in bin or over pyvenv.cfg.",
        )


def count(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    return int(found[1]) if found else 0


def version_of(environment: Environment) -> str:
    """The version of its interpreter, as the environment itself says it; empty where it does not."""
    try:
        said = Path(environment.path, "pyvenv.cfg").read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    found = re.search(r"^version(?:_info)?\s*=\s*(\d+\.\d+\.\d+)", said, re.MULTILINE)
    return found[1] if found else ""


def site_packages(path: str) -> Path:
    return next(Path(path).glob("lib/python*/site-packages"))


def installed(path: Path) -> tuple[str, ...]:
    """``name==version`` of what lies in an environment."""
    names = (
        folder.name.removesuffix(".dist-info") for folder in site_packages(str(path)).glob("*.dist-info")
    )
    return tuple(sorted("==".join(name.split("-", 1)).replace("_", "-") for name in names))


def freeze(path: Path) -> int:
    """Make files and folders read-only; returns the files' bytes.

    The files are the cache's too, which only ever links and removes them: that takes no write permission on them.
    """
    total = 0
    for folder, _, files in os.walk(path, topdown=False):
        for name in files:
            entry = f"{folder}/{name}"
            status = os.lstat(entry)
            total += status.st_size
            if stat.S_ISREG(status.st_mode) and status.st_mode & 0o222:
                os.chmod(entry, stat.S_IMODE(status.st_mode) & ~0o222)  # noqa: PTH101 - thousands of files
        Path(folder).chmod(0o555)
    return total


def thaw(path: Path) -> None:
    """Make the folders writable again; the files stay as they are."""
    path.chmod(0o755)
    for folder, folders, _ in os.walk(path):
        for name in folders:
            entry = Path(folder, name)
            if not entry.is_symlink():
                entry.chmod(0o755)


def discard(path: Path) -> None:
    """Remove an environment's folder, finished or not."""
    remove(path)
