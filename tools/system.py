"""Makes sure that the programs of the system that the tests need are there; installs them with apt where it may.

What is missing and cannot be installed is named, and the run fails.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NEEDED = {
    "chromium-headless-shell": lambda: shutil.which("chromium-headless-shell"),
    "postgresql": lambda: [*Path("/usr/lib/postgresql").glob("*/bin/initdb")],
    "bubblewrap": lambda: shutil.which("bwrap"),
    "curl": lambda: shutil.which("curl"),
    "gcc": lambda: shutil.which("cc"),
    "npm": lambda: shutil.which("npm"),
}
FOR_BENCHMARKS = {
    "nginx-light": lambda: shutil.which("nginx"),
    "wrk": lambda: shutil.which("wrk"),
}
"""Asked for by ``--benchmarks``."""


def missing() -> list[str]:
    wanted = {**NEEDED, **FOR_BENCHMARKS} if "--benchmarks" in sys.argv[1:] else NEEDED
    return [package for package, find in wanted.items() if not find()]


def main() -> int:
    wanted = missing()
    if not wanted:
        return 0
    print("installing", ", ".join(wanted), "with apt")
    if os.getuid() == 0 and shutil.which("apt-get"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], env=quiet, check=False, stdout=subprocess.DEVNULL)
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", *wanted], env=quiet, check=False, stdout=subprocess.DEVNULL
        )
    left = missing()
    for package in left:
        print(f"missing: {package}; install it, as root: apt-get install {package}", file=sys.stderr)
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
