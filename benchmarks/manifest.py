"""Time of ``tholos write-manifest`` beside the same of rsconnect-python, over the same Flask folder, taking turns.

    python benchmarks/manifest.py [--build FOLDER] [--rounds 9] [--folder EXAMPLE]

The other program is installed into an environment of its own in a build folder, if it is not there. Each writes into a copy
of the folder that has no manifest. Ends with the line ``manifest FIGURE 0.25 ok|short``; the figure is the median of one
divided by the median of the other, of the wall clock.
"""

from __future__ import annotations

import argparse
import compileall
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from measuring import COMMAND, ROOT, milliseconds, report, scratch

BOUND = 0.25
OTHER = "rsconnect-python==1.32.0"


def install(build: Path) -> Path:
    """The other program, byte-compiled as ours is."""
    environment = build / OTHER.replace("==", "-")
    command = environment / "bin" / "rsconnect"
    if not command.exists():
        uv = str(COMMAND.with_name("uv"))
        subprocess.run(
            [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(environment)], check=True
        )
        into = ["--python", str(environment / "bin" / "python"), "--compile-bytecode"]
        subprocess.run([uv, "pip", "install", "--quiet", *into, OTHER], check=True)
    return command


def compile_ours() -> None:
    """As an installation does; a checkout may have been told to write no byte code."""
    compileall.compile_dir(str(ROOT / "src"), quiet=1)


def seconds_of(command: list[str], folder: Path) -> float:
    """Of one run that writes a manifest where there is none."""
    written = folder / "manifest.json"
    written.unlink(missing_ok=True)
    quiet = {name: text for name, text in os.environ.items() if name != "VIRTUAL_ENV"}
    start = time.perf_counter()
    subprocess.run(
        command, cwd=folder, env=quiet, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    taken = time.perf_counter() - start
    assert written.exists()
    return taken


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "benchmarks")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--folder", type=Path, default=ROOT / "examples" / "guestbook")
    options = parser.parse_args()
    compile_ours()
    theirs = str(install(options.build))
    commands = {
        "tholos": [str(COMMAND), "write-manifest"],
        "rsconnect": [theirs, "write-manifest", "api", "."],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    with scratch() as place:
        for name in commands:
            shutil.copytree(options.folder, place / name)
        for _ in range(options.rounds + 1):
            for name, command in commands.items():
                times[name].append(seconds_of(command, place / name))
    medians = {name: statistics.median(taken[1:]) for name, taken in times.items()}
    for name, median in medians.items():
        print(f"{name:<10} {milliseconds(median):>8}")
    return report("manifest", medians["tholos"] / medians["rsconnect"], BOUND)


if __name__ == "__main__":
    sys.exit(main())
