"""Requirements of each form become a lock, by uv. Remembering locks is ``environments``' work.

Wheels from an index are tried first, in the cache that everybody shares. Only where that cannot be resolved are source
distributions allowed, in a cache of the owner: building one runs its code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tholos.detect.model import Requirements
from tholos.runtime import locks, uv_failures
from tholos.runtime.interpreters import Interpreter
from tholos.runtime.locks import Lock, Wish
from tholos.runtime.uv_failures import Origin
from tholos.runtime.workshop import Place, Workshop

WHEELS_ONLY = ("--only-binary", ":all:")
SOURCE_NOTE = (
    "a package has no wheel and is built from source; this environment is not shared with other owners"
)


@dataclass(frozen=True, slots=True)
class Resolving:
    """One resolution: for whom, where, and where its requirements came from."""

    workshop: Workshop
    place: Place
    python: str
    scope: str
    origin: Origin
    is_fresh: bool
    """Whether what the cache knows of the index is asked for again."""


def resolve(
    requirements: Requirements,
    interpreter: Interpreter,
    scope: str,
    *,
    workshop: Workshop,
    place: Place,
    is_fresh: bool,
) -> Lock:
    """Make the lock of requirements of any form.

    Raises:
        EnvironmentFailed, Unavailable, Cancelled: the first cause and its fix.
    """
    origin = Origin.of(requirements)
    work = Resolving(workshop, place, interpreter.path, scope, origin, is_fresh)
    if requirements.form == "pylock.toml":
        return check(Lock(requirements.text, locks.PYLOCK), work)
    if requirements.form == "uv.lock":
        text, constraints = export(requirements, work), ""
    else:
        text, constraints = without_constraints(requirements)
    locks.read(constraints, origin)
    wish = locks.read(text, origin)
    if wish.is_empty:
        return Lock("")
    if wish.is_locked:
        return check(Lock(text, is_shared=not wish.wants_source), work)
    if requirements.form == "uv.lock" and wish.vcs:
        return Lock(text, is_shared=False, is_hashed=False, notes=notes_of(wish))
    return compile_text(text, constraints, wish, work)


def export(requirements: Requirements, work: Resolving) -> str:
    """The packages of a ``uv.lock`` with their hashes, as requirements."""
    (work.place.folder / "uv.lock").write_text(requirements.text, "utf-8")
    for name, text in requirements.support.items():
        (work.place.folder / Path(name).name).write_text(text, "utf-8")
    flags = (
        "--frozen",
        "--no-dev",
        "--no-emit-project",
        "--no-header",
        "--no-annotate",
        "--quiet",
        "--offline",
    )
    return work.workshop.uv(["export", *flags, "--python", work.python], work.place, work.origin).stdout


def check(lock: Lock, work: Resolving) -> Lock:
    """Whether a lock that was brought along can be met by wheels alone; if not, it is its owner's."""
    name = lock_file(work.place.folder, lock)
    nowhere = (
        "--target",
        str(work.place.folder / "nowhere"),
        "--dry-run",
        "--no-deps",
        "--python",
        work.python,
    )
    call = ["pip", "install", "-r", name, *nowhere, *WHEELS_ONLY, "--preview-features", "pylock"]
    done = work.workshop.try_uv(call, work.place)
    if done.code == 0:
        return lock
    if not uv_failures.needs_source(done.stderr):
        raise uv_failures.explain(done.stderr, work.origin)
    return replace(lock, is_shared=False, notes=(SOURCE_NOTE,))


def without_constraints(requirements: Requirements) -> tuple[str, str]:
    """The requirements without their ``-c`` lines, the others numbered as before, and what those lines' files say."""
    kept, constraints = [], []
    for line in requirements.text.splitlines():
        name = line.removeprefix("-c ").strip() if line.startswith("-c ") else ""
        is_constraint = name in requirements.support
        kept.append("" if is_constraint else line)
        constraints += [requirements.support[name]] if is_constraint else []
    return "\n".join(kept) + "\n", "\n".join(constraints)


def compile_text(text: str, constraints: str, wish: Wish, work: Resolving) -> Lock:
    """Resolve, by wheels alone if that is possible; lines that name indexes stay in the lock."""
    (work.place.folder / "requirements.in").write_text(text, "utf-8")
    (work.place.folder / "constraints.txt").write_text(constraints, "utf-8")
    call = ["pip", "compile", "requirements.in", "--generate-hashes", "--no-header", "--no-annotate"]
    call += ["--constraints", "constraints.txt"]
    call += ["--python", work.python, *(["--refresh"] if work.is_fresh else [])]
    options = "".join(f"{line}\n" for line in wish.options)
    if not wish.vcs and not wish.wants_source:
        done = work.workshop.try_uv([*call, *WHEELS_ONLY], work.place)
        if done.code == 0:
            return Lock(options + done.stdout)
        if not uv_failures.needs_source(done.stderr):
            raise uv_failures.explain(done.stderr, work.origin)
        work.place.watch.log("wheels alone do not do; trying source distributions as well")
    own = replace(work.place, cache=work.workshop.cache_of(work.scope))
    done = work.workshop.uv(call, own, work.origin)
    return Lock(options + done.stdout, is_shared=False, is_hashed=not wish.vcs, notes=notes_of(wish))


def notes_of(wish: Wish) -> tuple[str, ...]:
    versions: Sequence[str] = [
        f"{line} comes from version control, at the commit in the lock" for line in wish.vcs
    ]
    return (SOURCE_NOTE, *versions)


def lock_file(folder: Path, lock: Lock) -> str:
    """Write a lock under the name by which uv knows its form."""
    name = "pylock.toml" if lock.form == locks.PYLOCK else "requirements.txt"
    (folder / name).write_text(lock.text, "utf-8")
    return name
