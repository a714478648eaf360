"""Which walls this machine gives, found by putting something behind each of them.

``python -I -S PATH/tholos_supervisor/trial.py`` prints an object of layers; each has what it found and, where it is missing,
why. Whoever runs it finds what a supervisor of the same user in the same control group would.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable

if not __package__:
    sys.path.append(__file__.rpartition("/")[0].rpartition("/")[0] or "/")

from tholos_supervisor import cgroups, enclosing, landlock, native, seccomp
from tholos_supervisor.model import Spec
from tholos_supervisor.sandbox import Sandbox

SOME_USER = 1_879_100_000
"""A number that no distribution gives out."""


def main() -> int:
    """Try every layer, print what was found."""
    filtered = _try(_filter)
    uid = _try(lambda: _become(SOME_USER)) if os.getuid() == 0 else "the server does not run as root"
    program = shutil.which("bwrap") or ""
    wrapped, alone = "the program bwrap is not installed", "it needs bubblewrap"
    if program:
        sandbox = Sandbox(uid=0 if uid else SOME_USER, bubblewrap=program, seccomp=not filtered)
        wrapped = _run(sandbox)
        alone = wrapped or _run(sandbox._replace(network=False))
    found = {
        "uid": uid,
        "cgroups": (groups := _groups(guarded=False)),
        "guard": groups or _groups(guarded=True),
        "bubblewrap": wrapped,
        "network": alone,
        "landlock": _landlock(),
        "scopes": "" if landlock.version() >= landlock.SCOPES_SINCE else "the kernel is older than 6.12",
        "seccomp": filtered,
    }
    print(json.dumps({"program": program, "missing": found}))  # noqa: T201
    return 0


def _groups(*, guarded: bool) -> str:
    """Why there are no groups; empty where there are."""
    name = f"{cgroups.OURS}trial-{os.getpid()}"
    made: cgroups.Groups = ()
    bases = {}
    try:
        bases = cgroups.base(name)
        sandbox = Sandbox(cgroups=True, guarded=guarded, memory=1 << 28, processes=50, cpu=500)
        made = cgroups.make(bases, "one", sandbox)
        return _try(lambda: _join(made, guarded=guarded))
    except (OSError, cgroups.Unavailable) as error:
        return str(error)
    finally:
        cgroups.remove(made)
        cgroups.remove(tuple(str(place) for place in set(bases.values())))


def _join(groups: cgroups.Groups, *, guarded: bool) -> None:
    """Raises: OSError: a group cannot be joined, or somebody in it reaches what he should not, or lacks what is his."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        cgroups.join(groups)
        if guarded:
            _meet(listener.getsockname())


def _meet(theirs: tuple[str, int]) -> None:
    """Find that one does not reach whom others do, and may listen where he does.

    Raises:
        OSError: it is otherwise.
    """
    try:
        socket.create_connection(theirs, 1.0).close()
    except PermissionError:
        pass
    else:
        raise OSError(0, "it is attached and refuses nothing")
    with socket.create_server(theirs) as own, socket.create_connection(theirs, 1.0) as asking:
        if own.getsockname() != theirs or own.accept()[1] != asking.getsockname():
            raise OSError(0, "127.0.0.1 is not its own")


def _landlock() -> str:
    if not landlock.version():
        return "the kernel has it not, or it is switched off"

    def give_up() -> None:
        native.give_up_new_rights()
        landlock.keep_to([])

    return _try(give_up)


def _filter() -> None:
    native.give_up_new_rights()
    native.filter_calls(seccomp.program() or b"")


def _become(uid: int) -> None:
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def _run(sandbox: Sandbox) -> str:
    """Why a program cannot run behind the walls; empty where it can."""
    spec = Spec("trial", ("/bin/true",), {}, "/", "/dev/null", 1 << 20, "", 0, 1.0, 1.0, {}, sandbox=sandbox)
    with tempfile.TemporaryFile() as told:

        def wrap() -> None:
            os.dup2(told.fileno(), 2)
            enclosing.execute(spec, sandbox, {})

        said = _try(wrap)
        told.seek(0)
        lines = told.read().decode(errors="replace").strip().splitlines()
    return (lines[-1] if lines else said) if said else ""


def _try(do: Callable[[], None]) -> str:
    """Do it in a process of its own; the error, empty where there was none."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            do()
            os._exit(0)
        except OSError as error:
            os.write(write, (error.strerror or str(error)).encode())
        finally:
            os._exit(1)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read(1000).decode(errors="replace")
    _, status = os.waitpid(pid, 0)
    return said or (f"it ended with {os.waitstatus_to_exitcode(status)}" if status else "")


if __name__ == "__main__":
    sys.exit(main())
