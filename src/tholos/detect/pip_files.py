"""Requirements files in pip's form: includes resolved inside the folder, lines checked, options kept.

The form is pip's (https://pip.pypa.io/en/stable/reference/requirements-file-format/). What ``-r`` names is put in its place;
what ``-c`` names is handed on as a file, for constraints install nothing and must stay apart. Paths of packages that lie in
the folder are turned so that they hold from there (``own_packages``); what was to be editable is installed like any other, since
an environment never changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tholos.detect import own_packages
from tholos.detect.distributions import normalize
from tholos.detect.model import Evidence
from tholos.detect.own_packages import Named, Outside, inside_of
from tholos.detect.sources import Folder, malformed

INCLUDES_LIMIT = 50
REQUIREMENT_LIMIT = 4096
LINES_LIMIT = 20_000
OWN_LIMIT = 200
"""Packages of the folder; for each of them its files are looked through."""

_PLAIN = re.compile(
    r"([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)"
    r"(?:[ \t]*(?:[=!<>]=|[<>])[ \t]*\d+(?:\.\d+)*(?:,[ \t]*(?:[=!<>]=|[<>])[ \t]*\d+(?:\.\d+)*)*)?",
    re.ASCII,
)
"""Most lines: a name with versions. Of the others more has to be known than a name, and what knows it takes time to load."""
_DEBIANS_OWN = re.compile(r"pkg[-_.]resources\s*==\s*0\.0\.0\s*(;.*)?", re.IGNORECASE)
_INCLUDE = re.compile(r"(-r|--requirement|-c|--constraint)(?:\s+|\s*=\s*|(?<=-[rc]))(.+)")
_OPTIONS_WITH_VALUE = (
    "-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--no-binary", "--only-binary", "--trusted-host",
    "--use-feature", "--uploaded-prior-to",
)  # fmt: skip
_OPTIONS = ("--no-index", "--require-hashes", "--pre", "--prefer-binary", "--all-releases", "--only-final")
_INDEXES = ("-i", "--index-url", "--extra-index-url", "-f", "--find-links")
_ADDRESS = re.compile(r"(git|hg|svn|bzr)\+|https?://|ssh://")
_PER_LINE = re.compile(r"\s--?(hash|config-settings?|global-option|C)\b")
_LOCAL_BUILD = re.compile(r"@\s*file://")


@dataclass(slots=True)
class Listed:
    """A requirements file's content."""

    lines: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    """Normalized names of what is required."""
    has_hashes: bool = False
    own: dict[str, Evidence] = field(default_factory=dict)
    """What lies in the folder and is a package, or holds some, by path; the empty one is the folder itself."""
    links: set[str] = field(default_factory=set)
    """Those among them that hold some."""
    support: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(f"{line}\n" for line in self.lines)

    def add(self, other: Listed) -> None:
        """What another file lists as well."""
        self.lines += other.lines
        self.names |= other.names
        self.links |= other.links
        self.own = {**other.own, **self.own}
        self.notes += other.notes

    @property
    def itself(self) -> list[str]:
        """The lines that name the folder itself as a package; as a place of packages it has a line of another form."""
        if "" not in self.own:
            return []
        named = [(line, own_packages.parse(line)) for line in self.lines if not line.startswith("-")]
        return [line for line, one in named if one and not one.path]

    def without_itself(self) -> None:
        """Forget the folder itself as a package."""
        itself = self.itself
        self.lines = [line for line in self.lines if line not in itself]
        if "" not in self.links:
            self.own.pop("", None)


def read(folder: Folder, path: str) -> Listed:
    """A requirements file with its includes.

    Raises:
        FileMalformed: a line is none of pip's, or an include is missing, circular or outside the folder.
    """
    listed = Listed()
    _read(folder, path, (path,), listed)
    return listed


def from_lines(lines: list[str], path: str, line: int) -> Listed:
    """The same for requirements that stand in another file, all evidenced by one line of it."""
    listed = Listed()
    for text in lines:
        one = " ".join(text.split())
        if not _own(one, path, line, None, listed):
            _requirement(one, path, line, listed)
    return listed


def _read(folder: Folder, path: str, chain: tuple[str, ...], listed: Listed) -> None:
    for number, line in _logical(folder.text(path)):
        included = _INCLUDE.fullmatch(line)
        if included:
            _include(folder, included[1], included[2].strip("\"' "), chain, number, listed)
        elif _own(line, path, number, folder, listed):
            continue
        elif line.startswith("-"):
            _option(line, path, number, listed)
        else:
            _requirement(line, path, number, listed)
        if len(listed.lines) > LINES_LIMIT:
            raise malformed(path, number, f"there are more than {LINES_LIMIT} requirements")


def _logical(text: str) -> Iterator[tuple[int, str]]:
    """Lines without comments, continuations joined, each with the number of its first."""
    begun, parts = 0, list[str]()
    for number, raw in enumerate(text.splitlines(), 1):
        begun = begun or number
        goes_on = raw.endswith("\\") and not raw.lstrip().startswith("#")
        parts.append(raw[:-1] if goes_on else raw)
        if goes_on:
            continue
        line = re.sub(r"(^|\s)#.*$", "", " ".join(part.strip() for part in parts)).strip()
        if line:
            yield begun, line
        begun, parts = 0, []
    if parts and (line := " ".join(part.strip() for part in parts).strip()):
        yield begun, line


def _include(
    folder: Folder, option: str, target: str, chain: tuple[str, ...], number: int, listed: Listed
) -> None:
    path = chain[-1]
    if "://" in target:
        raise malformed(
            path, number, f"it includes {target.partition('?')[0][:80]}, which is outside the folder"
        )
    inside = inside_of(path.rpartition("/")[0], target)
    if inside is None:
        raise malformed(path, number, f"it includes {target[:80]!r}, which is outside the folder")
    if inside not in folder.paths:
        raise malformed(path, number, f"it includes {inside}, which is not there")
    if inside in chain:
        raise malformed(path, number, f"it includes {inside}, which includes it")
    if len(chain) > INCLUDES_LIMIT:
        raise malformed(path, number, f"there are more than {INCLUDES_LIMIT} includes in each other")
    if option in {"-r", "--requirement"}:
        _read(folder, inside, (*chain, inside), listed)
    elif inside not in listed.support:
        listed.support[inside] = folder.text(inside)
        listed.lines.append(f"-c {inside}")


def _own(line: str, path: str, number: int, folder: Folder | None, listed: Listed) -> bool:
    """Whether a line names something that lies in the folder; then it is noted down.

    Raises:
        FileMalformed: it leads out of the folder.
    """
    where = Evidence(path, number)
    try:
        found = _placed(line, path.rpartition("/")[0], folder)
    except Outside as error:
        if _LOCAL_BUILD.search(line):
            return False
        fix = "Copy it into the folder and name it by its path there."
        raise malformed(path, number, f"{str(error)!r} is outside the folder", fix) from None
    if isinstance(found, str):
        _note_place(found, where, listed)
        listed.links.add(found)
        listed.lines.append(f"--find-links ./{found}")
    elif found is not None:
        note_own(found, where, listed)
    return found is not None


def _placed(line: str, base: str, folder: Folder | None) -> Named | str | None:
    """What a line names, or its folder of packages: beside the file that it stands in or, as pip has it, in the app's folder."""
    if not base or folder is None:
        return _read_own(line, "")
    found, outside = list[Named | str](), None
    for one in (base, ""):
        try:
            named = _read_own(line, one)
        except Outside as error:
            outside = error
            continue
        if named is None:
            return None
        found.append(named)
        if _stands(folder, named):
            return named
    if not found and outside:
        raise outside
    return found[-1] if _is_self(found[-1]) else found[0]


def _is_self(found: Named | str) -> bool:
    return isinstance(found, Named) and not found.path


def _stands(folder: Folder, found: Named | str) -> bool:
    if isinstance(found, str):
        return own_packages.is_there(folder, found)
    return found.path in folder.paths or own_packages.is_buildable(folder, found.path)


def _read_own(line: str, base: str) -> Named | str | None:
    links = own_packages.parse_links(line, base)
    return own_packages.parse(line, base) if links is None else links


def note_own(named: Named, where: Evidence, listed: Listed) -> None:
    """Note down a package that lies in the folder.

    Raises:
        FileMalformed: there are too many of them.
    """
    _note_place(named.path, where, listed)
    listed.has_hashes = listed.has_hashes or bool(named.hashes)
    listed.names.update(filter(None, [normalize(named.name), own_packages.name_of_wheel(named.path)]))
    listed.lines.append(named.text)
    if named.is_editable and named.path:
        listed.notes.append(
            f"{where} asks for {named.path} as editable; it is installed as a normal package, since an environment never changes."
        )


def _note_place(path: str, where: Evidence, listed: Listed) -> None:
    listed.own.setdefault(path, where)
    if len(listed.own) > OWN_LIMIT:
        raise malformed(where.path, where.line, f"there are more than {OWN_LIMIT} packages of the folder")


def _option(line: str, path: str, number: int, listed: Listed) -> None:
    editable = re.fullmatch(r"(-e|--editable)[\s=]+(.+)", line)
    if editable:
        _requirement(editable[2].strip("\"' "), path, number, listed)
        return
    name = re.split(r"[\s=]", line, maxsplit=1)[0]
    known = next((option for option in _OPTIONS_WITH_VALUE if name == option), None)
    if known is None and name not in _OPTIONS:
        raise malformed(path, number, f"{name[:40]!r} is no option of a requirements file")
    if known and len(line) <= len(name) + 1:
        raise malformed(path, number, f"{name} lacks its value")
    if known in _INDEXES:
        listed.notes.append(
            f"{path}:{number} names a package index of its own ({name}); the server must reach it."
        )
    listed.has_hashes = listed.has_hashes or name == "--require-hashes"
    listed.lines.append(line)


def _requirement(line: str, path: str, number: int, listed: Listed) -> None:
    listed.has_hashes = listed.has_hashes or "--hash" in line
    bare = _PER_LINE.split(line, maxsplit=1)[0].strip()
    if _ADDRESS.match(bare):
        named = re.search(r"[#&]egg=([\w.-]+)", bare)
        listed.names.update([normalize(named[1])] if named else [])
        listed.lines.append(line)
        return
    try:
        name, is_elsewhere = _parsed(bare[:REQUIREMENT_LIMIT])
    except (ValueError, RecursionError):  # packaging's own error is one
        raise malformed(path, number, f"{bare[:80]!r} is no requirement") from None
    _named(line, bare, name, path, number, listed, is_elsewhere=is_elsewhere)


def _parsed(text: str) -> tuple[str, bool]:
    """The name of a requirement, and whether it says where the package lies.

    Raises:
        ValueError: it is none.
    """
    plain = _PLAIN.fullmatch(text)
    if plain:
        return plain[1], False
    from packaging.requirements import Requirement

    requirement = Requirement(text)
    return requirement.name, bool(requirement.url)


def _named(
    line: str, bare: str, said: str, path: str, number: int, listed: Listed, *, is_elsewhere: bool
) -> None:
    name = normalize(said)
    if _DEBIANS_OWN.fullmatch(bare):
        listed.notes.append(f"{path}:{number} is left out: Debian's pip wrote it, and nothing provides it.")
        return
    listed.names.add(name)
    if is_elsewhere and _LOCAL_BUILD.search(line):
        listed.notes.append(
            f"{path}:{number} points at a file of the machine that wrote it; {said} is taken instead."
        )
        line = said
    listed.lines.append(line)
