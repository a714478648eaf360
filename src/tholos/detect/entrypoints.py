"""The one thing to start: what the publisher named, else the best candidate, else an error that says what was seen.

A named entry point is ``module``, ``module:name``, ``module:factory()``, a file's path with or without ``:name``, a site's
folder, or ``.`` for all notebooks of the folder. Unnamed, apps come before sites and sites before notebooks; two of equal
rank are an error, a lesser one is told in a note. A file that cannot be read and would have ranked best is an error too: it
is most likely the app.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, replace

from tholos.detect import (
    commands,
    errors,
    frameworks,
    interpreters,
    modules,
    notebooks,
    scripts,
    sites,
    unserved,
)
from tholos.detect.candidates import Candidate, Finder, of_script
from tholos.detect.definitions import Reader
from tholos.detect.model import NOTEBOOKS, OBJECTS, SCRIPTS, Evidence, Finding, Kind, Overrides
from tholos.detect.modules import Modules
from tholos.detect.sources import Folder, Source

_SHOWN = 8
"""Candidates that a message lists."""
_USUAL = ("app", "application", "create_app()", "make_app()")
"""Names that are tried, in this order, for an object of a kind that is given."""
_USUAL_GRADIO = ("demo", "app", "iface", "interface")
_OBJECT = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*(\(\))?")

_IMPORTED = {
    frameworks.STREAMLIT: "streamlit",
    frameworks.PANEL: "panel",
    frameworks.BOKEH: "bokeh",
    frameworks.SHINY: "shiny.express",
    frameworks.MARIMO: "marimo",
}
_NOTEBOOK = {
    frameworks.NOTEBOOK: "a notebook; it is rendered when the app starts",
    frameworks.VOILA: "a notebook that visitors use",
}


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
        self._check(candidate)
        given = overrides.kind or ""
        framework = _framework(candidate, given)
        if candidate.kind is Kind.STREAMLIT:
            pages = self._finder.pages(candidate.entrypoint)
            others = [other for other in others if other.entrypoint not in pages]
        notes = tuple(_note(other) for other in others[:_SHOWN])
        why = {
            "site": "holds index.html",
            "page": "the page that it begins at",
            "procfile": f"web in {candidate.evidence.path}",
        }.get(candidate.how, why)
        entrypoint = Finding(candidate.entrypoint, why, candidate.evidence)
        return Choice(candidate, candidate.kind, framework, entrypoint, notes, tuple(others[:_SHOWN]))

    def _found(self, kind: Kind | None) -> list[Candidate]:
        if kind is Kind.COMMAND:
            return commands.find(self._folder) or self._no_command()
        every = [] if kind is Kind.STATIC or kind in NOTEBOOKS else self._finder.all()
        found = [candidate for candidate in every if kind in {None, candidate.kind}]
        self._refuse_broken(found)
        if kind is None:
            found += commands.find(self._folder)
        if not found and kind is None:
            unserved.refuse(self._folder)
        if not found and kind in {None, Kind.STATIC}:
            found = sites.find(self._folder)
        if not found and (kind is None or kind in NOTEBOOKS):
            found = notebooks.find(self._folder, kind)
        if not found:
            raise self._nothing(kind, every)
        equal = [candidate for candidate in found if candidate.rank == found[0].rank]
        if len(equal) > 1:
            raise _several(equal)
        return found

    def _no_command(self) -> list[Candidate]:
        raise errors.NothingToPublish(
            "Cannot tell which command to run: no Procfile here has a line that begins with web:.",
            where="--kind",
            fix='Pass it, as --command "python serve.py --port $PORT".',
        )

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
        if kind is Kind.COMMAND:
            return commands.of_line(value, Evidence())
        try:
            return self._named(value, kind)
        except errors.SourceBroken as error:
            path = error.where.rpartition(":")[0]
            name = value.partition(":")[2]
            python, _ = interpreters.find(self._folder, path, overrides.python)
            trusted = (name and _OBJECT.fullmatch(name)) if kind in OBJECTS else kind in SCRIPTS
            if kind is None or not trusted or interpreters.allows_this(python.value):
                raise
            self._folder.unread[path] = error.message
            root, module = self._modules.home(Source(path, ast.Module([], [])))
            if kind in scripts.OF_KIND:
                return replace(of_script(path, scripts.OF_KIND[kind]), how="given")
            return _trusted(f"{module}:{name}", kind, Evidence(path, 1), root)

    def _named(self, value: str, kind: Kind | None) -> Candidate:
        if not value or any(not character.isprintable() for character in value):
            raise self._missing(value, "the value is empty or not printable")
        if scripts.express_path(value) in self._folder.paths and kind in {None, Kind.ASGI}:
            return of_script(scripts.express_path(value), scripts.EXPRESS)
        if kind in NOTEBOOKS or (kind is None and value.endswith(".ipynb")):
            return self._notebook(value, kind)
        folder = value.removesuffix("index.html").strip("/").removeprefix("./")
        place = "" if folder == "." else folder
        if kind is Kind.STATIC or value.endswith(("/", *sites.PAGES)) or value == ".":
            return self._site(value, place)
        target, _, name = value.partition(":")
        path = self._file(target)
        if path is None and kind in SCRIPTS:
            path = self._file(f"{folder}/main.py")
        if path is None:
            if f"{folder}/index.html" in self._folder.paths and kind is None:
                return sites.of_folder(place)
            return self._elsewhere(value, target, name, kind)
        found = self._in_file(path, name, kind) if name else self._best_of(value, path, kind)
        if found.framework == frameworks.DASH and kind is Kind.ASGI:  # what is in it may be an app of either
            found = replace(found, kind=kind)
        if found.kind is not kind and kind is not None:
            raise errors.OverrideInvalid(
                f"Cannot publish {value} as {kind.value}: {found.framework} in {found.origin} is {found.kind}.",
                where="--kind",
                fix="Leave --kind out.",
            )
        return found

    def _site(self, value: str, place: str) -> Candidate:
        page = value.removeprefix("./")
        if page.endswith(sites.PAGES) and page.rpartition("/")[2] != "index.html":
            if page in self._folder.paths:
                return sites.of_page(page)
            raise self._missing(value, "there is no such page")
        if (f"{place}/index.html" if place else "index.html") in self._folder.paths:
            return sites.of_folder(place)
        raise self._missing(value, "there is no index.html in it")

    def _notebook(self, value: str, kind: Kind | None) -> Candidate:
        """A notebook by its path, or all of them for Voilà."""
        plain = value.removeprefix("./")
        known = self._folder.notebooks
        if kind is Kind.VOILA and plain == notebooks.FOLDER and known:
            return notebooks.of_path(plain, kind, known[0])
        path = next((path for path in (plain, f"{plain}.ipynb") if path in known), None)
        if path is None:
            raise self._missing(value, "there is no such notebook")
        return notebooks.of_path(path, kind or notebooks.kind_of(self._folder, [path]))

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
        if kind not in OBJECTS or not dotted or is_local or not _OBJECT.fullmatch(name):
            raise self._missing(
                value, f"there is no module {module!r}" if "/" not in module else f"there is no {module}"
            )
        return replace(_trusted(value, kind, Evidence()), how="installed")

    def _in_file(self, path: str, name: str, kind: Kind | None) -> Candidate:
        source = self._folder.parse(path)
        definition = self._reader.lookup(path, name)
        if definition is not None:
            return self._finder.candidate(definition, source)
        scope = self._reader.scope(path)
        first = re.split(r"[.(]", name, maxsplit=1)[0]
        if scope is None or not _OBJECT.fullmatch(name) or (first not in scope.values and not scope.stars):
            guarded = scope.guarded.get(first) if scope else None
            reason = f"{path} has no {name!r}"
            if guarded:
                reason = f'{path}:{guarded} defines {first!r} only under `if __name__ == "__main__"`, which an import leaves out'
            raise self._missing(f"{path}:{name}", reason, path)
        if kind not in OBJECTS:
            raise errors.OverrideInvalid(
                f"Cannot tell what {name!r} of {path} is: no known framework makes it.",
                where=f"{path}:{scope.lines.get(first, 1)}",
                fix="Say how it is called with --kind wsgi or --kind asgi.",
            )
        root, module = self._modules.home(source)
        return _trusted(f"{module}:{name}", kind, Evidence(path, scope.lines.get(first, 1)), root)

    def _best_of(self, value: str, path: str, kind: Kind | None) -> Candidate:
        source = self._folder.parse(path)
        script = scripts.find(source, self._folder.read(path))
        if kind in scripts.OF_KIND:
            is_found = script is not None and script.kind is kind
            return of_script(path, script if script and is_found else scripts.OF_KIND[kind])
        if script and kind in {None, script.kind} and not self._reader.definitions(path):
            return of_script(path, script)
        found = self._finder.of_file(path)
        found.sort(key=lambda candidate: candidate.rank)
        if not found and kind in OBJECTS:
            scope = self._reader.scope(path)
            usual = _USUAL_GRADIO if kind is Kind.GRADIO else _USUAL
            known = [name for name in usual if scope and name.removesuffix("()") in scope.values]
            if known:
                return self._in_file(path, known[0], kind)
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

    def _check(self, candidate: Candidate) -> None:
        """That a notebook can be run, and a module imported."""
        path = candidate.evidence.path
        if candidate.kind in NOTEBOOKS and candidate.entrypoint != notebooks.FOLDER:
            notebooks.check(self._folder, path)
        if candidate.kind not in OBJECTS or candidate.how in {"project", "installed", "script"}:
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


def _trusted(entrypoint: str, kind: Kind, where: Evidence, root: str = "") -> Candidate:
    """What is taken at the publisher's word."""
    name = frameworks.KINDS[kind.value][1]
    return Candidate(entrypoint, kind, name, where, where, (0, 0, 0), root, "given")


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
        "script": f"a script that imports {_IMPORTED.get(name, '')}",
        "notebook": _NOTEBOOK.get(name, ""),
        "site": "a folder with index.html",
        "page": "a page",
        "procfile": f"a command in {candidate.evidence.path}",
        "project": "a Django project with manage.py",
        "installed": "given with --kind",
        "given": "given with --kind",
    }.get(candidate.how, f"makes a {name} app")
    is_own = candidate.how in {
        "factory",
        "function",
        "class",
        "script",
        "notebook",
        "site",
        "page",
        "given",
        "procfile",
    }
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
