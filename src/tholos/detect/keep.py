"""What of an app's folder is data: paths that outlive releases.

Decided from what the sources say, never from what lies there by chance:

- Flask: ``instance``, where a module of the app uses ``instance_path``, ``instance_relative_config``,
  ``open_instance_resource`` or Flask-SQLAlchemy, whose relative SQLite paths lie there, or where the folder has one. Flask
  places it beside the top-level package or module, so below ``src`` in a ``src`` layout.
- Django: SQLite databases and ``MEDIA_ROOT`` that the settings place at ``BASE_DIR``.

A SQLite address with a relative path elsewhere is only told in a note: the file may as well be shipped data.
"""

from __future__ import annotations

import re

from tholos.detect import django, frameworks
from tholos.detect.entrypoints import Choice
from tholos.detect.errors import OverrideInvalid
from tholos.detect.model import Evidence, Finding
from tholos.detect.own_packages import inside_of
from tholos.detect.sources import Folder

_INSTANCE = re.compile(rb"instance_path|instance_relative_config|open_instance_resource|flask_sqlalchemy")
_SQLITE = re.compile(rb"""["']sqlite(?:\+\w+)?:///(?:\./)?([\w-][\w./-]{0,200}\.\w{1,20})["'?]""")


def given(values: tuple[str, ...]) -> tuple[Finding, ...]:
    """The paths that the publisher named.

    Raises:
        OverrideInvalid: one leaves the folder or is the folder.
    """
    kept: dict[str, None] = {}
    for value in values:
        path = inside_of("", value.strip())
        if not path or any(not character.isprintable() for character in path):
            raise OverrideInvalid(
                f"Cannot keep {value!r}: it is no path inside the folder.",
                where="--keep",
                fix="Pass a relative path, as data.",
            )
        kept[path] = None
    return tuple(Finding(path, "given with --keep") for path in kept)


def find(
    folder: Folder, choice: Choice, files: tuple[str, ...], project: django.Project | None
) -> tuple[Finding, ...]:
    """The paths that the app's sources show to be data; ``files`` are the app's modules."""
    if choice.framework.value == frameworks.DJANGO and project is not None:
        found = django.kept_files(folder, project)
        return tuple(
            Finding(path, what, Evidence(project.settings, line)) for path, what, line in dict.fromkeys(found)
        )
    if choice.framework.value == frameworks.FLASK:
        return _instance(folder, choice.candidate.root, files)
    return ()


def _instance(folder: Folder, root: str, files: tuple[str, ...]) -> tuple[Finding, ...]:
    path = f"{root}/instance" if root else "instance"
    for file in files:
        data = folder.read(file)
        found = _INSTANCE.search(data)
        if found:
            where = Evidence(file, data.count(b"\n", 0, found.start()) + 1)
            return (Finding(path, "Flask's instance folder", where),)
    shipped = next((other for other in sorted(folder.paths) if other.startswith(path + "/")), "")
    return (Finding(path, "Flask's instance folder", Evidence(shipped)),) if shipped else ()


def lost_databases(folder: Folder, files: tuple[str, ...], kept: tuple[Finding, ...]) -> tuple[str, ...]:
    """Notes on SQLite files that each release would begin anew."""
    notes: dict[str, str] = {}
    for file in files:
        data = folder.read(file)
        for found in (
            _SQLITE.finditer(data) if not any(finding.value.endswith("instance") for finding in kept) else ()
        ):
            path = inside_of("", found[1].decode("ascii", "replace"))
            if path and path not in folder.paths and not any(finding.value == path for finding in kept):
                line = data.count(b"\n", 0, found.start()) + 1
                notes.setdefault(
                    path,
                    f"{file}:{line} keeps data in {path}, which each release begins anew; to keep it pass --keep {path}.",
                )
    return tuple(notes.values())
