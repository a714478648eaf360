"""Why an app cannot start, in one line that comes first, with the app's own part of the traceback after it."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # typing is not imported: start-up time
if TYPE_CHECKING:
    from types import TracebackType


class CannotStart(Exception):
    """The app cannot be started; the message says why, the cause has the traceback."""


def report(error: CannotStart) -> None:
    """Write the reason, then the traceback of its cause without our own frames."""
    sys.stdout.flush()
    lines = ["[tholos] cannot start: %s\n" % error]
    if error.__cause__ is not None:
        import traceback

        cause = error.__cause__
        lines += traceback.format_exception(type(cause), cause, own_part(cause.__traceback__))
    sys.stderr.write("".join(lines))
    sys.stderr.flush()


def own_part(trace: TracebackType | None) -> TracebackType | None:
    """The traceback from the first frame that is neither ours nor the import system's."""
    while trace is not None and is_foreign(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    return trace


def is_foreign(filename: str) -> bool:
    """Whether a file is part of the machinery around the app."""
    folder = os.path.dirname(filename)
    if filename.startswith("<frozen importlib") or folder == os.path.dirname(os.__file__) + "/importlib":
        return True
    return folder == os.path.dirname(os.path.abspath(__file__)) or filename.endswith(
        "/tholos_guest/bootstrap.py"
    )


def last_place(trace: TracebackType | None, folder: str) -> str:
    """``file:line`` of the innermost frame in the app's folder, relative to it; empty if there is none."""
    place = ""
    while trace is not None:
        written = trace.tb_frame.f_code.co_filename
        filename = os.path.join(folder, written)  # one that is relative is so to the folder we started in
        if filename.startswith(folder + os.sep) and not written.startswith("<") and not is_foreign(filename):
            place = "%s:%d" % (os.path.relpath(filename, folder), trace.tb_lineno)
        trace = trace.tb_next
    return place
