"""Going behind the walls: what a forked child does, in this order, before it runs the instance's program.

Source of the order: what needs rights comes before they are given up, and a filter of system calls comes last. Whatever
fails ends the child: nothing runs with fewer walls than were asked for.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tholos_supervisor import bubblewrap, cgroups, landlock, native, seccomp
from tholos_supervisor.model import Spec
from tholos_supervisor.sandbox import Sandbox

STAGES = ("/mnt", "/media", "/srv", "/var/tmp")  # noqa: S108 - covered, in a mount namespace of the child alone
"""Folders that every machine has and no instance needs: what it may see is first put there, where its user may look."""
MORE_EXPENDABLE = 500
"""Where the whole machine lacks memory, an instance goes before the server does: oom_score_adj of proc(5)."""


def enter_groups(groups: cgroups.Groups) -> None:
    """Raises: OSError: it may not, and must not run outside."""
    cgroups.join(groups)
    Path("/proc/self/oom_score_adj").write_text(str(MORE_EXPENDABLE), "ascii")


def execute(spec: Spec, sandbox: Sandbox, env: Mapping[str, str], *, dies_with_parent: bool = False) -> None:
    """Become the instance; returns never.

    Args:
        spec: what to run, and where.
        sandbox: the walls.
        env: its whole environment.
        dies_with_parent: whether it ends as this process' parent does. Needs bubblewrap.

    Raises:
        OSError: one of the walls cannot be had.
    """
    if sandbox.bubblewrap:
        _wrap(spec, sandbox, env, dies_with_parent=dies_with_parent)
    os.chdir(spec.cwd)
    if sandbox.landlock:
        native.give_up_new_rights()
        landlock.keep_to(sandbox.mounts)
    _become_user(sandbox.uid)
    if os.getuid() == 0:
        native.drop_capabilities()  # bubblewrap does so itself
    if sandbox.seccomp:
        native.filter_calls(_filter())
    os.execvpe(spec.argv[0], spec.argv, env)  # noqa: S606


def _wrap(spec: Spec, sandbox: Sandbox, env: Mapping[str, str], *, dies_with_parent: bool) -> None:
    sources = [mount.path for mount in sandbox.mounts]
    if sandbox.uid:
        sources = _stage(sources)
    passwd = _memory("passwd", bubblewrap.passwd(sandbox).encode()) if sandbox.uid else None
    words = bubblewrap.arguments(sandbox, spec.cwd, env, sources, passwd)
    words += ["--die-with-parent"] if dies_with_parent else []
    if sandbox.seccomp:
        words += ["--seccomp", str(_memory("filter", _filter()))]
    arguments = _memory("arguments", b"".join(os.fsencode(word) + b"\0" for word in words))
    _become_user(sandbox.uid)
    if sandbox.landlock:
        landlock.keep_within()
    # Nothing that a publisher chose is in this environment: the loader of programs heeds some variables.
    mark = {name: value for name, value in env.items() if name.startswith("THOLOS_INSTANCE_")}
    clean = {"PATH": "/usr/bin:/bin", **mark}
    os.chdir("/")
    os.execve(sandbox.bubblewrap, ["bwrap", "--args", str(arguments), "--", *spec.argv], clean)  # noqa: S606


def _stage(paths: list[str]) -> list[str]:
    """Show files and folders where an unprivileged user may look, and nobody else sees them; where they lie it may not."""
    native.own_mounts()
    opened = [os.open(path, os.O_PATH | os.O_CLOEXEC) for path in paths]
    stage = next(place for place in STAGES if os.path.isdir(place))  # noqa: PTH112 - the supervisor knows paths as text
    native.mount_memory(stage)
    staged = []
    for number, (path, fd) in enumerate(zip(paths, opened, strict=True)):
        place = f"{stage}/{number}"
        if os.path.isdir(path):  # noqa: PTH112 - as above
            os.mkdir(place, 0o755)  # noqa: PTH102 - as above
        else:
            os.close(os.open(place, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
        native.bind(f"/proc/self/fd/{fd}", place)
        os.close(fd)
        staged.append(place)
    return staged


def _become_user(uid: int) -> None:
    native.give_up_new_rights()
    if uid:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)


def _filter() -> bytes:
    program = seccomp.program()
    if program is None:
        raise OSError(0, "no filter of system calls is known for this processor")
    return program


def _memory(name: str, data: bytes) -> int:
    """An inherited descriptor from which data can be read."""
    fd = os.memfd_create(name, 0)
    os.write(fd, data)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd
