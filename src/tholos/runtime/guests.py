"""What of ours runs inside an app's process: the guest package and our servers' wheels, a copy per interpreter.

Each copy is byte-compiled by its interpreter: an app's start waits for no compiler, and an upgrade of the server changes
nothing under a running app.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tholos.runtime import locks, uv
from tholos.runtime.interpreters import Interpreter
from tholos.runtime.resolving import WHEELS_ONLY
from tholos.runtime.uv_failures import Origin
from tholos.runtime.workshop import Place, Workshop

COMPILE_TIMEOUT_S = 60.0
REQUIREMENTS = Path(__file__).with_name("guest-requirements.txt")
"""Made by ``uv pip compile --universal --generate-hashes`` from the ``.in`` beside it, for Python 3.8 and later."""


@dataclass(frozen=True, slots=True)
class Guest:
    """What ``plan.command`` needs of a copy."""

    bootstrap: Path
    wheels: Path


def source_folder() -> Path:
    """The folder of the guest package; it is found and never imported: it belongs to other processes."""
    spec = find_spec("tholos_guest")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("tholos_guest is not installed beside tholos")
    return Path(next(iter(spec.submodule_search_locations)))


def key(source: Path, interpreter: Interpreter) -> str:
    """The name of the copy for an interpreter; another guest or other wheels are another copy."""
    files = [*sorted(source.glob("*.py")), REQUIREMENTS]
    return locks.digest([interpreter.identity, [(file.name, file.read_text("utf-8")) for file in files]])[:32]


def install(
    source: Path, folder: Path, interpreter: Interpreter, *, workshop: Workshop, place: Place
) -> None:
    """Make the copy for an interpreter; it is there whole or not at all.

    Raises:
        EnvironmentFailed, Unavailable, Cancelled: the first cause and its fix.
    """
    made = place.folder / "guest"
    shutil.copytree(source, made / "tholos_guest", ignore=shutil.ignore_patterns("__pycache__", "py.typed"))
    wheels = ["--target", str(at(made).wheels), "--no-deps", "--require-hashes", "--compile-bytecode"]
    call = ["pip", "install", "-r", str(REQUIREMENTS), *wheels, *WHEELS_ONLY, "--python", interpreter.path]
    workshop.uv(call, place, Origin("the server's own packages"))
    compileall = [interpreter.path, "-I", "-m", "compileall", "-q", str(made / "tholos_guest")]
    env = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    uv.run(compileall, env, cwd=place.folder, timeout_s=COMPILE_TIMEOUT_S, watch=place.watch)
    made.rename(folder)


def at(folder: Path) -> Guest:
    return Guest(folder / "tholos_guest" / "bootstrap.py", folder / "wheels")
