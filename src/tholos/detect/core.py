"""Detection itself: from a file tree and the publisher's flags to everything that building and starting an app needs.

What is started, by which convention and with which precedence is decided in ``candidates`` (ranks) and ``entrypoints``
(choice), the interpreter in ``interpreters``, the packages in ``requirements``, the data in ``keep``; each says its rules.
A flag always wins over what the files say, and is checked against them. Between the two stands a manifest, where the folder
has one (``connect``).
"""

from __future__ import annotations

from dataclasses import replace

from tholos.detect import commands, connect, django, errors, interpreters, keep, notebooks
from tholos.detect.candidates import Candidate, is_aside
from tholos.detect.connect import Manifest
from tholos.detect.entrypoints import Choice, Chooser
from tholos.detect.errors import ManifestMisfit, OverrideInvalid
from tholos.detect.model import (
    NOTEBOOKS,
    Detection,
    Evidence,
    FileTree,
    Finding,
    Kind,
    Overrides,
    Requirements,
)
from tholos.detect.requirements import Search
from tholos.detect.sources import Folder
from tholos.kit.errors import Invalid

_BROKEN_SHOWN = 3
_NO_OVERRIDES = Overrides()


def detect(
    tree: FileTree, overrides: Overrides = _NO_OVERRIDES, *, upgrade: bool = False, is_bound: bool = False
) -> Detection:
    """Kind, entry point, Python and packages of a folder or a single file, each with its evidence.

    Args:
        tree: the files.
        overrides: what the publisher says.
        upgrade: whether a lock that a manifest brings along is passed over.
        is_bound: whether a manifest that does not fit is refused, and not passed over.

    Raises:
        Invalid: one of ``tholos.detect.errors``; nothing else, whatever the tree holds.
    """
    manifest = connect.read(tree)
    if manifest is None:
        return _detect(tree, overrides, None)
    if manifest.unserved and overrides.kind is None and overrides.entrypoint is None:
        raise _unserved(manifest)
    told = manifest.complete(overrides)
    lock = None if upgrade or overrides.requirements is not None else manifest.requirements()
    if told == overrides and lock is None:
        return _noted(_detect(tree, overrides, None), manifest, overrides)
    try:
        return _noted(_detect(tree, told, lock), manifest, overrides)
    except Invalid as error:
        if is_bound:
            raise _misfit(manifest, error) from error
        found = _detect(tree, overrides, None)
        reason = error.message.partition("\n")[0]
        note = f"{manifest.path} is passed over, because it does not fit these files: {reason}"
        return replace(found, notes=(note, *found.notes))


def _misfit(manifest: Manifest, error: Invalid) -> ManifestMisfit:
    return ManifestMisfit(
        f"Cannot publish: {manifest.path} does not fit the files beside it. {' '.join(error.message.split())}",
        where=error.where,
        fix="Correct the files, or write the manifest anew.",
    )


def _noted(found: Detection, manifest: Manifest, said: Overrides) -> Detection:
    """What was found, with the manifest named as the reason for what it decided."""

    def named(one: Finding) -> Finding:
        is_told = one.why.startswith("given with --")
        return replace(one, why="said there", evidence=Evidence(manifest.path)) if is_told else one

    return replace(
        found,
        entrypoint=replace(found.entrypoint, why=f"said in {manifest.path}")
        if said.entrypoint is None and found.entrypoint.why.startswith("given")
        else found.entrypoint,
        python=named(found.python) if said.python is None else found.python,
        prepare=named(found.prepare) if found.prepare and said.prepare is None else found.prepare,
        keep=tuple(map(named, found.keep)) if said.keep is None else found.keep,
        notes=(*manifest.notes, *found.notes),
        made_with=manifest.made_with if said.python is None else "",
        brought=manifest.brought(),
        options=manifest.options if found.kind is Kind.NOTEBOOK else (),
        locale=manifest.locale if found.kind is not Kind.STATIC else "",
    )


def _unserved(manifest: Manifest) -> errors.AppModeUnsupported:
    return errors.AppModeUnsupported(
        f"Cannot publish: {manifest.path} asks for the app mode {manifest.unserved[:40]!r}, "
        f"which is {connect.UNSERVED.get(manifest.unserved, 'not known')} and not served here.",
        where=manifest.path,
        fix=f"Published are {errors.SUPPORTED}. If the folder holds one of them too, pass --kind.",
        mode=manifest.unserved[:40],
    )


def _detect(tree: FileTree, overrides: Overrides, locked: Requirements | None) -> Detection:
    prepare = _prepare(overrides.prepare)
    given = keep.given(overrides.keep) if overrides.keep is not None else None
    folder = Folder(tree)
    chooser = Chooser(folder)
    choice = chooser.choose(overrides)
    candidate = choice.candidate
    is_static = choice.kind is Kind.STATIC
    entry = "" if is_static else candidate.evidence.path
    python, python_notes = (
        interpreters.find(folder, entry, overrides.python) if not is_static else (Finding("", "not used"), ())
    )
    project = (
        django.find(folder, chooser.modules, chooser.reader) if choice.framework.value == "Django" else None
    )
    installed = django.installed(folder, chooser.modules, project) if project else {}
    search = Search(folder, chooser.modules, choice, _starts(folder, chooser, choice, project), installed)
    found = search.locked(locked) if locked and not is_static else search.find(overrides.requirements)
    files = () if is_static else search.reached().files
    kept = given if given is not None else keep.find(folder, choice, files, project)
    notes = [*choice.notes, *_advice(folder, choice, overrides), *python_notes, *found.notes]
    notes += keep.lost_databases(folder, files, kept)
    notes += list(folder.unread.values())[:_BROKEN_SHOWN]
    return Detection(
        choice.kind,
        choice.framework,
        choice.entrypoint,
        python,
        found.requirements,
        prepare,
        kept,
        tuple(dict.fromkeys(notes)),
        _paths(candidate),
        alternatives=tuple(Finding(one.entrypoint, one.framework, one.evidence) for one in choice.others),
    )


def _prepare(command: str | None) -> Finding | None:
    if command is None or command == "":
        return None
    if not command.strip() or "\0" in command or "\n" in command:
        raise OverrideInvalid(
            "Cannot prepare with this command: it is blank or of several lines.",
            where="--prepare",
            fix="Pass one command, as 'python manage.py migrate'.",
        )
    return Finding(command.strip(), "given with --prepare")


def _paths(candidate: Candidate) -> tuple[str, ...]:
    return (candidate.root, "") if candidate.root else ("",)


def _starts(folder: Folder, chooser: Chooser, choice: Choice, project: django.Project | None) -> list[str]:
    """The files from which imports are followed.

    Django loads applications and a Streamlit app its pages by name, so theirs are starts of their own.
    """
    path = choice.candidate.evidence.path
    starts = [path] if path.endswith(".py") or choice.kind in NOTEBOOKS else []
    if choice.entrypoint.value == notebooks.FOLDER and choice.kind is Kind.VOILA:
        starts = list(folder.notebooks)
    if choice.kind is Kind.COMMAND:
        starts = commands.starts(folder, choice.entrypoint.value)
    if choice.candidate.origin.path.endswith(".py"):
        starts.append(choice.candidate.origin.path)
    if choice.kind is Kind.STREAMLIT:
        starts += chooser.pages(choice.candidate.entrypoint)
    if project is not None:
        below = f"{project.root}/" if project.root else ""
        starts += [other for other in folder.python if other.startswith(below) and not is_aside(other)]
    return list(dict.fromkeys(starts))


def _advice(folder: Folder, choice: Choice, overrides: Overrides) -> list[str]:
    if choice.framework.value == "Django" and not overrides.prepare and django.manage_file(folder):
        manage = django.manage_file(folder)
        return [
            f"Migrations do not run by themselves; pass --prepare 'python {manage} migrate' if the app has any."
        ]
    if choice.kind is Kind.COMMAND:
        return commands.notes(choice.entrypoint.value)
    if choice.kind is Kind.STATIC and choice.entrypoint.value == "." and "package.json" in folder.paths:
        return [
            "package.json stands beside index.html: if the site has to be built first, publish what the build writes."
        ]
    return []
