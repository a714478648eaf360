"""The Python interpreters of this machine: which there are, and which one an app gets, with the reason.

Nothing is ever downloaded. Candidates come from uv, pyenv's folders and PATH; each is asked who it is, so that shims,
links and virtual environments all come down to the real program.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from tholos.kit.errors import Invalid

OLDEST = Version("3.8")
"""Apps need at least this one: the guest code does."""
OLDEST_BY_DEFAULT = Version("3.9")
"""What an app without any wish gets at least; it is the newest one that is installed anyway."""

PROBE = """
import json, os, platform, sys, sysconfig
print(json.dumps({
    "implementation": sys.implementation.name,
    "version": platform.python_version(),
    "path": os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable),
    "platform": sysconfig.get_platform() + "-" + platform.libc_ver()[0],
    "is_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
}))
"""
PROBE_TIMEOUT_S = 10.0
LIST_TIMEOUT_S = 20.0


class PythonNotFound(Invalid):
    """Cannot choose a Python: none that is installed fits."""

    code = "python_not_found"


@dataclass(frozen=True, slots=True)
class Interpreter:
    """An interpreter that was started and said who it is."""

    implementation: str
    """``cpython``, ``pypy`` …"""
    version: str
    """``3.11.7``, ``3.14.0rc1``."""
    path: str
    platform: str
    is_threaded: bool = False
    """Whether it is a build without the global lock, which few packages have wheels for."""

    @property
    def identity(self) -> str:
        """What environments are keyed by."""
        threaded = "t" if self.is_threaded else ""
        return f"{self.implementation}-{self.version}{threaded}-{self.platform}-{self.path}"

    @property
    def rank(self) -> tuple[bool, bool, bool, Version]:
        """The greatest is the one to prefer."""
        version = Version(self.version)
        return (self.implementation == "cpython", not self.is_threaded, not version.is_prerelease, version)

    def __str__(self) -> str:
        name = "" if self.implementation == "cpython" else f"{self.implementation} "
        return f"{name}{self.version}{'t' if self.is_threaded else ''}"


@dataclass(frozen=True, slots=True)
class Choice:
    interpreter: Interpreter
    why: str
    """``requires-python ">=3.11", newest installed``."""


class Interpreters:
    """What is installed, found at the first question and kept until ``refresh``; may be asked by several threads."""

    def __init__(self, uv: str, *, env: Mapping[str, str], home: Path) -> None:
        """Nothing is started yet.

        Args:
            uv: path of the uv program.
            env: the server's environment variables; PATH is searched.
            home: the folder in which ``.pyenv`` is looked for.
        """
        self._uv = uv
        self._env = dict(env)
        self._home = home
        self._lock = threading.Lock()
        self._found: tuple[Interpreter, ...] | None = None

    def find(self) -> Sequence[Interpreter]:
        """Every interpreter once, the preferred and newest first; those too old for apps are among them."""
        with self._lock:
            if self._found is None:
                self._found = self._observe()
            return self._found

    def refresh(self) -> Sequence[Interpreter]:
        """Look again."""
        with self._lock:
            self._found = None
        return self.find()

    def choose(self, specifier: str, wanted: str = "", *, label: str = "requires-python") -> Choice:
        """The interpreter for an app; see the function ``choose``. Looks again before it gives up."""
        try:
            return choose(self.find(), specifier, wanted, label=label)
        except PythonNotFound:
            return choose(self.refresh(), specifier, wanted, label=label)

    def _observe(self) -> tuple[Interpreter, ...]:
        paths = dict.fromkeys([*self._of_uv(), *self._of_pyenv(), *self._on_path()])
        with ThreadPoolExecutor(4, thread_name_prefix="python-probe") as pool:
            answers = [answer for answer in pool.map(probe, paths) if answer is not None]
        unique: dict[tuple[str, str, bool], Interpreter] = {}
        for found in answers:
            unique.setdefault((found.implementation, found.version, found.is_threaded), found)
        return tuple(sorted(unique.values(), key=lambda found: found.rank, reverse=True))

    def _of_uv(self) -> Iterator[str]:
        call = [self._uv, "python", "list", "--only-installed", "--output-format", "json", "--offline"]
        env = {**self._env, "PATH": os.pathsep.join(map(str, self._folders())), "UV_NO_CONFIG": "1"}
        env.pop("VIRTUAL_ENV", None)
        try:
            done = subprocess.run(
                call, env=env, capture_output=True, timeout=LIST_TIMEOUT_S, check=True, cwd="/"
            )
            yield from (entry["path"] for entry in json.loads(done.stdout) if entry.get("path"))
        except (OSError, subprocess.SubprocessError, ValueError):
            return  # the other two sources do not need uv

    def _of_pyenv(self) -> Iterator[str]:
        root = Path(self._env.get("PYENV_ROOT") or self._home / ".pyenv")
        with suppress(OSError):
            found = sorted(root.glob("versions/*/bin/python3.*"))
            yield from (str(path) for path in found if is_python(path.name))

    def _on_path(self) -> Iterator[str]:
        for folder in self._folders():
            with suppress(OSError):  # a folder that is not there, or not ours to look into
                yield from (str(path) for path in sorted(folder.iterdir()) if is_python(path.name))

    def _folders(self) -> list[Path]:
        """PATH without pyenv's shims, which fail for every version but the selected one."""
        folders = [Path(folder) for folder in self._env.get("PATH", "").split(os.pathsep) if folder]
        return [folder for folder in folders if folder.name != "shims"]


def is_python(name: str) -> bool:
    return re.fullmatch(r"python3(\.\d+)?t?|pypy3(\.\d+)?", name) is not None


def probe(path: str) -> Interpreter | None:
    """Start an interpreter and ask who it is; ``None`` if it does not work."""
    executable = shutil.which(path)
    if executable is None:
        return None
    try:
        done = subprocess.run(
            [executable, "-I", "-c", PROBE],
            capture_output=True,
            timeout=PROBE_TIMEOUT_S,
            check=True,
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
            cwd="/",
        )
        return Interpreter(**json.loads(done.stdout))
    except (OSError, subprocess.SubprocessError, ValueError, TypeError):
        return None


def choose(
    installed: Iterable[Interpreter], specifier: str, wanted: str = "", *, label: str = "requires-python"
) -> Choice:
    """The newest final release that fits, CPython with its lock before others.

    Args:
        installed: what there is.
        specifier: what the app asks for: ``>=3.11``, ``3.11`` (any 3.11), ``3.11.4`` (the nearest 3.11), or nothing.
        wanted: what the publisher said by ``--python``; it stands instead of ``specifier``.
        label: where ``specifier`` was found, for the reason.

    Raises:
        PythonNotFound: none fits, or the wish cannot be read.
    """
    ordered = sorted(installed, key=lambda found: found.rank, reverse=True)
    usable = [found for found in ordered if Version(found.version) >= OLDEST]
    text = (wanted or specifier).strip()
    reason = f"--python {text}" if wanted else f'{label} "{text}"'
    if not text:
        return choose_default(ordered, usable)
    exact = re.fullmatch(r"(?:==\s*)?(\d+\.\d+\.\d+)", text)
    for candidate in usable:
        if exact and candidate.version == exact[1]:
            return Choice(candidate, f"{reason}, installed")
    fitting = [found for found in usable if fits(found, read(text, reason))]
    if fitting:
        return Choice(fitting[0], f"{reason}, newest installed")
    if exact and not text.startswith("="):
        nearest = [found for found in usable if found.version.startswith(exact[1].rpartition(".")[0] + ".")]
        if nearest:
            return Choice(nearest[0], f"{reason} is not installed, the nearest that is")
    raise not_found(ordered, usable, text, reason)


def choose_default(ordered: Sequence[Interpreter], usable: Sequence[Interpreter]) -> Choice:
    for candidate in usable:
        if Version(candidate.version) >= OLDEST_BY_DEFAULT:
            return Choice(candidate, "no version is asked for, newest installed")
    raise not_found(ordered, usable, f">={OLDEST_BY_DEFAULT}", "an app without a version of its own")


def read(text: str, reason: str) -> SpecifierSet:
    """A specifier of packaging's form, or a bare version, which stands for all that begin with it."""
    bare = re.fullmatch(r"\d+(\.\d+){0,2}", text)
    if bare:
        text = f"=={text}" if text.count(".") == 2 else f"=={text}.*"
    try:
        return SpecifierSet(text)
    except InvalidSpecifier:
        raise PythonNotFound(
            f"Cannot choose a Python: {reason} is no version and no specifier.",
            fix='Write it as "3.11" or ">=3.10,<3.13", or say --python 3.11.',
        ) from None


def fits(candidate: Interpreter, wish: SpecifierSet) -> bool:
    return wish.contains(Version(candidate.version), prereleases=True)


def not_found(
    ordered: Sequence[Interpreter], usable: Sequence[Interpreter], text: str, reason: str
) -> PythonNotFound:
    """The error that names what there is, and the flag that takes the nearest."""
    if not usable:
        old = ", ".join(map(str, ordered)) or "none"
        return PythonNotFound(
            f"Cannot choose a Python: apps need {OLDEST} or later, installed: {old}.",
            fix=f"Install Python {OLDEST} or later on the server.",
        )
    closest = nearest_to(text, usable)
    return PythonNotFound(
        f"Cannot choose a Python: {reason} fits none of those installed: {', '.join(map(str, usable))}.",
        fix=f"Say --python {minor(closest)} to take the nearest ({closest}), or install the one that is asked for.",
        installed=[found.version for found in usable],
        nearest=closest.version,
    )


def nearest_to(text: str, usable: Sequence[Interpreter]) -> Interpreter:
    """The one whose minor version is least far from the first that is named."""
    named = re.search(r"(\d+)\.(\d+)", text)
    target = int(named[1]) * 100 + int(named[2]) if named else 10_000
    return min(usable, key=lambda found: abs(number(found) - target))


def number(found: Interpreter) -> int:
    version = Version(found.version)
    return version.major * 100 + version.minor


def minor(found: Interpreter) -> str:
    return ".".join(found.version.split(".")[:2])
