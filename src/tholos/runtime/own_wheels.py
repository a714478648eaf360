"""Packages that lie in what was published become wheels, in a place of their owner: taken as they are, or built.

Whatever is a wheel already is taken by its hash. A source archive or a folder is built once for its content and the
interpreter, which runs its code; it is built in a copy, so that nothing is left among the published files.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from packaging.markers import InvalidMarker, Marker, UndefinedEnvironmentName

from tholos.detect.distributions import normalize
from tholos.detect.own_packages import ARCHIVES, WHEEL, Named
from tholos.kit.errors import TholosError
from tholos.runtime import builds, locks, uv_failures, wheels
from tholos.runtime.exclusive import exclusive
from tholos.runtime.interpreters import Interpreter
from tholos.runtime.locks import OwnLinks, OwnPackage
from tholos.runtime.uv_failures import BadRequirement, BuildFailed, EnvironmentFailed, HashMismatch, Origin
from tholos.runtime.wheels import Facts, NotAWheel
from tholos.runtime.workshop import Building, Place, Workshop

FORMAT = 1
"""Part of every key of what is built."""


class Files(Protocol):
    """What was published, as far as packages lie in it."""

    def below(self, path: str) -> Mapping[str, str]:
        """Hashes of the files in a folder by their path from there, or of a file alone, by an empty one; empty for neither."""
        ...

    def write(self, path: str, target: Path) -> None:
        """Write a file that ``below`` told."""
        ...


class NoFiles:
    """Nothing was published beside the requirements."""

    def below(self, path: str) -> Mapping[str, str]:
        return {}

    def write(self, path: str, target: Path) -> None:
        raise FileNotFoundError(path)


NO_FILES = NoFiles()


@dataclass(frozen=True, slots=True)
class Making:
    """Where the wheels of one owner are made, of what, and for which interpreter."""

    workshop: Workshop
    place: Place
    scope: str
    interpreter: Interpreter
    files: Files
    origin: Origin
    options: Sequence[str] = ()
    """Arguments that name indexes: what a build needs comes from there."""


@dataclass(frozen=True, slots=True)
class OwnWheel:
    """A package that lies in what was published, as a wheel."""

    package: OwnPackage
    wheel: Path
    facts: Facts
    extras: str = ""


def digests(files: Files, paths: Iterable[str]) -> dict[str, str]:
    """What packages among the files are made of, by path; an empty text for what is not there."""
    return {path: _digest(files.below(path)) for path in sorted(paths)}


def _digest(below: Mapping[str, str]) -> str:
    if not below:
        return ""
    return _sha256(below[""]) if "" in below else locks.digest(sorted(below.items()))


def _sha256(said: str) -> str:
    """A hash without the mark of what may be executed."""
    return said[:64]


def make_all(named: Mapping[int, Named], making: Making) -> list[OwnWheel]:
    """The wheels of the packages that lines name, without those whose markers do not hold.

    Raises:
        EnvironmentFailed, Unavailable, Cancelled: the first cause, with the line.
    """
    made: dict[str, OwnWheel] = {}
    for one in named.values():
        if not _holds(one, making):
            continue
        found = _make(one, making)
        other = made.setdefault(found.facts.name, found)
        if other.package != found.package:
            raise BadRequirement(
                f"Cannot install {_shown(one.path)}: it is {found.facts.name}, and so is {_shown(other.package.path)}.",
                where=making.origin.where_own(one.path),
                fix="Leave one of the two out.",
            )
        made[found.facts.name] = replace(found, extras=_extras(other.extras, one.extras))
    return list(made.values())


def _make(named: Named, making: Making) -> OwnWheel:
    where = making.origin.where_own(named.path)
    below = making.files.below(named.path)
    if not below or (making.origin.own and named.path not in making.origin.own):
        raise BadRequirement(
            f"Cannot install {_shown(named.path)}: it is not among the published files.",
            where=where,
            fix="Copy it into the folder. If it lies there, it is ignored, or a link that leads out.",
        )
    _check_hashes(named, below, making, where)
    sha256, is_folder = _digest(below), "" not in below
    wheel = wheel_of(OwnPackage(named.path, sha256, "", "", is_folder), making)
    facts = _read(wheel, named.path, making, where)
    return OwnWheel(
        OwnPackage(named.path, sha256, facts.name, facts.version, is_folder), wheel, facts, named.extras
    )


def _read(wheel: Path, path: str, making: Making, where: str) -> Facts:
    """Raises: BadRequirement: it is none, or not for this interpreter."""
    try:
        facts = wheels.read(wheel)
    except NotAWheel as error:
        fix = "Make the wheel anew, for example with: python -m build --wheel"
        raise BadRequirement(f"Cannot install {_shown(path)}: {error}.", where=where, fix=fix) from None
    if not wheels.fits(facts, making.interpreter):
        needed = wheels.shown_tag(making.interpreter)
        raise BadRequirement(
            f"Cannot install {_shown(path)}: it is made for {facts.shown_tags}, and Python {making.interpreter} "
            f"here takes {needed}, or py3-none-any.",
            where=where,
            fix="Make a wheel for this Python and platform, publish the package's source, or say another --python.",
        )
    return facts


def _check_hashes(named: Named, below: Mapping[str, str], making: Making, where: str) -> None:
    """Raises: HashMismatch: the file is none of those that the line allows."""
    if not named.hashes or "" not in below:
        return
    known = {"sha256": _sha256(below[""])}
    for algorithm in {one.partition(":")[0] for one in named.hashes} & {
        "md5",
        "sha1",
        "sha224",
        "sha384",
        "sha512",
    }:
        copy = making.place.folder / "hashed"
        making.files.write(named.path, copy)
        with copy.open("rb") as file:
            known[algorithm] = hashlib.file_digest(file, algorithm).hexdigest()
        copy.unlink()
    if not any(known.get(one.partition(":")[0]) == one.partition(":")[2].lower() for one in named.hashes):
        raise HashMismatch(
            f"Cannot build the environment: {_shown(named.path)} is not the file that was locked "
            f"(locked {named.hashes[0][:19]}…, published sha256:{known['sha256'][:12]}…).",
            where=where,
            fix="If it was replaced on purpose, write its hash anew; else publish the file that was meant.",
        )


def wheel_of(package: OwnPackage, making: Making) -> Path:
    """The wheel of a package: the one that is there, else a new one.

    Raises:
        HashMismatch: what was published is not what the package was made of.
        EnvironmentFailed, Unavailable, Cancelled: the first cause of a build that failed.
    """
    if _digest(making.files.below(package.path)) != package.sha256:
        raise HashMismatch(
            f"Cannot build the environment: {_shown(package.path)} is not what was locked.",
            where=making.origin.where_own(package.path),
            fix="Publish again: what lies in the folder is locked anew.",
        )
    is_wheel = not package.is_folder and package.path.lower().endswith(WHEEL)
    key = package.sha256 if is_wheel else _key(package, making)
    folder = making.workshop.wheels_of(making.scope) / key
    guard = making.workshop.root / "guards" / f"wheel-{key[:32]}"
    with exclusive(guard, making.place.watch.cancel) as descriptor:
        found = next(folder.glob(f"*{WHEEL}"), None)
        if found is not None and not (is_wheel and found.name != _name(package)):
            return found
        held = replace(making.place, watch=replace(making.place.watch, lock=descriptor))
        return _put(package, replace(making, place=held), folder, is_wheel=is_wheel)


def _key(package: OwnPackage, making: Making) -> str:
    """Of a build; an archive's name has a part in it, for its name is all that says what it is."""
    name = "" if package.is_folder else _name(package)
    return locks.digest([FORMAT, package.sha256, name, making.interpreter.identity])


def _name(package: OwnPackage) -> str:
    return package.path.rpartition("/")[2]


def _put(package: OwnPackage, making: Making, folder: Path, *, is_wheel: bool) -> Path:
    """Make a wheel beside its place, and move it there whole."""
    made = Path(tempfile.mkdtemp(dir=making.place.folder, prefix="wheel-"))
    if is_wheel:
        making.files.write(package.path, made / _name(package))
    else:
        _build(package, making, made)
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    made.rename(folder)
    return next(folder.glob(f"*{WHEEL}"))


def _build(package: OwnPackage, making: Making, made: Path) -> None:
    """Build in folders that the build may write; whatever it leaves there besides a wheel is gone with them."""
    source = Path(tempfile.mkdtemp(dir=making.place.folder, prefix="source-"))
    out = Path(tempfile.mkdtemp(dir=making.place.folder, prefix="out-"))
    try:
        lay(package.path, making.files, source)
        built = source if package.is_folder else source / _name(package)
        call = [
            "build",
            "--wheel",
            str(built),
            "--out-dir",
            str(out),
            "--no-sources",
            "--no-create-gitignore",
        ]
        call += ["--python", making.interpreter.path, *making.options]
        building = Building(making.scope, making.interpreter.path)
        done = making.workshop.try_build(call, making.place, building, source, out)
        if done.code != 0 or not _take(out, made):
            raise _explain(done.stderr, package, making)
    finally:
        builds.remove(source)
        builds.remove(out)


def _take(out: Path, made: Path) -> bool:
    """Take the wheel that a build made: a file of ours from here on."""
    for entry in [*os.scandir(out)]:
        if entry.name.endswith(WHEEL) and entry.is_file(follow_symlinks=False):
            wheel = made / entry.name
            Path(entry.path).rename(wheel)
            os.chown(wheel, os.getuid(), os.getgid())
            wheel.chmod(0o644)
            return True
    return False


def _explain(stderr: str, package: OwnPackage, making: Making) -> TholosError:
    """Why a build failed; what kept it from beginning is told as it is."""
    where = making.origin.where_own(package.path)
    error = uv_failures.explain(stderr, Origin())
    if not isinstance(error, BuildFailed) and type(error) is not EnvironmentFailed:
        error.where = where
        return error
    first = uv_failures.first_build_error([line.strip() for line in stderr.splitlines()])
    return BuildFailed(
        f"Cannot build the package {_shown(package.path)}: {first}",
        where=where,
        fix="Mend what it says, or put a wheel of the package into the folder in its place.",
    )


def lay(path: str, files: Files, target: Path) -> None:
    """Write a folder, or a file into a folder."""
    below = files.below(path)
    for name in below:
        inside = target / (name or path.rpartition("/")[2])
        inside.parent.mkdir(parents=True, exist_ok=True)
        files.write("/".join(filter(None, (path, name))), inside)
        if below[name].endswith("x"):
            inside.chmod(0o755)


def links_of(paths: Iterable[str], files: Files) -> list[OwnLinks]:
    """Folders in which packages are looked for, with a hash of those that lie in each."""
    return [
        OwnLinks(path, locks.digest(sorted(_packages_in(path, files).items())))
        for path in dict.fromkeys(paths)
    ]


def lay_links(links: Sequence[OwnLinks], files: Files, folder: Path) -> list[str]:
    """Write the packages of such folders, and answer the options of uv that name them."""
    options: list[str] = []
    for number, one in enumerate(links):
        target = folder / f"links{number}"
        target.mkdir(exist_ok=True)
        for name in _packages_in(one.path, files):
            files.write("/".join(filter(None, (one.path, name))), target / name)
        options += ["--find-links", str(target)]
    return options


def _packages_in(path: str, files: Files) -> dict[str, str]:
    known = (WHEEL, *ARCHIVES)
    below = files.below(path)
    return {name: _sha256(one) for name, one in below.items() if "/" not in name and name.endswith(known)}


def mark(packages: Iterable[OwnPackage], site: Path) -> None:
    """Say of installed packages where they come from, as seen from the app's folder: not where their wheels lay (PEP 610)."""
    for one in packages:
        info = "dir_info" if one.is_folder else "archive_info"
        for folder in site.glob("*.dist-info"):
            if normalize(folder.name.partition("-")[0]) == normalize(one.name):
                (folder / "uv_cache.json").unlink(missing_ok=True)
                said = {"url": one.address, info: {}}
                (folder / "direct_url.json").write_text(json.dumps(said), "utf-8")


def _holds(named: Named, making: Making) -> bool:
    """Raises: BadRequirement: its marker is none."""
    if not named.marker:
        return True
    one = making.interpreter
    minor = ".".join(one.version.split(".")[:2])
    names = {"cpython": "CPython", "pypy": "PyPy"}
    known = {
        "implementation_name": one.implementation,
        "platform_python_implementation": names.get(one.implementation, one.implementation),
        "python_full_version": one.version,
        "python_version": minor,
    }
    try:
        return Marker(named.marker).evaluate({**known, "extra": ""})
    except (InvalidMarker, UndefinedEnvironmentName):
        raise BadRequirement(
            f"Cannot read {named.marker[:80]!r}: it is no marker.",
            where=making.origin.where_own(named.path),
            fix="Write it as: ; python_version >= '3.11'",
        ) from None


def _extras(first: str, second: str) -> str:
    names = sorted(
        {one.strip() for said in (first, second) for one in said.strip("[]").split(",") if one.strip()}
    )
    return f"[{','.join(names)}]" if names else ""


def _shown(path: str) -> str:
    return f"./{path}" if path else "the folder itself"
