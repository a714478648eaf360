"""Where an app's packages come from.

In order: ``--requirements``; the entry file's script metadata; ``uv.lock`` with the ``pyproject.toml`` beside it;
``pylock.toml``; ``requirements.txt``; ``pyproject.toml``; ``setup.cfg``; ``Pipfile``; else the imports of every module that
can be reached from the entry point, together with the ``pip:`` list of an ``environment.yml``. Lists in Pipenv's,
setuptools' and conda's files come out in the form ``requirements.txt``.

Where what was declared lacks the very framework that the entry point uses, or what its kind is run with, the distribution is
added and a note tells; to a lock or to a file with hashes nothing can be added, so only the note tells. ``--requirements none`` and
``--requirements imports`` pass over what the files declare.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import islice

from tholos.detect import (
    declared,
    distributions,
    frameworks,
    imports,
    own_packages,
    pip_files,
    script,
    uv_sources,
)
from tholos.detect.entrypoints import Choice
from tholos.detect.errors import OverrideInvalid
from tholos.detect.imports import Imports
from tholos.detect.model import NOTEBOOKS, Evidence, Kind, Requirements
from tholos.detect.modules import Modules
from tholos.detect.pip_files import Listed
from tholos.detect.sources import Folder, line_of, malformed

_LOCKS = {"uv.lock": "uv.lock", "pylock.toml": "pylock.toml"}
_NOTHING = Requirements("none", "", "needs no packages")


@dataclass(frozen=True, slots=True)
class Found:
    """The requirements and what to tell about them."""

    requirements: Requirements
    notes: tuple[str, ...] = ()


class Search:
    """Looks for the requirements of one app in one folder."""

    def __init__(
        self, folder: Folder, modules: Modules, choice: Choice, starts: list[str], named: dict[str, Evidence]
    ) -> None:
        """``starts`` are the files from which imports are followed, ``named`` modules that are imported by name."""
        self._folder = folder
        self._modules = modules
        self._choice = choice
        self._starts = starts
        self._named_modules = named
        self._reached: Imports | None = None

    def reached(self) -> Imports:
        """What the app imports; followed once, when first asked for."""
        if self._reached is None:
            is_script = self._choice.kind is Kind.STREAMLIT or self._choice.kind in NOTEBOOKS
            self._reached = imports.follow(self._folder, self._modules, self._starts, is_script=is_script)
            for module, where in self._named_modules.items():
                name = distributions.of_import(module)
                if name is not None:
                    self._reached.distributions.setdefault(name, where)
        return self._reached

    def find(self, override: str | None) -> Found:
        """The app's requirements.

        Raises:
            OverrideInvalid: the flag names no source of the folder.
            FileMalformed: a source is not of its form.
        """
        if override is not None:
            return self._with_framework(self._named(override.strip()))
        if self._choice.kind is Kind.STATIC:
            return Found(replace(_NOTHING, why="a static site needs none"))
        return self._with_framework(self._script() or self._lock() or self._declared() or self._inferred())

    def _named(self, value: str) -> Found:
        if value == "none":
            return Found(replace(_NOTHING, why="given with --requirements"))
        if value == "imports":
            return self._inferred()
        path = own_packages.inside_of("", value)
        if path is None or path not in self._folder.paths:
            raise self._no_source(value, "is not in the folder")
        name = path.rpartition("/")[2]
        if name == "uv.lock" or re.fullmatch(r"pylock(\.[^./]+)?\.toml", name):
            return self._locked(path, "uv.lock" if name == "uv.lock" else "pylock.toml", required=True)
        if name.endswith(".py"):
            found = self._script(path)
        elif name == "pyproject.toml":
            found = self._of(declared.pyproject(self._folder, path))
        elif path in {"setup.cfg", "Pipfile"}:
            found = self._of(declared.READERS[path](self._folder, path))
        elif name in declared.CONDA:
            found = self._of(declared.environment(self._folder, path))
        else:
            return self._from_pip(path)
        if found is None:
            raise self._no_source(value, "declares no packages")
        return found

    def _no_source(self, value: str, reason: str) -> OverrideInvalid:
        known = [*_LOCKS, "requirements.txt", *declared.READERS, *declared.CONDA]
        sources = sorted(
            path
            for path in self._folder.paths
            if path in known
            or re.fullmatch(r"(requirements[^/]*/)?[^/]*(requirements|constraints)[^/]*\.(txt|in)", path)
        )
        listed = f" Found: {', '.join(sources[:8])}." if sources else ""
        return OverrideInvalid(
            f"Cannot take the packages from {value!r}: it {reason}.{listed}",
            where="--requirements",
            fix="Name a file of the folder, or pass 'imports' to infer them or 'none'.",
            found=sources[:8],
        )

    def _script(self, path: str = "") -> Found | None:
        path = path or self._choice.candidate.evidence.path
        metadata = script.read(self._folder, path) if path.endswith(".py") else None
        if metadata is None or metadata.dependencies is None:
            return None
        listed = pip_files.from_lines(list(metadata.dependencies), path, metadata.line)
        where = Evidence(path, metadata.line)
        return self._found(Requirements("script", "", f"script metadata of {path}", where), listed)

    def _lock(self) -> Found | None:
        for path, form in _LOCKS.items():
            if path in self._folder.paths:
                found = self._locked(path, form, required=False)
                if found.requirements.form != "none":
                    return found
        return None

    def _locked(self, path: str, form: str, *, required: bool) -> Found:
        text = self._folder.text(path)
        _check_lock(path, text)
        support: dict[str, str] = {}
        if form == "uv.lock":
            project = path.removesuffix("uv.lock") + "pyproject.toml"
            if project not in self._folder.paths:
                if required:
                    raise malformed(path, 0, "the pyproject.toml that it locks is not beside it")
                return Found(_NOTHING)
            self._folder.toml(project)
            support = {project: self._folder.text(project)}
        own = dict(uv_sources.locked(text, path)) if form == "uv.lock" else {}
        known = islice(own.items(), pip_files.OWN_LIMIT)
        own = {one: where for one, where in known if own_packages.is_there(self._folder, one)}
        requirements = Requirements(form, text, f"locked in {path}", Evidence(path), support=support, own=own)
        return Found(requirements)

    def _declared(self) -> Found | None:
        if "requirements.txt" in self._folder.paths:
            return self._from_pip("requirements.txt")
        for path, read in declared.READERS.items():
            found = self._of(read(self._folder, path)) if path in self._folder.paths else None
            if found is not None:
                return found
        return None

    def _from_pip(self, path: str) -> Found:
        listed = pip_files.read(self._folder, path)
        if listed.itself:
            _add_project(self._folder, listed)
        return self._found(
            Requirements("requirements.txt", "", f"listed in {path}", Evidence(path, 1)), listed
        )

    def locked(self, requirements: Requirements) -> Found:
        """Requirements that a manifest brings along, locked.

        Raises:
            FileMalformed: they name a package of the folder that is not there.
        """
        if requirements.form != "requirements.txt":
            return Found(requirements)
        where = requirements.evidence
        listed = pip_files.from_lines(own_packages.lines_in(requirements.text), where.path, where.line)
        own_packages.check(self._folder, listed.own, listed.links)
        return Found(replace(requirements, own=listed.own), tuple(listed.notes))

    def _found(self, requirements: Requirements, listed: Listed) -> Found:
        self._settle_own(listed)
        needs = replace(requirements, text=listed.text, support=listed.support, own=listed.own)
        return Found(needs, tuple(listed.notes))

    def _settle_own(self, listed: Listed) -> None:
        """See that packages of the folder are there, and add what they need of it.

        Raises:
            FileMalformed: with the line that names what is not.
        """
        if listed.itself:
            # Built, each change of the app would need another environment.
            listed.notes.append(
                f"{listed.own['']} installs the folder itself; it is imported from where it lies instead."
            )
            listed.without_itself()
        uv_sources.follow(self._folder, listed)
        own_packages.check(self._folder, listed.own, listed.links)

    def _of(self, found: declared.Declared | None) -> Found | None:
        if found is None:
            return None
        why = f"declared in {found.evidence.path}"
        return self._found(Requirements(found.form, "", why, found.evidence), found.listed)

    def _inferred(self) -> Found:
        reached = self.reached()
        path = next((path for path in declared.CONDA if path in self._folder.paths), "")
        extra = declared.environment(self._folder, path) if path else None
        listed = extra.listed if extra else Listed()
        names = {name for name in reached.distributions if distributions.normalize(name) not in listed.names}
        self._settle_own(listed)
        lines = sorted([*listed.lines, *names], key=str.lower)
        notes = (*listed.notes, *reached.notes)
        if not lines:
            return Found(_NOTHING, notes)
        found = {name: reached.distributions[name] for name in sorted(names, key=str.lower)}
        first = next(iter(found.values()), extra.evidence if extra else Evidence())
        why = "inferred from imports" + (f" and {path}" if extra and extra.listed.lines else "")
        text = "".join(f"{line}\n" for line in lines)
        return Found(Requirements("imports", text, why, first, imports=found, own=listed.own), notes)

    def _with_framework(self, found: Found) -> Found:
        for name in frameworks.DISTRIBUTIONS.get(self._choice.framework.value, ()):
            found = self._with(name, found)
        return found

    def _with(self, name: str, found: Found) -> Found:
        requirements = found.requirements
        if requirements.why.startswith("given") or _brings(requirements, name):
            return found
        where = self._choice.framework.evidence
        lacking = f"{name}, which {where} needs, is not in {requirements.evidence.path or 'the requirements'}"
        if (
            requirements.form in _LOCKS.values()
            or "--hash" in requirements.text
            or "--require-hashes" in requirements.text
        ):
            return replace(found, notes=(*found.notes, f"{lacking}; it was not added to what is locked."))
        form = requirements.form if requirements.form != "none" else "imports"
        known = {**requirements.imports, name: where} if form == "imports" else requirements.imports
        evidence = requirements.evidence if requirements.form != "none" else where
        why = requirements.why if requirements.form != "none" else "inferred from imports"
        text = f"{requirements.text}{name}\n"
        added = replace(requirements, form=form, text=text, imports=known, evidence=evidence, why=why)
        notes = (
            found.notes
            if requirements.form in {"none", "imports"}
            else (*found.notes, f"{lacking}; it was added.")
        )
        return Found(added, notes)


def _check_lock(path: str, text: str) -> None:
    """That a lock is one: its version, and no trace of an unfinished merge. Whole it is read by the one who installs it."""
    conflict = line_of(text, r"^(<{7}|>{7}|={7}$)")
    if conflict:
        raise malformed(path, conflict, "it holds the marks of an unfinished merge", "Make the lock anew.")
    key = "version" if path.endswith("uv.lock") else "lock-version"
    if not re.search(rf"^{key}\s*=", text, re.MULTILINE):
        raise malformed(
            path, 1, f"it has no {key}, so it is no lock", "Make the lock anew, or pass --requirements."
        )
    quoted = line_of(text, r'^[\w-]+ = "[^"\n]*$')
    if quoted:
        raise malformed(path, quoted, "a text has no end", "Make the lock anew.")


def _add_project(folder: Folder, listed: Listed) -> None:
    """Add what the folder's own project declares: it is installed in the place of the folder itself."""
    project = declared.pyproject(folder) if "pyproject.toml" in folder.paths else None
    project = project or (declared.setup_cfg(folder) if "setup.cfg" in folder.paths else None)
    if project is not None:
        listed.add(project.listed)


def _brings(requirements: Requirements, name: str) -> bool:
    wanted = distributions.normalize(name)
    if requirements.form in _LOCKS.values():
        return (
            re.search(rf'^name = "{re.escape(wanted)}"', requirements.text, re.MULTILINE | re.IGNORECASE)
            is not None
        )
    listed = {
        distributions.normalize(found[0])
        for line in requirements.text.splitlines()
        for found in [re.match(r"(?![.-])[\w.-]+", line)]
        if found
    }
    named = set(re.findall(r"[#&]egg=([\w.-]+)", requirements.text))
    wheels = {own_packages.name_of_wheel(path) for path in requirements.own}
    return bool(
        {wanted, *frameworks.BRINGS.get(wanted, ())}
        & (listed | wheels | {distributions.normalize(egg) for egg in named})
    )
