"""What is to be published: a folder, one .py file or an archive; under which name; and whether it looks like a mistake."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tholos.cli import memory
from tholos.cli.names import check_name, fit_name
from tholos.kit.errors import Conflict, Invalid

ARCHIVES = {
    ".tar.gz": "application/gzip",
    ".tgz": "application/gzip",
    ".tar": "application/x-tar",
    ".zip": "application/zip",
}
SYSTEM = "bin boot dev etc home lib media mnt opt proc root run srv sys tmp usr usr/local var var/tmp Users"
WIDE = frozenset({"/", *(f"/{name}" for name in SYSTEM.split())})


class SourceMissing(Invalid):
    """Cannot publish this: it is not there."""

    code = "source_missing"


class SourceUnknown(Invalid):
    """Cannot publish this: it is neither a folder, a .py file nor an archive."""

    code = "source_unknown"


class FolderTooWide(Invalid):
    """Cannot publish this folder: it looks like a mistake."""

    code = "folder_too_wide"


class NameTakenHere(Conflict):
    """Cannot choose a name: another folder is published under it."""

    code = "name_taken_here"


@dataclass(frozen=True, slots=True)
class Source:
    """What is to be published; of a file, ``path`` is the file."""

    path: Path
    form: str
    """``folder``, ``script`` or ``archive``."""
    content_type: str = ""

    @property
    def title(self) -> str:
        """What its name is made of."""
        name = self.path.name
        if self.form == "folder":
            return name
        return next((name[: -len(end)] for end in (*ARCHIVES, ".py") if name.lower().endswith(end)), name)


def find_source(path: Path) -> Source:
    """What a path on the command line is.

    Raises:
        SourceMissing: nothing.
        SourceUnknown: something else.
    """
    real = Path(os.path.realpath(path))
    if real.is_dir():
        return Source(real, "folder")
    if not real.is_file():
        raise SourceMissing(f"Cannot publish {path}: there is no such folder or file.", where=str(path))
    if real.suffix == ".py":
        return Source(real, "script")
    kind = next((kind for end, kind in ARCHIVES.items() if real.name.lower().endswith(end)), "")
    if not kind:
        raise SourceUnknown(
            f"Cannot publish {path}: it is neither a folder, a .py file nor an archive ({', '.join(ARCHIVES)}).",
            fix="publish the folder that it is in",
            where=str(path),
        )
    return Source(real, "archive", kind)


def refuse_wide(source: Source, *, yes: bool) -> None:
    """Ask about, or refuse, a folder that nobody means to publish: a home, or a folder of the system.

    Raises:
        FolderTooWide: it is one, and nobody said yes.
    """
    if yes or source.form != "folder" or not is_wide(source.path, Path.home()):
        return
    if sys.stdin.isatty():
        print(
            f"  {source.path} is not the folder of an app. Publish all of it? [y/N] ",
            end="",
            file=sys.stderr,
            flush=True,
        )
        if sys.stdin.readline().strip().lower() in {"y", "yes"}:
            return
    raise FolderTooWide(
        f"Cannot publish {source.path}: it is not the folder of an app.",
        fix="go to the app's folder, or name it: tholos publish FOLDER (--yes if you mean it)",
        where=str(source.path),
    )


def is_wide(folder: Path, home: Path) -> bool:
    """Whether a folder holds much more than one app."""
    real_home = Path(os.path.realpath(home))
    return str(folder) in WIDE or folder == real_home or folder in real_home.parents


def choose_name(source: Source, name: str | None, server: str, known: dict[str, memory.Folder]) -> str:
    """The app's name: said, else the one before, else what fits the folder's.

    Raises:
        NameInvalid: the one that was said cannot be one.
        NameTakenHere: the folder's name is that of another folder's app; it would become that app's next release.
    """
    if name:
        return check_name(name)
    own = known.get(str(source.path))
    if own:
        return own.app
    fitting = fit_name(source.title)
    for path, other in known.items():
        if (other.app, other.server) == (fitting, server) and Path(path).exists():
            raise NameTakenHere(
                f"Cannot choose a name: {fitting} is what {path} is published as.",
                fix=f"--name {fitting} for a next release of it, or --name with another one",
                where="name",
            )
    return fitting


@contextmanager
def as_folder(source: Source) -> Iterator[Path]:
    """The folder to scan; a script gets one of its own for a while."""
    if source.form == "folder":
        yield source.path
        return
    import shutil
    import tempfile

    with tempfile.TemporaryDirectory(prefix="tholos-") as made:
        shutil.copy2(source.path, made)
        yield Path(made)
