"""Runs the benchmarks, all of them or one by name, and repeats the closing lines at the end.

    python benchmarks/run.py [NAME [ARGUMENT …]]

Every module of this folder that closes with a line ``NAME FIGURE BOUND ok|short`` is one. Exit code 1: one is short of
its bound, or broke.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
NOT_BENCHMARKS = frozenset({"run", "measuring"})
CLOSING = re.compile(r"(?P<name>\S+) [\d.]+ [\d.]+ (ok|short)")


def names() -> list[str]:
    return sorted(path.stem for path in HERE.glob("*.py") if path.stem not in NOT_BENCHMARKS)


def run(name: str, arguments: list[str]) -> tuple[str, bool]:
    """The closing line and whether all is well; the benchmark's lines are passed on as they come."""
    print(f"· {name}", flush=True)
    command = [sys.executable, str(HERE / f"{name}.py"), *arguments]
    last = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(f"  {line}", end="", flush=True)
            last = line.strip()
    closing = CLOSING.fullmatch(last)
    if closing is None or closing["name"] != name:
        return f"{name} broke: exit code {process.returncode}", False
    return last, process.returncode == 0 and last.endswith(" ok")


def main() -> int:
    wanted, arguments = sys.argv[1:2], sys.argv[2:]
    unknown = set(wanted) - set(names())
    if unknown:
        print(f"There is no benchmark {unknown.pop()!r}; there are: {', '.join(names())}", file=sys.stderr)
        return 2
    results = [run(name, arguments) for name in wanted or names()]
    print("\nname figure bound")
    for line, _ in results:
        print(line)
    return 0 if all(is_well for _, is_well in results) else 1


if __name__ == "__main__":
    sys.exit(main())
