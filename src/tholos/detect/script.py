"""Inline script metadata (PEP 723): the ``# /// script`` block of a Python file."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tholos.detect.sources import Folder, malformed

# The expression of the specification: https://packaging.python.org/specifications/inline-script-metadata/
_BLOCK = re.compile(r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$")


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a script says it needs."""

    path: str
    line: int
    dependencies: tuple[str, ...] | None
    """``None`` where the block does not name the key."""
    python: str
    python_line: int


def read(folder: Folder, path: str) -> Metadata | None:
    """A file's script metadata.

    Raises:
        FileMalformed: the block is no TOML, stands there twice, or its values have the wrong types.
    """
    data = folder.read(path)
    if b"# /// script" not in data:
        return None
    text = data.decode("utf-8", "replace").replace("\r\n", "\n")
    blocks = [found for found in _BLOCK.finditer(text + "\n") if found["type"] == "script"]
    if not blocks:
        return None
    line = text.count("\n", 0, blocks[0].start()) + 1
    if len(blocks) > 1:
        raise malformed(path, text.count("\n", 0, blocks[1].start()) + 1, "a second block of script metadata")
    content = "".join(
        row[2:] if row.startswith("# ") else row[1:] for row in blocks[0]["content"].splitlines(keepends=True)
    )
    import tomllib  # start-up time: many folders have no such file

    try:
        document = tomllib.loads(content)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise malformed(path, line, f"its script metadata is not valid TOML ({error})") from None
    dependencies = document.get("dependencies")
    python = document.get("requires-python", "")
    if not isinstance(python, str) or not (dependencies is None or _is_strings(dependencies)):
        raise malformed(path, line, "dependencies must be a list of strings and requires-python a string")
    row = next((n for n, row in enumerate(blocks[0][0].splitlines()) if "requires-python" in row), 0)
    return Metadata(path, line, tuple(dependencies) if dependencies is not None else None, python, line + row)


def _is_strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
