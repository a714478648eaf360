"""The one thing to start: what the publisher named, else the best candidate, else an error that says what was seen.

A named entry point is ``module``, ``module:name``, ``module:factory()``, a file's path with or without ``:name``, or a
site's folder. Unnamed, apps come before sites; two apps of equal rank are an error, a lesser one is told in a note. A file
that cannot be read and would have ranked best is an error too: it is most likely the app.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, replace

from tholos.detect import errors, frameworks, interpreters, modules, sites, unserved
from tholos.detect.candidates import Candidate, Finder, streamlit_line
from tholos.detect.definitions import Reader
from tholos.detect.model import Evidence, Finding, Kind, Overrides
from tholos.detect.modules import Modules
from tholos.detect.sources import Folder, Source

_SHOWN = 8
"""Candidates that a message lists."""
_OBJECT = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*(\(\))?")


@dataclass(frozen=True, slots=True)
class Choice:
    """What is started, and why."""

    candidate: Candidate
    kind: Kind
    framework: Finding
    entrypoint: Finding
    notes: tuple[str, ...] = ()
    others: tuple[Candidate, ...] = ()
    """What else could be started, best first."""


class Chooser:
    """Decides for one folder."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._modules = Modules(folder)
        self._reader = Reader(folder, self._modules)
        self._finder = Finder(folder, self._modules, self._reader)

    @property
    def modules(self) -> Modules:
        """The folder's modules, for those who follow imports from here."""
        return self._modules

    def pages(self, script: str) -> list[str]:
        """The further scripts of a Streamlit app."""
        return self._finder.pages(script)

    @property
    def reader(self) -> Reader:
        """What was read of them."""
        return self._reader

    def choose(self, overrides: Overrides) -> Choice:
        """The app's kind, framework and entry point.

        Raises:
            NothingToPublish, SeveralEntrypoints, EntrypointMissing, KindUnsupported, FolderIsPackage, SourceBroken,
            SourceTooLarge, OverrideInvalid: as their docstrings say.
        """
        kind = _kind(overrides.kind)
        if overrides.entrypoint is not None:
            candidate, others = self._given(overrides, overrides.entrypoint.strip(), kind), []
            why = "given with --entrypoint"
        else:
            candidate, *others = self._found(kind)
            why = "the name that is looked for first" if others else "the only app here"
        self._check_importable(candidate)
        given = overrides.kind or ""
        framework = _framework(candidate, given)
        if candidate.kind is Kind.STREAMLIT:
            pages = self._finder.pages(candidate.entrypoint)
            others = [other for other in others if other.entrypoint not in pages]
        notes = tuple(_note(other) for other in others[:_SHOWN])
        entrypoint = Finding(
            candidate.entrypoint, why if candidate.kind is not Kind.STATIC else "holds index.html"
        )
        entrypoint = replace(entrypoint, evidence=candidate.evidence)
        return Choice(
            candidate, candidate.kind or Kind.WSGI, framework, entrypoint, notes, tuple(others[:_SHOWN])
        )

    def _found(self, kind: Kind | None) -> list[Candidate]:
        every = [] if kind is Kind.STATIC else self._finder.all()
        found = [
            candidate for candidate in every if candidate.kind is not None and kind in {None, candidate.kind}
        ]
        self._refuse_broken(found)
        if not found and kind in {None, Kind.STATIC}:
            if kind is None:
                unserved.refuse(self._folder, every)
            found = sites.find(self._folder)
        if not found:
            raise self._nothing(kind, every)
        equal = [candidate for candidate in found if candidate.rank == found[0].rank]
        if len(equal) > 1:
            raise _several(equal)
        return found

    def _refuse_broken(self, found: list[Candidate]) -> None:
        broken = sorted(self._finder.broken.items(), key=lambda item: item[0])
        if broken and (
            broken[0][0] < found[0].rank if found else broken[0][0][0] < 3 or len(self._folder.python) == 1
        ):
            raise broken[0][1]

    def _nothing(self, kind: Kind | None, every: list[Candidate]) -> errors.NothingToPublish:
        if not self._folder.paths:
            return errors.NothingToPublish("Cannot find anything to publish: the folder is empty.")
        if kind is not None and every:
            seen = "\n".join(_line(candidate) for candidate in every[:_SHOWN])
            return errors.NothingToPublish(
                f"Cannot find an app of kind {kind.value} here. Found:\n{seen}",
                where="--kind",
                fix="Leave --kind out, or name the right one with --entrypoint.",
                candidates=[candidate.entrypoint for candidate in every[:_SHOWN]],
            )
        broken = next(iter(self._finder.broken.values()), None)
        unserved.refuse_documents(self._folder)
        seen, where = unserved.overview(self._folder, self._reader)
        return errors.NothingToPublish(
            "Cannot find anything to publish: no app and no index.html here." + (f" {seen}" if seen else ""),
            where=where or (broken.where if broken else ""),
            fix=f"Name the app with --entrypoint MODULE:NAME. Published are {errors.SUPPORTED}.",
        )

    def _given(self, overrides: Overrides, value: str, kind: Kind | None) -> Candidate:
        """The named entry point; one in syntax newer than this Python's is taken at the publisher's word."""
        try:
            return self._named(value, kind)
        except errors.SourceBroken as error:
            path = error.where.rpartition(":")[0]
            name = value.partition(":")[2]
            python, _ = interpreters.find(self._folder, path, overrides.python)
            trusted = (
                (name and _OBJECT.fullmatch(name))
                if kind in {Kind.WSGI, Kind.ASGI}
                else kind is Kind.STREAMLIT
            )
            if kind is None or not trusted or interpreters.allows_this(python.value):
                raise
            self._folder.unread[path] = error.message
            root, module = self._modules.home(Source(path, ast.Module([], [])))
            if kind is Kind.STREAMLIT:
                root, where = path.rpartition("/")[0], Evidence(path, 1)
                return Candidate(path, kind, frameworks.STREAMLIT, where, where, (0, 0, 0), root, "given")
            where = Evidence(path, 1)
            return Candidate(
                f"{module}:{name}", kind, kind.value.upper(), where, where, (0, 0, 0), root, "given"
            )

    def _named(self, value: str, kind: Kind | None) -> Candidate:
        if not value or any(not character.isprintable() for character in value):
            raise self._missing(value, "the value is empty or not printable")
        folder = value.removesuffix("index.html").strip("/").removeprefix("./")
        place = "" if folder == "." else folder
        if kind is Kind.STATIC or (value.endswith(("/", ".html")) or value == "."):
            if (f"{place}/index.html" if place else "index.html") in self._folder.paths:
                return sites.of_folder(place)
            raise self._missing(value, "there is no index.html in it")
        target, _, name = value.partition(":")
        path = self._file(target)
        if path is None:
            if f"{folder}/index.html" in self._folder.paths and kind is None:
                return sites.of_folder(place)
            return self._elsewhere(value, target, name, kind)
        found = self._in_file(path, name, kind) if name else self._best_of(value, path, kind)
        if found.kind is not kind and kind is not None:
            raise errors.OverrideInvalid(
                f"Cannot publish {value} as {kind.value}: {found.framework} in {found.origin} is {found.kind}.",
                where="--kind",
                fix="Leave --kind out.",
            )
        return found

    def _file(self, target: str) -> str | None:
        plain = target.removeprefix("./")
        if plain in self._folder.paths and plain.endswith(".py"):
            return plain
        stem = (
            self._modules.absolute(target, "")
            if re.fullmatch(r"[^/]+", target)
            else plain.removesuffix(".py")
        )
        return self._modules.file(stem) if stem is not None else None

    def _elsewhere(self, value: str, module: str, name: str, kind: Kind | None) -> Candidate:
        """An entry point in an installed package, which only someone who knows its kind can name."""
        dotted = re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*", module)
        is_local = self._modules.absolute(module.partition(".")[0], "") is not None
        if kind not in {Kind.WSGI, Kind.ASGI} or not dotted or is_local or not _OBJECT.fullmatch(name):
            raise self._missing(
                value, f"there is no module {module!r}" if "/" not in module else f"there is no {module}"
            )
        return Candidate(
            value,
            kind,
            kind.value.upper() if kind else "",
            Evidence(),
            Evidence(),
            (0, 0, 0),
            "",
            "installed",
        )

    def _in_file(self, path: str, name: str, kind: Kind | None) -> Candidate:
        source = self._folder.parse(path)
        definition = self._reader.lookup(path, name)
        if definition is not None and definition.app.kind is not None:
            return self._finder.candidate(definition, source)
        scope = self._reader.scope(path)
        first = re.split(r"[.(]", name, maxsplit=1)[0]
        if scope is None or not _OBJECT.fullmatch(name) or (first not in scope.values and not scope.stars):
            guarded = scope.guarded.get(first) if scope else None
            reason = f"{path} has no {name!r}"
            if guarded:
                reason = f'{path}:{guarded} defines {first!r} only under `if __name__ == "__main__"`, which an import leaves out'
            raise self._missing(f"{path}:{name}", reason, path)
        if kind not in {Kind.WSGI, Kind.ASGI}:
            raise errors.OverrideInvalid(
                f"Cannot tell what {name!r} of {path} is: no known framework makes it.",
                where=f"{path}:{scope.lines.get(first, 1)}",
                fix="Say how it is called with --kind wsgi or --kind asgi.",
            )
        root, module = self._modules.home(source)
        where = Evidence(path, scope.lines.get(first, 1))
        return Candidate(
            f"{module}:{name}",
            kind,
            kind.value.upper() if kind else "",
            where,
            where,
            (0, 0, 0),
            root,
            "given",
        )

    def _best_of(self, value: str, path: str, kind: Kind | None) -> Candidate:
        source = self._folder.parse(path)
        line = streamlit_line(source)
        if kind is Kind.STREAMLIT or (line and kind is None and not self._reader.definitions(path)):
            where = Evidence(path, line)
            root = path.rpartition("/")[0]
            return Candidate(
                path, Kind.STREAMLIT, frameworks.STREAMLIT, where, where, (0, 0, 0), root, "script"
            )
        found = [candidate for candidate in self._finder.of_file(path) if candidate.kind is not None]
        found.sort(key=lambda candidate: candidate.rank)
        if not found:
            raise self._missing(value, f"{path} defines no app", path)
        equal = [candidate for candidate in found if candidate.rank == found[0].rank]
        if len({candidate.origin for candidate in equal}) > 1:
            raise _several(equal)
        return found[0]

    def _missing(self, value: str, reason: str, path: str = "") -> errors.EntrypointMissing:
        found = self._finder.of_file(path) if path else []
        found = found or [*self._finder.all(), *sites.find(self._folder)]
        listed = "".join(f"\n{_line(candidate)}" for candidate in found[:_SHOWN])
        best = f"--entrypoint {found[0].entrypoint}" if found else "--entrypoint MODULE:NAME"
        return errors.EntrypointMissing(
            f"Cannot use the entry point {value!r}: {reason}." + (f" Found:{listed}" if found else ""),
            where="--entrypoint",
            fix=f"Pass {best}, or leave the flag out.",
            candidates=[candidate.entrypoint for candidate in found[:_SHOWN]],
        )

    def _check_importable(self, candidate: Candidate) -> None:
        path = candidate.evidence.path
        if candidate.kind not in {Kind.WSGI, Kind.ASGI} or candidate.how in {"project", "installed"}:
            return
        name = path.rpartition("/")[2].removesuffix(".py")
        if "." in name:
            raise errors.EntrypointMissing(
                f"Cannot import {path}: a module's name has no dot.",
                where=path,
                fix=f"Rename it to {name.replace('.', '_')}.py.",
            )
        source = self._folder.find(path) if "/" not in path else None
        line = modules.relative_import(source) if source else 0
        if line:
            raise errors.FolderIsPackage(
                f"Cannot import {path}: line {line} imports relative to a package, and the package is the folder itself.",
                where=f"{path}:{line}",
                fix="Publish the folder above it, or make the import absolute.",
            )


def _kind(value: str | None) -> Kind | None:
    if value is None:
        return None
    known = frameworks.KINDS.get(value.strip().lower())
    if known is None:
        raise errors.OverrideInvalid(
            f"Cannot publish as {value!r}: no such kind.",
            where="--kind",
            fix=f"Use one of {', '.join(frameworks.KINDS)}.",
        )
    return known[0]


def _framework(candidate: Candidate, given: str) -> Finding:
    name = candidate.framework
    known = frameworks.KINDS.get(given.strip().lower())
    if known and name in {"WSGI", "ASGI"}:
        name = known[1]
    why = {
        "factory": f"the function returns a {name} app",
        "imported": f"imports a {name} app made in {candidate.origin.path}",
        "function": f"a function with the parameters of {name}",
        "class": f"a class with the parameters of {name}",
        "script": "imports streamlit",
        "site": "a folder with index.html",
        "project": "a Django project with manage.py",
        "installed": "given with --kind",
        "given": "given with --kind",
    }.get(candidate.how, f"makes a {name} app")
    is_own = candidate.how in {"factory", "function", "class", "script", "site", "given"}
    return Finding(name, why, candidate.evidence if is_own else candidate.origin)


def _line(candidate: Candidate) -> str:
    return f"  {candidate.evidence}  {candidate.framework}  --entrypoint {candidate.entrypoint}"


def _note(other: Candidate) -> str:
    what = f"{other.entrypoint} ({other.framework}, {other.evidence})"
    return f"There is also {what}; --entrypoint {other.entrypoint} publishes it."


def _several(equal: list[Candidate]) -> errors.SeveralEntrypoints:
    listed = "\n".join(_line(candidate) for candidate in equal[:_SHOWN])
    return errors.SeveralEntrypoints(
        f"Cannot choose between {len(equal)} apps:\n{listed}",
        where=str(equal[0].evidence),
        fix=f"Pass one of them, as --entrypoint {equal[0].entrypoint}.",
        candidates=[candidate.entrypoint for candidate in equal[:_SHOWN]],
    )
