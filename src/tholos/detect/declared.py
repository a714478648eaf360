"""Requirements that project files declare: ``pyproject.toml``, ``setup.cfg``, ``Pipfile``, ``environment.yml``, script metadata.

Each reader gives lines in pip's form with the line that declares them, or ``None`` where its file declares nothing: no
such key, or an empty list, which project templates write before anyone has thought about it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tholos.detect import interpreters, pip_files, poetry, uv_sources
from tholos.detect.model import Evidence
from tholos.detect.pip_files import Listed
from tholos.detect.sources import Folder, line_of, malformed


@dataclass(frozen=True, slots=True)
class Declared:
    """What one file declares."""

    listed: Listed
    evidence: Evidence
    form: str = "requirements.txt"


def pyproject(folder: Folder, path: str = "pyproject.toml") -> Declared | None:
    """``[project] dependencies``, else Poetry's table.

    Raises:
        FileMalformed: as the other readers do.
    """
    document = folder.toml(path)
    text = folder.text(path)
    project = document.get("project")
    if isinstance(project, dict) and project.get("dependencies"):
        line = line_of(text, r"^[ \t]*[\"']?dependencies\b") or 1
        lines = uv_sources.locate(folder, path, _strings(project["dependencies"], path, line))
        return Declared(pip_files.from_lines(lines, path, line), Evidence(path, line), "pyproject.toml")
    entries = {name: value for name, value in poetry.table(document).items() if name.lower() != "python"}
    if not entries:
        return None
    line = line_of(text, r"^[ \t]*\[tool\.poetry\.dependencies\]") or 1
    return Declared(_converted(entries, path, line, "Poetry"), Evidence(path, line), "pyproject.toml")


def _strings(value: object, path: str, line: int) -> list[str]:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    raise malformed(path, line, "dependencies must be a list of strings")


def _converted(entries: dict[str, object], path: str, line: int, tool: str) -> Listed:
    lines: list[str] = []
    notes = [f"The versions in {path} are written in {tool}'s way and were turned into standard ones."]
    for name, value in entries.items():
        if isinstance(value, dict) and value.get("optional"):
            continue
        try:
            lines.append(poetry.requirement(name, value, path.rpartition("/")[0]))
        except poetry.NotStandard as error:
            notes.append(f"{name} in {path} is left out: it is {error}.")
    listed = pip_files.from_lines(lines, path, line)
    listed.notes[:0] = notes
    return listed


def setup_cfg(folder: Folder, path: str = "setup.cfg") -> Declared | None:
    """``[options] install_requires``."""
    lines = [
        line.partition(" #")[0].strip()
        for line in interpreters.setup_cfg(folder).get("install_requires", "").splitlines()
    ]
    if not any(lines):
        return None
    line = line_of(folder.text(path), r"^[ \t]*install_requires") or 1
    return Declared(pip_files.from_lines([text for text in lines if text], path, line), Evidence(path, line))


def pipfile(folder: Folder, path: str = "Pipfile") -> Declared | None:
    """``[packages]``; the lock beside it is Pipenv's own and not read."""
    packages = folder.toml(path).get("packages")
    if not isinstance(packages, dict) or not packages:
        return None
    line = line_of(folder.text(path), r"^[ \t]*\[packages\]") or 1
    return Declared(_converted(packages, path, line, "Pipenv"), Evidence(path, line))


def environment(folder: Folder, path: str) -> Declared | None:
    """The ``pip:`` list of a conda environment; conda's own packages are told in a note.

    The two levels of lists that such files have are read by their indentation; there is no need for all of YAML.
    """
    listed = Listed()
    conda: list[str] = []
    first, pip_indent, key = 0, -1, ""
    for number, raw in enumerate(folder.text(path).splitlines(), 1):
        key = found[1] if (found := re.match(r"([\w-]+)\s*:", raw)) else key
        item = re.match(r"(\s*)-\s+(.*)", raw)
        if not item or key == "channels":
            continue
        indent, text = len(item[1]), item[2].partition(" #")[0].strip("\"' \t")
        if text == "pip:":
            pip_indent = indent
        elif 0 <= pip_indent < indent:
            first = first or number
            listed.add(pip_files.from_lines([text], path, number))
        else:
            pip_indent = -1
            conda.append(re.split(r"[\s=<>!~]", text.rpartition("::")[2], maxsplit=1)[0])
    others = [name for name in conda if name not in {"python", "pip"}]
    if others:
        listed.notes.append(
            f"Conda packages in {path} are not installed by that name ({', '.join(others[:8])})."
        )
    return Declared(listed, Evidence(path, first)) if listed.lines or listed.notes else None


READERS: dict[str, Callable[[Folder, str], Declared | None]] = {
    "pyproject.toml": pyproject,
    "setup.cfg": setup_cfg,
    "Pipfile": pipfile,
}
"""Project files that may declare requirements, in the order in which they are asked."""
CONDA = ("environment.yml", "environment.yaml")
