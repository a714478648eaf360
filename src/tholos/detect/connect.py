"""The manifest that other publishers write beside an app, and ours: Connect's version 1 with the key ``tholos``. Pure.

Read, it says what the publisher did not say: flags stand above it, the files below it. What cannot be read, or does not fit
the files, becomes a note and keeps nothing from running; only an app mode that is not served is for the caller to refuse.
Checksums decide one thing only, whether our lock is still that of the file it was made from. Unknown keys are passed over at
every level.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tholos.detect import frameworks, interpreters, scripts
from tholos.detect.model import NOTEBOOKS, SCRIPTS, Brought, Evidence, FileTree, Kind, Overrides, Requirements

NAME = "manifest.json"
SPARE_NAME = "tholos.manifest.json"
"""Where the other name is that of something else, such as a web app's manifest."""
VERSION = 1
LIMIT = 8 << 20
"""Bytes of a manifest; 50,000 files take about 5 MB."""

MODE_OF_KIND = {
    Kind.WSGI: "python-api",
    Kind.ASGI: "python-fastapi",
    Kind.STREAMLIT: "python-streamlit",
    Kind.GRADIO: "python-gradio",
    Kind.BOKEH: "python-bokeh",
    Kind.PANEL: "python-panel",
    Kind.VOILA: "jupyter-voila",
    Kind.NOTEBOOK: "jupyter-static",
    Kind.STATIC: "static",
}
NO_MODE = "unknown"
"""What content has that is of no app mode."""
_MODE_OF_FRAMEWORK = {
    (Kind.WSGI, frameworks.DASH): "python-dash",
    (Kind.ASGI, frameworks.SHINY): "python-shiny",
}
_KINDS = {
    **{mode: kind.value for kind, mode in MODE_OF_KIND.items()},
    "python-dash": "dash",
    "python-shiny": "shiny",
}
"""What ``--kind`` would say, by app mode."""
UNSERVED = {
    "shiny": "a Shiny app in R",
    "rmd-shiny": "an R Markdown document with Shiny",
    "rmd-static": "an R Markdown document",
    "api": "an R API",
    "quarto-static": "a Quarto document",
    "quarto-shiny": "a Quarto document with Shiny",
    "nodejs": "a Node.js app",
    "nodejs-api": "a Node.js app",
    "tensorflow-saved-model": "a TensorFlow model",
}
"""App modes that are known and not served, in words."""
_HIDES = ("hide_all_input", "hide_tagged_input")
_LOCALE = re.compile(r"[a-z]{2,3}_[A-Z]{2}\.(?:UTF-8|utf8|utf-8|UTF8)")
_OTHERS_LOCALE = "en_US.UTF-8"
"""Written where none was asked for: other publishers do so."""

_NO_FILES = frozenset({"none", "imports"})
"""What may be said in place of a file of packages."""

_LOCK_FORMS = frozenset({"requirements", "pylock.toml"})
_FINAL = re.compile(r"(\d+\.\d+)(\.\d+)?")
_NAME_OF_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_SILENT = Overrides()

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Lock:
    """Every package with its version and hash, and the files it was made from by their MD5."""

    text: str
    form: str = "requirements"
    made_from: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest says, as far as it is of use here."""

    path: str
    overrides: Overrides = _SILENT
    made_with: str = ""
    """The version of Python it was made with, as ``3.12``."""
    lock: Lock | None = None
    variables: Mapping[str, object] = field(default_factory=dict)
    """Plain ones, as they are written: what of them is no text, or no variable's name, is told where they are set."""
    secrets: tuple[str, ...] = ()
    limits: Mapping[str, object] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    """Of a notebook: what of it is hidden."""
    locale: str = ""
    unserved: str = ""
    """The app mode, if it is none that is served."""

    def brought(self) -> Brought | None:
        """The settings for an app's first release."""
        return Brought(self.path, self.variables, self.limits) if self.variables or self.limits else None

    def requirements(self) -> Requirements | None:
        """The locked packages, in the form that building takes."""
        if self.lock is None:
            return None
        form = "pylock.toml" if self.lock.form == "pylock.toml" else "requirements.txt"
        return Requirements(form, self.lock.text, f"locked in {self.path}", Evidence(self.path))

    def complete(self, said: Overrides) -> Overrides:
        """What was said, and what this says where nothing was."""
        told = self.overrides
        return Overrides(
            kind=said.kind if said.kind is not None or said.entrypoint is not None else told.kind,
            entrypoint=said.entrypoint if said.entrypoint is not None or said.kind is not None else told.entrypoint,
            python=said.python if said.python is not None else told.python,
            requirements=said.requirements if said.requirements is not None else told.requirements,
            prepare=said.prepare if said.prepare is not None else told.prepare,
            keep=said.keep if said.keep is not None else told.keep,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Facts:
    """What a manifest is written from."""

    kind: Kind
    entrypoint: str
    python: str
    """The interpreter's version, as ``3.12.4``."""
    wish: str
    """What the app asks for, as ``>=3.11``; empty for any."""
    files: Mapping[str, str]
    """MD5 by path."""
    paths: tuple[str, ...] = ("",)
    prepare: str = ""
    keep: tuple[str, ...] = ()
    package_file: str = ""
    """Where pip would read the packages."""
    requirements: str = ""
    """The file that declares them, of whatever form."""
    lock: Lock | None = None
    variables: Mapping[str, str | None] = field(default_factory=dict)
    """None for a secret: its value is never written."""
    limits: Mapping[str, object] = field(default_factory=dict)
    framework: str = ""
    options: tuple[str, ...] = ()
    locale: str = ""

    @property
    def mode(self) -> str:
        """The app mode that comes nearest."""
        return mode_of(self.kind, self.framework)


def mode_of(kind: Kind, framework: str) -> str:
    """The app mode that comes nearest; ``unknown`` where none does."""
    return _MODE_OF_FRAMEWORK.get((kind, framework), MODE_OF_KIND.get(kind, NO_MODE))


class NotRead(ValueError):
    """The manifest cannot be read; the text is the end of a sentence."""


# Reading


def read(tree: FileTree) -> Manifest | None:
    """The manifest of a folder; None where there is none, or something else has its name."""
    paths = frozenset(tree.paths())
    for path in (SPARE_NAME, NAME):
        if path in paths:
            found = _read(tree, path, paths)
            if found is not None:
                return found
    return None


def is_manifest(data: bytes) -> bool:
    """Whether a file of that name is one, rather than something else's."""
    try:
        return parse(data) is not None
    except NotRead:
        return False


def told(data: bytes) -> Json | None:
    """What is shown of a manifest before anything is made of it; None where it is none."""
    try:
        document = parse(data)
    except NotRead:
        return None
    if document is None:
        return None
    metadata = _object(document["metadata"])
    said = {
        "appmode": _text(metadata, "appmode"),
        "content_category": _text(metadata, "content_category"),
        "python": _text(_object(document.get("python")), "version"),
    }
    return {name: value[:200] for name, value in said.items() if value}


def md5(data: bytes) -> str:
    """The checksum that the format names files by."""
    return new_md5(data).hexdigest()


def new_md5(data: bytes = b"") -> hashlib._Hash:
    """The hash that it is made with, to be fed piece by piece."""
    return hashlib.md5(data, usedforsecurity=False)


def _read(tree: FileTree, path: str, paths: frozenset[str]) -> Manifest | None:
    try:
        document = parse(tree.read(path, LIMIT + 1))
        if document is None:
            return None
    except NotRead as error:
        return Manifest(path, notes=(f"{path} is passed over: {error}.",))
    ours = document.get("tholos")
    found = _told(tree, path, document, paths)
    hidden = _object(document.get("jupyter"))
    locale = _text(ours if isinstance(ours, dict) else document, "locale") or ""
    return replace(
        found,
        options=tuple(name for name in _HIDES if hidden.get(name) is True),
        locale=locale if _LOCALE.fullmatch(locale) else "",
    )


def _told(tree: FileTree, path: str, document: Json, paths: frozenset[str]) -> Manifest:
    """What our key says, and else what everybody's do."""
    ours = document.get("tholos")
    if not isinstance(ours, dict):
        return _of_others(path, document, paths)
    told = _of_ours(tree, path, ours, paths)
    said = told.overrides
    if (said.kind and said.entrypoint) or not _object(document["metadata"]).get("appmode"):
        return told
    return _completed(told, _of_others(path, document, paths), has_lock="lock" in ours)


def parse(data: bytes) -> Json | None:
    """The document; None for one that is no manifest of this format at all.

    Raises:
        NotRead: it is damaged, hostile, too large or of another version.
    """
    if len(data) > LIMIT:
        raise NotRead(f"it is larger than {LIMIT >> 20} MB")
    try:
        document = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_once)
    except UnicodeDecodeError:
        raise NotRead("it is not UTF-8 text") from None
    except RecursionError:
        raise NotRead("it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise NotRead(f"line {error.lineno} is not JSON") from None
    except ValueError as error:  # a number beyond the interpreter's limit of digits
        raise error if isinstance(error, NotRead) else NotRead("a number in it is too long") from None
    if not isinstance(document, dict):
        return None
    if not isinstance(document.get("metadata"), dict):
        return None
    if type(document.get("version")) is not int or document["version"] != VERSION:
        raise NotRead(f"it is not of version {VERSION}")
    return document


def _once(pairs: list[tuple[str, object]]) -> Json:
    """An object, unless it says two things under one name: which of them holds differs from reader to reader."""
    found: Json = {}
    for name, value in pairs:
        if name in found:
            raise NotRead(f"the key {name[:60]!r} occurs twice")
        found[name] = value
    return found


def _of_ours(tree: FileTree, path: str, ours: Json, paths: frozenset[str]) -> Manifest:
    values, secrets = _variables(ours.get("variables"))
    lock, notes = _lock(tree, path, ours.get("lock"), paths)
    requirements = _text(ours, "requirements")
    keep = ours.get("keep")
    if secrets:
        notes.append(f"The values of secrets are not in {path}: set {', '.join(secrets[:8])} on the app.")
    return Manifest(
        path,
        Overrides(
            kind=_text(ours, "kind"),
            entrypoint=_placed(ours, paths),
            python=_text(ours, "python"),
            requirements=requirements if lock is None and requirements in paths | _NO_FILES else None,
            prepare=_text(ours, "prepare"),
            keep=tuple(map(str, keep)) if isinstance(keep, list) and keep else None,
        ),
        _minor(_text(ours, "made_with")) if lock else "",
        lock,
        values,
        secrets,
        _object(ours.get("limits")),
        tuple(notes),
    )


def _completed(told: Manifest, rest: Manifest, *, has_lock: bool) -> Manifest:
    """What our key says, and the rest of the document where it says nothing; what a lock was made from is found anew."""
    overrides = rest.complete(told.overrides)
    return replace(
        told,
        overrides=replace(overrides, requirements=told.overrides.requirements) if has_lock else overrides,
        made_with=told.made_with or ("" if has_lock else rest.made_with),
        notes=(*told.notes, *rest.notes),
    )


def _placed(ours: Json, paths: frozenset[str]) -> str | None:
    """Our entry point by its file, where its module is found from another folder than the app's."""
    entrypoint, roots = _text(ours, "entrypoint"), ours.get("paths")
    root = str(roots[0]) if isinstance(roots, list) and roots else ""
    module, _, name = (entrypoint or "").partition(":")
    stem = f"{root}/{module.replace('.', '/')}"
    found = next((path for path in (f"{stem}.py", f"{stem}/__init__.py") if root and path in paths), "")
    return f"{found}:{name}" if found and name else entrypoint


def _lock(tree: FileTree, path: str, value: object, paths: frozenset[str]) -> tuple[Lock | None, list[str]]:
    """The lock, unless what it was made from is no longer what it was."""
    if not isinstance(value, dict):
        return None, []
    text, form, sources = value.get("text"), value.get("form"), value.get("of")
    if not isinstance(text, str) or form not in _LOCK_FORMS or not isinstance(sources, dict):
        return None, [f"The lock in {path} is passed over: it is not of the form that is needed."]
    for source, checksum in sources.items():
        if source not in paths or md5(tree.read(source, LIMIT)) != checksum:
            return None, [
                f"{source} is not what the lock in {path} was made from: packages are resolved anew."
            ]
    return (
        (Lock(text, str(form), {name: str(one) for name, one in sources.items()}), []) if text else (None, [])
    )


def _variables(value: object) -> tuple[Json, tuple[str, ...]]:
    """Plain values by name, and the names of secrets."""
    named = _object(value)
    plain = {name: one for name, one in named.items() if one is not None}
    unset = [name for name, one in named.items() if one is None and _NAME_OF_VARIABLE.fullmatch(name)]
    return plain, tuple(sorted(unset))


def _of_others(path: str, document: Json, paths: frozenset[str]) -> Manifest:
    """What another publisher's manifest is good for: kind, entry point, Python and the file that lists the packages."""
    metadata = _object(document["metadata"])
    mode = _text(metadata, "appmode") or ""
    kind = _KINDS.get(mode)
    if kind is None:
        told = f"{path} is passed over: it asks for no app mode."
        return Manifest(path, notes=() if mode else (told,), unserved=mode)
    if kind == Kind.STATIC:
        return _of_site(path, metadata, paths)
    entrypoint = _text(metadata, "entrypoint")
    if entrypoint and not _is_there(entrypoint, paths):
        return Manifest(path, notes=(f"{path} begins at {entrypoint[:200]}, which is not here.",))
    python = _object(document.get("python"))
    package_file = _text(_object(python.get("package_manager")), "package_file")
    wish, notes = _wish(path, document)
    managed = _object(_object(document.get("environment")).get("environment_management"))
    if managed.get("python") is False:
        notes += (f"{path} asks for no packages to be installed; they are installed all the same.",)
    return Manifest(
        path,
        Overrides(
            kind=kind,
            entrypoint=entrypoint,
            python=wish,
            requirements=package_file if package_file in paths else None,
        ),
        _minor(_text(python, "version")),
        notes=notes,
    )


def _of_site(path: str, metadata: Json, paths: frozenset[str]) -> Manifest:
    page = _text(metadata, "primary_html") or _text(metadata, "entrypoint") or "index.html"
    folder, _, name = page.removeprefix("./").rpartition("/")
    if name == "index.html":
        return Manifest(path, Overrides(kind=Kind.STATIC.value, entrypoint=folder or "."))
    if page.removeprefix("./") not in paths:
        return Manifest(path, notes=(f"{path} begins at {page[:200]}, which is not here.",))
    return Manifest(path, Overrides(kind=Kind.STATIC.value, entrypoint=page))


def _is_there(entrypoint: str, paths: frozenset[str]) -> bool:
    """Whether a file stands behind an entry point; what Shiny loads of others is its own business."""
    express = scripts.express_path(entrypoint)
    if express:
        return express in paths
    target = entrypoint.partition(":")[0].removeprefix("./")
    first = target.partition(".")[0]
    module = target.replace(".", "/")
    ends = (target, f"{module}.py", f"{module}/__init__.py", f"{module}/main.py", f"{target}.ipynb")
    known = any(path in ends or path.endswith(tuple(f"/{end}" for end in ends)) for path in paths)
    return known or (first == "shiny" and ":" in entrypoint)


def _wish(path: str, document: Json) -> tuple[str | None, tuple[str, ...]]:
    said = _text(_object(_object(document.get("environment")).get("python")), "requires")
    if said is None:
        return None, ()
    try:
        return interpreters.constraint_of(said), ()
    except ValueError:
        return None, (f"The Python that {path} asks for is passed over: {said[:60]!r} is not a version.",)


def _minor(version: str | None) -> str:
    found = _FINAL.match(version or "")
    return found[1] if found and len(found[0]) < 20 else ""


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _text(of: Json, key: str) -> str | None:
    value = of.get(key)
    return value if isinstance(value, str) and value else None


# Writing


def to_json(facts: Facts) -> Json:
    """The manifest as a document, in the order in which people read it."""
    is_site = facts.kind is Kind.STATIC
    document: Json = {"version": VERSION}
    if not is_site:
        document["locale"] = facts.locale or _OTHERS_LOCALE
    document["metadata"] = {"appmode": facts.mode, **_metadata(facts)}
    if facts.options:
        document["jupyter"] = dict.fromkeys(facts.options, True)
    if not is_site:
        document["python"] = _python(facts)
    if facts.wish and not is_site:
        document["environment"] = {"python": {"requires": facts.wish}}
    document["tholos"] = _ours(facts)
    document["files"] = {path: {"checksum": facts.files[path]} for path in sorted(facts.files)}
    return document


def encode(document: Json) -> bytes:
    """As a file of a folder, or the body of an answer."""
    return json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n"


def _metadata(facts: Facts) -> Json:
    if facts.kind is Kind.STATIC:
        page = _first_page(facts.entrypoint)
        return {"entrypoint": page, "primary_html": page}
    if facts.kind is Kind.COMMAND:
        return {}
    if facts.kind in SCRIPTS and "/" not in facts.entrypoint:
        return {"entrypoint": facts.entrypoint.removesuffix(".py")}
    if facts.kind in NOTEBOOKS:
        return {"entrypoint": "" if facts.entrypoint == "." else facts.entrypoint}
    module, _, name = facts.entrypoint.partition(":")
    # Factories of these names are found without being named, and cannot be named.
    return {"entrypoint": module if name in {"create_app()", "make_app()"} else facts.entrypoint}


def _first_page(entrypoint: str) -> str:
    if entrypoint.endswith((".html", ".htm")):
        return entrypoint
    return "index.html" if entrypoint in {"", "."} else f"{entrypoint}/index.html"


def _python(facts: Facts) -> Json:
    manager: Json = {"name": "pip"}
    if facts.package_file:
        manager["package_file"] = facts.package_file
    return {"version": facts.python, "package_manager": manager}


def _ours(facts: Facts) -> Json:
    """The one key of ours; what is empty is left out."""
    lock = facts.lock
    ours: Json = {
        "kind": facts.kind.value,
        "entrypoint": facts.entrypoint,
        "paths": [] if facts.paths == ("",) else list(facts.paths),
        "python": facts.wish,
        "locale": facts.locale,
        "made_with": facts.python,
        "prepare": facts.prepare,
        "keep": list(facts.keep),
        "requirements": facts.requirements,
        "variables": dict(facts.variables),
        "limits": dict(facts.limits),
        "lock": {"form": lock.form, "of": dict(lock.made_from), "text": lock.text} if lock else None,
    }
    return {name: value for name, value in ours.items() if value}
