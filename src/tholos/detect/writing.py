"""The manifest that detection over a folder comes to, to be kept beside the code. Pure.

It is the same for the same files, whoever writes it and where: what only the machine could say, such as the interpreter's
version, is taken from the manifest before as long as it fits. Our key says what was said by flags, so that nobody has to say
it twice, and what the rest of the format has no place for; that it is there marks a manifest as one of ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tholos.detect import connect, interpreters
from tholos.detect.connect import Facts, Json, Manifest
from tholos.detect.core import detect
from tholos.detect.errors import (
    EntrypointMissing,
    ManifestNameTaken,
    NothingToPublish,
    OverrideInvalid,
    PackageFileMissing,
    SeveralEntrypoints,
)
from tholos.detect.model import Detection, FileTree, Kind, Overrides, Requirements
from tholos.detect.staleness import MANIFESTS, is_of_ours

USUAL_FILE = "requirements.txt"
"""Where pip and other publishers look first."""

_FLAGS = ("kind", "entrypoint", "python", "requirements")
_CARRIED = ("prepare", "keep", "variables", "limits")
"""What a manifest of ours may hold that no folder shows."""
"""Where the framework decides and not the way to speak to it."""
_PIP = re.compile(r".*\.(txt|in)")
_NEWEST, _OLDEST = 14, 8
_NAMED_VERSION = re.compile(r"3\.\d+\.\d+")
_EXPORTS = {
    "uv.lock": "uv export --no-dev --no-emit-project -o requirements.txt",
    "Pipfile": "pipenv requirements > requirements.txt",
    "pyproject.toml": "uv pip compile pyproject.toml -o requirements.txt",
    "setup.cfg": "uv pip compile setup.cfg -o requirements.txt",
}
"""How a file for pip is made of another one."""


class Bare:
    """A folder without its manifests, so that they do not decide what they are to say."""

    def __init__(self, tree: FileTree, hidden: frozenset[str] = MANIFESTS) -> None:
        self._tree = tree
        self._hidden = hidden

    def paths(self) -> list[str]:
        """Every path but theirs."""
        return [path for path in self._tree.paths() if path not in self._hidden]

    def read(self, path: str, limit: int = 1 << 20) -> bytes:
        """The first bytes of a file."""
        return self._tree.read(path, limit)


@dataclass(frozen=True, slots=True)
class Before:
    """The manifest that a folder has already."""

    document: Json
    manifest: Manifest

    @property
    def is_ours(self) -> bool:
        """Whether this program wrote it."""
        return is_of_ours(self.document)

    @property
    def ours(self) -> Json:
        """Our key."""
        found = self.document.get("tholos")
        return found if isinstance(found, dict) else {}

    @property
    def said(self) -> dict[str, str]:
        """What was said by flags when it was written; one that a release was taken along with says its kind and entry."""
        if not self.is_ours:
            return {}
        told, said = self.manifest.overrides, self.ours.get("said")
        if isinstance(said, dict):
            return {name: said[name] for name in _FLAGS if isinstance(said.get(name), str)}
        of_release = {"kind": told.kind, "entrypoint": told.entrypoint, "python": told.python}
        return {name: value for name, value in of_release.items() if value and name in self.ours}

    @property
    def version(self) -> str:
        """Of the Python that it was made with, in full."""
        python = self.document.get("python")
        version = str(python.get("version")) if isinstance(python, dict) else ""
        return version if _NAMED_VERSION.fullmatch(version) else ""


@dataclass(frozen=True, slots=True)
class Settled:
    """What was found, with the flags that hold for it."""

    found: Detection
    said: dict[str, str]
    notes: tuple[str, ...] = ()


def find_before(tree: FileTree) -> Before | None:
    """The ``manifest.json`` of a folder, if there is one.

    Raises:
        NotRead: it is damaged.
        ManifestNameTaken: it is something else.
    """
    if connect.NAME not in tree.paths():
        return None
    document = connect.parse(tree.read(connect.NAME, connect.LIMIT + 1))
    manifest = connect.read(Bare(tree, frozenset({connect.SPARE_NAME})))
    if document is None or manifest is None:
        raise ManifestNameTaken(
            f"Cannot write {connect.NAME}: the file of that name here is something else, such as a web app's manifest.",
            fix="Give that one another name, as site.webmanifest, and write again.",
            where=connect.NAME,
        )
    return Before(document, manifest)


def settle(tree: FileTree, flags: Mapping[str, str], before: Before | None) -> Settled:
    """Detect with the flags of now above those of before; where several apps are found, the manifest's is the one.

    Raises:
        Invalid: one of ``tholos.detect.errors``.
    """
    bare = Bare(tree)
    said = {**(before.said if before else {}), **flags}
    try:
        return Settled(detect(bare, overrides_of(said)), said)
    except (NothingToPublish, SeveralEntrypoints):
        told = before.manifest.overrides if before else Overrides()
        if said.get("entrypoint") or not told.entrypoint:
            raise
        said = {"entrypoint": told.entrypoint, **({"kind": told.kind} if told.kind else {}), **said}
        return Settled(detect(bare, overrides_of(said)), said)
    except (EntrypointMissing, OverrideInvalid) as error:
        if said == flags:
            raise
        found = detect(bare, overrides_of(flags))
        reason = error.message.partition("\n")[0]
        return Settled(found, dict(flags), (f"What was said by flags is passed over: {reason}",))


def overrides_of(said: Mapping[str, str]) -> Overrides:
    """Flags as detection takes them; an empty one is as if it were not there."""
    kind, entrypoint, python, requirements = (said.get(name) or None for name in _FLAGS)
    return Overrides(kind, entrypoint, python, requirements)


def compose(
    found: Detection,
    checksums: Mapping[str, str],
    said: Mapping[str, str],
    versions: Iterable[str],
    before: Before | None = None,
) -> Json:
    """The manifest of a folder.

    Args:
        found: what detection found, over the folder without its manifests.
        checksums: the MD5 of every file that publishing would send.
        said: the flags, by name.
        versions: of Python, in full, the one that is liked best first.
        before: the manifest that it takes the place of, if any.

    Raises:
        PackageFileMissing: packages are asked for, and no file lists them for pip.
    """
    files = {path: one for path, one in checksums.items() if path not in MANIFESTS}
    package_file = "" if found.kind is Kind.STATIC else _package_file(found.requirements, files)
    wish = found.python.value
    document = connect.to_json(
        Facts(
            kind=found.kind,
            entrypoint=_rooted(found.entrypoint.value, found.paths[0]),
            python=_version(wish, versions),
            wish=wish,
            files=files,
            package_file=package_file,
            framework=found.framework.value,
            options=found.options,
            locale=found.locale,
        )
    )
    document["tholos"] = _ours(found, package_file, said, before)
    return _with_others(document, before.document) if before else document


def _ours(found: Detection, package_file: str, said: Mapping[str, str], before: Before | None) -> Json:
    needs = found.requirements
    source = needs.form if needs.form in {"none", "imports"} else needs.evidence.path
    is_elsewhere = source != package_file and (needs.form != "none" or said.get("requirements") == "none")
    old = before.ours if before else {}
    has_mode = connect.mode_of(found.kind, found.framework.value) != connect.NO_MODE
    ours: Json = {
        **({} if has_mode else {"kind": found.kind.value, "entrypoint": found.entrypoint.value}),
        "said": {name: said[name] for name in _FLAGS if said.get(name)},
        "requirements": source if is_elsewhere and found.kind is not Kind.STATIC else "",
        **{name: old.get(name) for name in _CARRIED},
    }
    if before and before.manifest.lock:
        ours |= {"made_with": old.get("made_with"), "lock": old.get("lock")}
    return {name: value for name, value in ours.items() if value}


def _with_others(document: Json, before: Json) -> Json:
    """The manifest with what somebody wrote into the one before and nothing here has a say in."""
    old_environment, old_python = _object(before.get("environment")), _object(before.get("python"))
    environment = {name: one for name, one in old_environment.items() if name != "python"}
    if environment and "python" in document:
        document["environment"] = {**_object(document.get("environment")), **environment}
    allow_uv = _object(old_python.get("package_manager")).get("allow_uv")
    if isinstance(allow_uv, bool) and "python" in document:
        _object(_object(document["python"]).get("package_manager"))["allow_uv"] = allow_uv
    own = {"version", "locale", "metadata", "python", "environment", "tholos", "files"}
    others = {name: one for name, one in before.items() if name not in own}
    listed = document.pop("files")
    ours = document.pop("tholos")
    return {**document, **others, "tholos": ours, "files": listed}


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _rooted(entrypoint: str, root: str) -> str:
    """An entry point as seen from the folder itself, where its modules are found from one inside it."""
    is_module = ":" in entrypoint and "/" not in entrypoint
    return f"{root.replace('/', '.')}.{entrypoint}" if root and is_module else entrypoint


def _version(wish: str, versions: Iterable[str]) -> str:
    """The first version that fits, else one that the wish names, else the newest minor one's first that fits."""
    known = [one for one in versions if one]
    if not wish:
        return known[0] if known else ""
    wanted = interpreters.specifiers(wish)
    named = _NAMED_VERSION.findall(wish)
    minors = [f"3.{minor}.0" for minor in range(_NEWEST, _OLDEST - 1, -1)]
    fitting = (one for one in (*known, *named, *minors) if wanted.contains(one, prereleases=True))
    return next(fitting, known[0] if known else "")


def _package_file(needs: Requirements, files: Mapping[str, str]) -> str:
    """The file that pip reads; empty where no packages are needed and none is there.

    Raises:
        PackageFileMissing: they are asked for elsewhere.
    """
    asked_in = needs.evidence.path
    if _PIP.fullmatch(asked_in) and asked_in in files and needs.form == "requirements.txt":
        return asked_in
    if USUAL_FILE in files:
        return USUAL_FILE
    if needs.form == "none":
        return ""
    wanted = needs.text.split("\n") if needs.form == "imports" else []
    raise PackageFileMissing(
        f"Cannot write manifest.json: it names a file that lists the packages for pip, and there is none. The packages are {needs.why}.",
        fix=_export_of(needs, files),
        where=str(needs.evidence),
        packages=[line for line in wanted if line],
    )


def _export_of(needs: Requirements, files: Mapping[str, str]) -> str:
    """How the missing file is made."""
    path = needs.evidence.path
    if needs.form == "script":
        return f"Make one: uv export --script {path} -o {USUAL_FILE}"
    if needs.form == "imports":
        lines = ", ".join(needs.text.split())
        return f"Write {USUAL_FILE}, a package a line, with: {lines[:200]}"
    name = path.rpartition("/")[2]
    if name == "pyproject.toml" and "poetry.lock" in files:
        return f"Make one: poetry export -o {USUAL_FILE}"
    command = _EXPORTS.get(name if path == name else "")
    return f"Make one: {command}" if command else f"Write {USUAL_FILE} with what {path} asks for"
