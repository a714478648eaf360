"""Which Python an app asks for: every place that says it, and what holds when several do.

Places in order: ``--python``, ``.python-version``, ``pyproject.toml``, ``setup.cfg``, script metadata, ``uv.lock``,
``runtime.txt``, ``Pipfile``, ``environment.yml``. The first one is the answer. Another that is stricter is added to it,
with a note; two that no Python satisfies together are an error. A bare version is turned into a range as other publishers
do: ``3.11`` and ``3.11.4`` into ``~=3.11.0``, ``3`` into ``~=3.0``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tholos.detect import errors, poetry, script
from tholos.detect.model import Evidence, Finding
from tholos.detect.sources import Folder, line_of, malformed

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

_VERSION = re.compile(r"\d+(\.\d+){0,2}")
_WILDCARD = re.compile(r"\d+(\.\d+)?\.\*")
_CONDA_LINE = re.compile(r"[ \t]*-[ \t]+[\"']?python[ \t]*([<>=!~][^#\"']*)")
_LOCK_HEAD = 4096
"""Characters of a lock file in which its requires-python stands."""

LENGTH_LIMIT = 200
"""Characters of a constraint; numbers beyond it would be the parser's trouble."""

_Constraint = tuple[str, Evidence]


def constraint_of(text: str) -> str:
    """A version specifier from what people write.

    Raises:
        ValueError: it names a pre-release, another implementation or nothing sensible.
    """
    value = text.strip()
    if len(value) > LENGTH_LIMIT:
        raise ValueError("too long")
    if _WILDCARD.fullmatch(value):
        return f"=={value}"
    if _VERSION.fullmatch(value):
        parts = value.split(".")
        return f"~={parts[0]}.{parts[1]}.0" if len(parts) > 1 else f"~={parts[0]}.0"
    wanted = _wanted(value)
    if any(re.search(r"\d(a|b|rc|dev)", str(specifier)) for specifier in wanted):
        raise ValueError("a pre-release")
    return ",".join(part.strip().replace(" ", "") for part in value.split(",") if part.strip())


def specifiers(value: str) -> SpecifierSet:
    """A version specifier; what reads it is loaded by the first one, for most folders have none.

    Raises:
        ValueError: it is none.
    """
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(value)


def _wanted(value: str) -> SpecifierSet:
    try:
        found = specifiers(value)
    except ValueError:
        raise ValueError("not a version of Python") from None
    if not len(found):
        raise ValueError("empty")
    return found


def find(folder: Folder, entry: str, override: str | None) -> tuple[Finding, tuple[str, ...]]:
    """The constraint and notes on it; ``entry`` is the file that may carry script metadata.

    Raises:
        OverrideInvalid: ``--python`` is no version.
        FileMalformed: a file's constraint is none.
        PythonConflict: two files exclude each other.
    """
    if override is not None:
        return _given(override), ()
    found = list(_constraints(folder, entry))
    if not found:
        return Finding("", "no file asks for a version"), ()
    first, where = found[0]
    value, notes = first, []
    for other, place in found[1:]:
        if other == first:
            continue
        allowed = _allowed(value)
        both = allowed & _allowed(other)
        if not both:
            raise errors.PythonConflict(
                f"Cannot choose a Python: {where} asks for {value}, {place} for {other}.",
                where=str(where),
                fix="Make them agree, or pass --python.",
            )
        if both != allowed:
            value = f"{value},{other}"
            notes.append(
                f"{place} asks for Python {other}, which is stricter than {first} in {where}; both hold."
            )
    name = where.path.rpartition("/")[2]
    return Finding(value, f"asked for in {name}", where), tuple(notes)


def _given(override: str) -> Finding:
    text = override.strip()
    try:
        value = (
            f"=={text}.*"
            if re.fullmatch(r"\d+\.\d+", text)
            else f"=={text}"
            if _VERSION.fullmatch(text)
            else ""
        )
        if re.fullmatch(r"\d+", text):
            value = f"=={text}.*"
        return Finding(value or constraint_of(text), "given with --python")
    except ValueError as error:
        raise errors.OverrideInvalid(
            f"Cannot use Python {override!r}: it is {error}.",
            where="--python",
            fix="Pass a version or a range, as 3.12 or '>=3.11'.",
        ) from None


def _constraints(folder: Folder, entry: str) -> Iterator[_Constraint]:
    for reading in (_version_file, _pyproject, _setup_cfg):
        yield from reading(folder)
    if entry.endswith(".py"):
        metadata = script.read(folder, entry)
        if metadata and metadata.python:
            yield _read(metadata.python, Evidence(entry, metadata.python_line))
    for reading in (_lock, _runtime_txt, _pipfile, _conda):
        yield from reading(folder)


def _read(text: str, where: Evidence) -> _Constraint:
    try:
        return constraint_of(text), where
    except ValueError as error:
        raise malformed(
            where.path,
            where.line,
            f"{text.strip()[:60]!r} is {error}",
            "Write a version or a range, or pass --python.",
        ) from None


def _version_file(folder: Folder) -> Iterator[_Constraint]:
    if ".python-version" not in folder.paths:
        return
    for number, line in enumerate(folder.text(".python-version").splitlines(), 1):
        text = line.partition("#")[0].strip()
        if text:
            yield _read(text, Evidence(".python-version", number))
            return


def _pyproject(folder: Folder) -> Iterator[_Constraint]:
    if "pyproject.toml" not in folder.paths:
        return
    document = folder.toml("pyproject.toml")
    text = folder.text("pyproject.toml")
    project = document.get("project")
    value = project.get("requires-python") if isinstance(project, dict) else None
    if value is not None:
        where = Evidence("pyproject.toml", line_of(text, r"^[ \t]*[\"']?requires-python\b") or 1)
        yield _read(value if isinstance(value, str) else str(value), where)
        return
    caret = poetry.table(document).get("python")
    if isinstance(caret, str):
        where = Evidence("pyproject.toml", line_of(text, r"^[ \t]*[\"']?python[\"']?[ \t]*=") or 1)
        yield _read(_from_poetry(caret), where)


def _from_poetry(value: str) -> str:
    try:
        return poetry.specifier(value)
    except ValueError:
        return value


def _setup_cfg(folder: Folder) -> Iterator[_Constraint]:
    if "setup.cfg" not in folder.paths:
        return
    value = setup_cfg(folder).get("python_requires", "").strip()
    if value:
        yield _read(
            value, Evidence("setup.cfg", line_of(folder.text("setup.cfg"), r"^[ \t]*python_requires") or 1)
        )


def setup_cfg(folder: Folder) -> dict[str, str]:
    """The ``[options]`` of ``setup.cfg``.

    Raises:
        FileMalformed: it is no INI file.
    """
    import configparser  # start-up time: hardly a folder has such a file

    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(folder.text("setup.cfg"))
    except configparser.Error as error:
        line = getattr(error, "lineno", 0) or next(iter(getattr(error, "errors", ())), (0, ""))[0]
        raise malformed("setup.cfg", int(line or 1), "it is not of the INI form") from None
    return dict(parser["options"]) if "options" in parser else {}


def _lock(folder: Folder) -> Iterator[_Constraint]:
    if "uv.lock" not in folder.paths:
        return
    found = re.search(r'^requires-python\s*=\s*"([^"]*)"', folder.text("uv.lock")[:_LOCK_HEAD], re.MULTILINE)
    if found:
        yield _read(found[1], Evidence("uv.lock", found.string.count("\n", 0, found.start()) + 1))


def _runtime_txt(folder: Folder) -> Iterator[_Constraint]:
    """Heroku's file; one for another language says nothing here."""
    if "runtime.txt" not in folder.paths:
        return
    for number, line in enumerate(folder.text("runtime.txt").splitlines(), 1):
        text = line.strip()
        if text.startswith("python") or text[:1].isdigit():
            yield _read(text.removeprefix("python").lstrip("-= "), Evidence("runtime.txt", number))
            return


def _pipfile(folder: Folder) -> Iterator[_Constraint]:
    if "Pipfile" not in folder.paths:
        return
    requires = folder.toml("Pipfile").get("requires")
    value = (
        (requires.get("python_version") or requires.get("python_full_version"))
        if isinstance(requires, dict)
        else None
    )
    if isinstance(value, str):
        yield _read(
            value,
            Evidence("Pipfile", line_of(folder.text("Pipfile"), r"^[ \t]*python_(full_)?version\b") or 1),
        )


def _conda(folder: Folder) -> Iterator[_Constraint]:
    for path in ("environment.yml", "environment.yaml"):
        if path in folder.paths:
            for number, line in enumerate(folder.text(path).splitlines(), 1):
                found = _CONDA_LINE.match(line[:200])
                if found:
                    value = re.sub(r"^={1,2}(?=\d)", "", found[1])
                    yield _read(value, Evidence(path, number))
                    return
            return


def allows_this(value: str) -> bool:
    """Whether the Python that this runs on satisfies a constraint."""
    return specifiers(value).contains(".".join(map(str, sys.version_info[:3])))


def _allowed(value: str) -> frozenset[str]:
    """The versions that a constraint allows, out of a grid that holds every one it names."""
    named = {found[0] for found in re.finditer(r"3\.\d+\.\d+", value)}
    grid = {f"3.{minor}.{patch}" for minor in range(6, 21) for patch in (0, 9, 99)} | named
    grid |= {f"3.{minor}.{patch}" for minor in (11, 12, 13, 14) for patch in range(1, 24)}
    return frozenset(specifiers(value).filter(grid))
