"""The one place that prints failures and turns them into exit codes.

It is imported by every command, help included, so it imports nothing that takes time.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from tholos.kit.errors import Conflict, Forbidden, Invalid, NotFound, TholosError, Unavailable

FAILED, USAGE, UNAVAILABLE, BUG, INTERRUPTED = 1, 2, 5, 70, 130

EXIT_CODES: tuple[tuple[type[TholosError], int], ...] = (
    (Invalid, USAGE),
    (Conflict, 3),
    (Forbidden, 4),
    (Unavailable, UNAVAILABLE),
    (NotFound, 6),
    (TholosError, FAILED),
)
"""The exit code of each kind; the first that fits. A bug of the server is a bug here too."""


class Failed(TholosError):
    """It was tried and did not work."""

    code = "failed"


def exit_code(error: TholosError) -> int:
    """The exit code that an error stands for."""
    if error.code == "bug":
        return BUG
    return next(code for kind, code in EXIT_CODES if isinstance(error, kind))


def guarded(command: Callable[[], int], *, as_json: bool = False) -> int:
    """Run a command; whatever it raises becomes a message and an exit code."""
    try:
        code = command()
        sys.stdout.flush()
    except TholosError as error:
        return report(error, as_json=as_json)
    except BrokenPipeError:
        # Whoever read our output has seen enough, as in `tholos logs sales | head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the edge: nothing else would tell of it
        return report_bug(error)
    return code


def report(error: TholosError, *, as_json: bool = False) -> int:
    """Print what is wrong, where, and what to do; answers the exit code."""
    code = exit_code(error)
    rows = [("", error.message), ("where", error.where), ("fix", error.fix)]
    rows.append(("request", str(getattr(error, "request_id", "")) if code == BUG else ""))
    for label, text in rows:
        if text:
            print(f"  {label:<8}{text}" if label else f"tholos: {text}", file=sys.stderr)
    if as_json:
        print_json(error=error.to_json())
    return code


def report_bug(error: Exception) -> int:
    """Write the traceback to a file and say where it is."""
    import traceback

    text = "".join(traceback.format_exception(error))
    print(f"tholos: something went wrong that should not: {type(error).__name__}: {error}", file=sys.stderr)
    try:
        print(f"  {'details':<8}{write_report(text)}", file=sys.stderr)
    except OSError:
        print(text, file=sys.stderr)
    return BUG


def write_report(text: str) -> str:
    """Keep a traceback where only its owner reads it; answers the path."""
    import platform
    import tempfile
    import time

    from tholos import __version__

    prefix = time.strftime("tholos-error-%Y%m%d-%H%M%S-")
    handle, path = tempfile.mkstemp(".txt", prefix, text=True)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(
            f"tholos {__version__}, Python {platform.python_version()}, {platform.platform()}\n\n{text}"
        )
    return path


def print_json(**document: object) -> None:
    """Print a document for programs. ``version`` grows when a field changes its meaning or leaves."""
    import json

    print(json.dumps({"version": 1, **document}, ensure_ascii=False, indent=2))
