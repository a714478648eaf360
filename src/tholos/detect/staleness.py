"""In what a manifest no longer says what its folder does, in words. Pure.

A checksum that differs is no difference as long as it may be that of the same text: with other ends of lines, as git makes
them, or, for the file that lists the packages, as another publisher filters it before it counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from tholos.detect import connect
from tholos.detect.connect import Json
from tholos.detect.model import FileTree
from tholos.store import ignoring

MANIFESTS = frozenset({connect.NAME, connect.SPARE_NAME})
NAMED = 5
"""Files of one sort that a sentence names."""

_READ_LIMIT = 8 << 20
"""Bytes of code that are read for one comparison where no checksum is known."""
_CODE = (".py", ".ipynb", ".html", ".js", ".css", ".qmd", ".sql", ".toml", ".txt", ".in", ".yml", ".yaml")
_FOUND_UNNAMED = frozenset(
    {"", "app", "application", "server", "app.server", "demo", "create_app()", "make_app()"}
)
"""Objects that are found without being named."""
_FOREIGN_FOLDERS = (
    ".Rproj.user/",
    "packrat/",
    "renv/",
    "rsconnect-python/",
    "rsconnect/",
    ".rsconnect-python/",
)
"""What another publisher never lists, at the top of a folder."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that the manifest says and that is otherwise."""

    about: str
    """``kind``, ``entry point``, ``Python``, ``requirements``, ``changed``, ``missing``, ``unlisted`` or ``settings``."""
    text: str
    path: str = ""
    """Of the file, where it is about one."""

    def to_json(self) -> Json:
        """For programs."""
        return {"about": self.about, "text": self.text, **({"path": self.path} if self.path else {})}


def find_note(tree: FileTree) -> str:
    """A sentence on what has changed since a folder's manifest was written; empty if nothing has, or there is none."""
    paths = frozenset(tree.paths())
    for name in (connect.SPARE_NAME, connect.NAME):
        if name in paths:
            document = None
            with suppress(connect.NotRead):  # detection tells of it
                document = connect.parse(tree.read(name, connect.LIMIT + 1))
            if document is not None and "files" in document:
                return _sentence(name, [*compare_files(document, tree)], is_of_ours=is_of_ours(document))
    return ""


def compare(before: Json, now: Json, tree: FileTree, checksums: Mapping[str, str]) -> list[Difference]:
    """In what a manifest differs from the one that would be written now."""
    return [
        *_compare_metadata(_object(before.get("metadata")), _object(now.get("metadata"))),
        *_compare_python(before, now),
        *compare_files(before, tree, checksums),
        *_compare_settings(before.get("tholos"), _object(now.get("tholos"))),
    ]


def compare_files(
    document: Json, tree: FileTree, checksums: Mapping[str, str] | None = None
) -> Iterator[Difference]:
    """In what the files differ from those that a manifest lists.

    Args:
        document: the manifest.
        tree: the files, with or without the manifest among them.
        checksums: the MD5 of each; without them only code is read and compared.
    """
    listed = _listed(document)
    paths = sorted(set(tree.paths()) - MANIFESTS)
    package_file = _package_file(document)
    contents = _Contents(tree, checksums)
    for path in paths:
        listed_as = listed.get(path, "")
        if listed_as and contents.has_changed(path, listed_as, is_filtered=path == package_file):
            about = "requirements" if path == package_file else "changed"
            yield Difference(about, f"{path} has changed since", path)
    yield from _missing(listed, paths, _rules(tree))
    if _lists_all(document):
        passed_over = () if is_of_ours(document) else _FOREIGN_FOLDERS
        for path in paths:
            if path not in listed and not path.startswith(passed_over):
                yield Difference("unlisted", f"{path} is not listed", path)


def is_of_ours(document: Json) -> bool:
    """Whether this program wrote it."""
    return isinstance(document.get("tholos"), dict)


class _Contents:
    """What is known of the files' bytes, read where it has to be."""

    def __init__(self, tree: FileTree, checksums: Mapping[str, str] | None) -> None:
        self._tree = tree
        self._checksums = checksums
        self._left = _READ_LIMIT

    def has_changed(self, path: str, listed_as: str, *, is_filtered: bool) -> bool:
        """Whether a file surely is not the one that was listed."""
        if self._checksums is not None and self._checksums.get(path) == listed_as:
            return False
        if self._checksums is None and not (is_filtered or path.endswith(_CODE)):
            return False
        data = self._tree.read(path, self._left + 1)
        if len(data) > self._left:
            return self._checksums is not None
        self._left -= len(data) if self._checksums is None else 0
        return listed_as not in map(connect.md5, _spellings(data, is_filtered=is_filtered))


def _spellings(data: bytes, *, is_filtered: bool) -> Iterator[bytes]:
    """The bytes that a checksum of this text may have been made of."""
    plain = data.replace(b"\r\n", b"\n")
    ends = (data, plain, plain.replace(b"\n", b"\r\n"))
    yield from ends
    if is_filtered:
        for text in ends:
            lines = text.split(b"\n")
            yield b"\n".join(line for line in lines if b"rsconnect" not in line)
            yield b"\n".join(_as_kept(lines))


def _as_kept(lines: Iterable[bytes]) -> Iterator[bytes]:
    """A file's lines as rsconnect-python counts them."""
    for line in lines:
        end = b"\r" if line.endswith(b"\r") else b""
        kept = line.split(b" @ file:", 1)[0].strip() + end
        if b"rsconnect" not in line and not (kept.startswith(b"setuptools") and b"post" in kept):
            yield kept


def _missing(
    listed: Mapping[str, str], paths: list[str], rules: tuple[ignoring.Rule, ...]
) -> Iterator[Difference]:
    """What is listed and not here, unless it never comes here, or is a folder, which some writers list too."""
    there = frozenset(paths)
    folders = {path[:at] for path in paths for at, one in enumerate(path) if one == "/"}
    for path in sorted(listed):
        if path not in there | folders | MANIFESTS and not _is_left_out(path, rules):
            yield Difference("missing", f"{path} is listed and is not here", path)


def _is_left_out(path: str, rules: tuple[ignoring.Rule, ...]) -> bool:
    above = [path[:at] for at, one in enumerate(path) if one == "/"]
    is_below = any(ignoring.find_reason(rules, folder, is_folder=True) for folder in above)
    return is_below or bool(ignoring.find_reason(rules, path, is_folder=False))


def _rules(tree: FileTree) -> tuple[ignoring.Rule, ...]:
    if ignoring.FILE_NAME not in tree.paths():
        return ()
    return ignoring.parse(tree.read(ignoring.FILE_NAME).decode(errors="replace"))


def _listed(document: Json) -> dict[str, str]:
    """The checksums by path; empty ones where only names are listed."""
    files = document.get("files")
    if isinstance(files, list):
        return {one.removeprefix("./").rstrip("/"): "" for one in files if isinstance(one, str) and one}
    return {path: str(_object(one).get("checksum") or "").lower() for path, one in _object(files).items()}


def _lists_all(document: Json) -> bool:
    """Whether every file of the folder is listed: for documents and sites only what they are made of is."""
    mode = str(_object(document.get("metadata")).get("appmode"))
    return is_of_ours(document) or (mode.startswith("python-") and isinstance(document.get("files"), dict))


def _compare_metadata(before: Json, now: Json) -> Iterator[Difference]:
    mode, new_mode = before.get("appmode"), now.get("appmode")
    if mode != new_mode:
        yield Difference("kind", f"it says {mode or 'nothing'}, and is {new_mode}")
    page, new_page = before.get("primary_html"), now.get("primary_html")
    if (page or new_page) and page != new_page:
        yield Difference("entry point", f"it begins at {page or 'no page'}, and would begin at {new_page}")
        return
    entry, new_entry = str(before.get("entrypoint") or ""), str(now.get("entrypoint") or "")
    if not page and not _is_same_entry(entry, new_entry):
        yield Difference("entry point", f"it begins at {entry or 'nothing'}, and would begin at {new_entry}")


def _is_same_entry(one: str, other: str) -> bool:
    (module, name), (other_module, other_name) = _parts(one), _parts(other)
    if module != other_module:
        return False
    return name == other_name or ("" in {name, other_name} and {name, other_name} <= _FOUND_UNNAMED)


def _parts(entrypoint: str) -> tuple[str, str]:
    """Module and object, where a module may be written as its file."""
    target, _, name = entrypoint.partition(":")
    return target.removeprefix("./").removesuffix(".py").replace("/", "."), name


def _compare_python(before: Json, now: Json) -> Iterator[Difference]:
    wish, new_wish = _wish(before), _wish(now)
    if _terms(wish) != _terms(new_wish):
        text = f"it asks for Python {wish or 'of any version'}, and would ask for {new_wish or 'any'}"
        yield Difference("Python", text)
    version, new_version = (_object(one.get("python")).get("version") for one in (before, now))
    if version and new_version and version != new_version:
        yield Difference("Python", f"it was made with {version}, which does not fit; {new_version} does")
    file, new_file = _package_file(before), _package_file(now)
    if file != new_file:
        text = f"its packages are those of {file or 'no file'}, and would be those of {new_file or 'none'}"
        yield Difference("requirements", text)


def _wish(document: Json) -> str:
    return str(_object(_object(document.get("environment")).get("python")).get("requires") or "")


def _terms(wish: str) -> set[str]:
    return {"".join(one.split()) for one in wish.split(",") if one.strip()}


def _package_file(document: Json) -> str:
    manager = _object(_object(document.get("python")).get("package_manager"))
    return str(manager.get("package_file") or "")


def _compare_settings(before: object, now: Json) -> Iterator[Difference]:
    """In what our key differs; another's manifest has none and needs none."""
    if not isinstance(before, dict):
        return
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            yield Difference(
                "settings", f"tholos.{name} is {_shown(before, name)}, and would be {_shown(now, name)}"
            )


def _shown(of: Json, name: str) -> str:
    text = json.dumps(of[name], ensure_ascii=False) if name in of else "nothing"
    return text if len(text) <= 60 else f"{text[:59]}…"


def _sentence(name: str, differences: list[Difference], *, is_of_ours: bool) -> str:
    """One note on them all, with a few of the files by name."""
    if not differences:
        return ""
    parts = [
        f"{_names([one.path for one in differences if one.about in about])} {verb}"
        for about, verb in (
            (("requirements", "changed"), "changed since"),
            (("missing",), "listed and not here"),
            (("unlisted",), "not listed"),
        )
        if any(one.about in about for one in differences)
    ]
    way = (
        "tholos write-manifest" if is_of_ours else "what wrote it, or with tholos write-manifest --overwrite"
    )
    return f"{name} is out of date: {'; '.join(parts)}. Write it anew with {way}."


def _names(paths: list[str]) -> str:
    more = len(paths) - NAMED
    return ", ".join(paths[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}
