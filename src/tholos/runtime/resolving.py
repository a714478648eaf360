"""Requirements of each form become a lock, by uv. Remembering locks is ``environments``' work.

Wheels from an index are tried first, in the cache that everybody shares. Only where that cannot be resolved are source
distributions allowed, in a cache of the owner: building one runs its code.

Of a package that lies in what was published uv is shown the metadata alone (``wheels.write_stub``), so that nothing of it gets into
the cache that everybody shares. Folders in which packages are looked for are shown to uv as they are, in the owner's cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tholos.detect.model import Requirements
from tholos.runtime import locks, own_wheels, uv_failures, wheels
from tholos.runtime.interpreters import Interpreter
from tholos.runtime.locks import Lock, Wish
from tholos.runtime.own_wheels import NO_FILES, Files, Making, OwnWheel
from tholos.runtime.uv_failures import BadRequirement, Origin
from tholos.runtime.workshop import Building, Place, Workshop

WHEELS_ONLY = ("--only-binary", ":all:")
SOURCE_NOTE = (
    "a package has no wheel and is built from source; this environment is not shared with other owners"
)


@dataclass(frozen=True, slots=True)
class Resolving:
    """One resolution: for whom, where, and where its requirements came from."""

    workshop: Workshop
    place: Place
    interpreter: Interpreter
    scope: str
    origin: Origin
    is_fresh: bool
    """Whether what the cache knows of the index is asked for again."""
    files: Files = NO_FILES

    @property
    def python(self) -> str:
        return self.interpreter.path

    @property
    def own_place(self) -> Place:
        """The same with the owner's cache."""
        return replace(self.place, cache=self.workshop.cache_of(self.scope))


@dataclass(frozen=True, slots=True)
class Text:
    """Requirements as uv is to read them, beside what stands for a part of them in the lock."""

    uv: str
    own: Sequence[OwnWheel] = ()
    links: Sequence[str] = ()
    """Arguments of uv for folders of what was published."""
    lines: Sequence[str] = ()
    """Of the lock."""

    @property
    def names(self) -> frozenset[str]:
        return frozenset(one.facts.name for one in self.own)


def resolve(
    requirements: Requirements,
    interpreter: Interpreter,
    scope: str,
    *,
    workshop: Workshop,
    place: Place,
    is_fresh: bool,
    files: Files = NO_FILES,
) -> Lock:
    """Make the lock of requirements of any form.

    Raises:
        EnvironmentFailed, Unavailable, Cancelled: the first cause and its fix.
    """
    origin = Origin.of(requirements)
    work = Resolving(workshop, place, interpreter, scope, origin, is_fresh, files)
    if requirements.form == "pylock.toml":
        locks.check_pylock(requirements.text, origin)
        return check(Lock(requirements.text, locks.PYLOCK), work)
    is_export = requirements.form == "uv.lock"
    if is_export:
        given, constraints = export(requirements, work), ""
    else:
        given, constraints = without_constraints(requirements)
    refuse_own(locks.read(constraints, origin), origin)
    wish = locks.read(given, origin)
    if wish.is_empty:
        return Lock("")
    text = with_own(given, wish, work, requirements.evidence.path if is_export else "")
    if wish.is_locked and (is_export or not wish.own):
        return check(Lock(joined(text, text.uv), is_wheels=not wish.wants_source), work)
    if is_export and wish.vcs:
        notes = notes_of(wish)
        return Lock(joined(text, text.uv), is_wheels=False, is_hashed=False, notes=notes)
    return compile_text(text, constraints, wish, work)


def refuse_own(constraints: Wish, origin: Origin) -> None:
    """Raises: BadRequirement: constraints name a package among the files."""
    named = [*(one.path for one in constraints.own.values()), *constraints.links.values()]
    if named:
        raise BadRequirement(
            f"Cannot constrain by ./{named[0]}: a file of constraints may only say versions.",
            where=origin.where(""),
            fix="Name it in the requirements themselves.",
        )


def with_own(given: str, wish: Wish, work: Resolving, lock: str) -> Text:
    """The requirements with stubs in the place of packages among the files; of a ``uv.lock``, without these.

    Raises:
        EnvironmentFailed, Unavailable, Cancelled: one of them is amiss, or cannot be built.
    """
    if not wish.own and not wish.links:
        return Text(given)
    base = lock.rpartition("/")[0]
    named = {
        number: replace(one, path="/".join(filter(None, (base, one.path))))
        for number, one in wish.own.items()
    }
    found = own_wheels.links_of(wish.links.values(), work.files)
    links = own_wheels.lay_links(found, work.files, work.place.folder)
    options = [*locks.arguments(wish.options), *links]
    making = Making(
        work.workshop, work.own_place, work.scope, work.interpreter, work.files, work.origin, options
    )
    own = own_wheels.make_all(named, making)
    left_out = {*wish.own, *wish.links}
    kept = {number: line for number, line in locks.logical_lines(given) if number not in left_out}
    lines = [kept.get(number, "") for number in range(1, len(given.splitlines()) + 1)]
    stubs = [] if lock else [stub_line(one, work.place.folder) for one in own]
    return Text(
        "".join(f"{line}\n" for line in [*lines, *stubs]),
        own,
        links,
        [*(one.line for one in found), *(one.package.line for one in own)],
    )


def stub_line(one: OwnWheel, folder: Path) -> str:
    """What uv resolves by in the place of a package among the files."""
    stub = wheels.write_stub(one.facts, folder)
    return f"{one.facts.name}{one.extras} @ {stub.as_uri()}"


def joined(text: Text, resolved: str) -> str:
    """A lock's text: what was resolved, with a package's own line in the place of its stub."""
    if not text.lines:
        return resolved
    lines = resolved.splitlines(keepends=True)
    is_stub = False
    kept = list[str]()
    for line in lines:
        if not line[:1].isspace():
            is_stub = " @ file:" in line and uv_failures.normal(uv_failures.name_of(line)) in text.names
        if not is_stub and line.strip():
            kept.append(line)
    return "".join([f"{line}\n" for line in text.lines] + kept)


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
    if not lock.rest.strip():
        return lock
    place = work.own_place if lock.links else work.place
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
    call += own_wheels.lay_links(lock.links, work.files, work.place.folder)
    done = work.workshop.try_uv(call, place, work.origin)
    if done.code == 0:
        return lock
    if not uv_failures.needs_source(done.stderr):
        raise uv_failures.explain(done.stderr, work.origin)
    return replace(lock, is_wheels=False, notes=(SOURCE_NOTE,))


def without_constraints(requirements: Requirements) -> tuple[str, str]:
    """The requirements without their ``-c`` lines, the others numbered as before, and what those lines' files say."""
    kept, constraints = [], []
    for line in requirements.text.splitlines():
        name = line.removeprefix("-c ").strip() if line.startswith("-c ") else ""
        is_constraint = name in requirements.support
        kept.append("" if is_constraint else line)
        constraints += [requirements.support[name]] if is_constraint else []
    return "\n".join(kept) + "\n", "\n".join(constraints)


def compile_text(text: Text, constraints: str, wish: Wish, work: Resolving) -> Lock:
    """Resolve, by wheels alone if that is possible; lines that name indexes stay in the lock."""
    (work.place.folder / "requirements.in").write_text(text.uv, "utf-8")
    (work.place.folder / "constraints.txt").write_text(constraints, "utf-8")
    call = ["pip", "compile", "requirements.in", "--generate-hashes", "--no-header", "--no-annotate"]
    call += ["--constraints", "constraints.txt", *text.links]
    call += ["--python", work.python, *(["--refresh"] if work.is_fresh else [])]
    options = "".join(f"{line}\n" for line in wish.options)
    if not wish.vcs and not wish.wants_source:
        place = work.own_place if text.links else work.place
        done = work.workshop.try_uv([*call, *WHEELS_ONLY], place, work.origin)
        if done.code == 0:
            return Lock(joined(text, options + done.stdout))
        if not uv_failures.needs_source(done.stderr):
            raise uv_failures.explain(done.stderr, work.origin)
        work.place.watch.log("wheels alone do not do; trying source distributions as well")
    building = Building(work.scope, work.python)
    done = work.workshop.build(call, work.place, building, work.origin)
    is_hashed = not wish.vcs and not locks.read(locked_elsewhere(done.stdout), Origin()).vcs
    return Lock(
        joined(text, options + done.stdout), is_wheels=False, is_hashed=is_hashed, notes=notes_of(wish)
    )


def locked_elsewhere(resolved: str) -> str:
    """What was resolved without what lies in files, as stubs do."""
    return "\n".join(line for line in resolved.splitlines() if " @ file:" not in line)


def notes_of(wish: Wish) -> tuple[str, ...]:
    versions: Sequence[str] = [
        f"{line} comes from version control, at the commit in the lock" for line in wish.vcs
    ]
    return (SOURCE_NOTE, *versions)


def lock_file(folder: Path, lock: Lock) -> str:
    """Write a lock under the name by which uv knows its form."""
    name = "pylock.toml" if lock.form == locks.PYLOCK else "requirements.txt"
    (folder / name).write_text(lock.rest, "utf-8")
    return name
