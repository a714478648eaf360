"""Tiny wheels for tests, and projects that are built without anything of an index."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass

BACKEND = """
import os, pathlib, zipfile
def get_requires_for_build_wheel(config=None): return []
def build_wheel(folder, config=None, metadata=None):
    module = pathlib.Path("NAME.py").read_text()
    name, info = "NAME-0.1-py3-none-any.whl", "NAME-0.1.dist-info"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as archive:
        archive.writestr("NAME.py", module)
        archive.writestr(info + "/METADATA", "Metadata-Version: 2.1\\nName: NAME\\nVersion: 0.1\\nNEEDS")
        archive.writestr(info + "/WHEEL", "Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        archive.writestr(info + "/RECORD", "")
    return name
"""


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel as a file."""

    name: str
    data: bytes

    @property
    def sha256(self) -> str:
        """Of its bytes."""
        return hashlib.sha256(self.data).hexdigest()


def wheel(
    name: str,
    version: str,
    *,
    needs: str = "",
    tags: str = "py3-none-any",
    text: str = "",
    more: Mapping[str, str] | None = None,
) -> Wheel:
    """A wheel of one package, which says its version as ``VERSION`` unless it has another text; ``more`` are further files."""
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    files = {
        f"{name}/__init__.py": text or f"VERSION = '{version}'\n",
        f"{info}/METADATA": metadata + (f"Requires-Dist: {needs}\n" if needs else ""),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tags}\n",
    }
    files.update(more or {})
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, content in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(zipfile.ZipInfo(path), content)
    return Wheel(f"{name}-{version}-{tags}.whl", packed.getvalue())


def project(name: str, text: str = "VALUE = 1\n", *, needs: str = "", folder: str = "") -> dict[str, str]:
    """The files of a package of one module; its build backend lies within it."""
    below = f"{folder}/" if folder else ""
    backend = BACKEND.replace("NAME", name).replace("NEEDS", f"Requires-Dist: {needs}\\n" if needs else "")
    dependencies = f'dependencies = ["{needs}"]\n' if needs else ""
    return {
        f"{below}pyproject.toml": f'[project]\nname = "{name}"\nversion = "0.1"\n{dependencies}'
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        f"{below}backend.py": backend,
        f"{below}{name}.py": text,
    }
