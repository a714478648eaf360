"""The arguments of bubblewrap for an instance: what it sees of this machine. Source: bwrap(1).

Everything lies at the path where it lies outside, so no path means two things. Variables go with the arguments, which are
handed over in memory: no list of processes shows them, and none of them reaches bubblewrap itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

from tholos_supervisor.sandbox import WRITE, Sandbox

LINKED = ("bin", "sbin", "lib", "lib64", "lib32", "libx32")
"""Folders of the root that are links into /usr today."""
ETC = (
    "alternatives", "bash.bashrc", "ca-certificates", "ca-certificates.conf", "crypto-policies", "fonts", "gai.conf",
    "group", "host.conf", "hostname", "hosts", "ImageMagick-6", "java", "java-11-openjdk", "java-17-openjdk", "krb5.conf",
    "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "locale.alias", "localtime", "magic", "mime.types", "networks",
    "nsswitch.conf", "odbc.ini", "odbcinst.ini", "os-release", "passwd", "pki", "protocols", "R", "resolv.conf",
    "services", "ssl", "terminfo", "texmf", "timezone", "vulkan",
)  # fmt: skip
"""What of /etc is there; the rest may tell of the server."""
ELSEWHERE = ("/sys/devices/system/cpu", "/sys/devices/system/node", "/var/cache/fontconfig", "/var/lib/texmf")
SHM = 1 << 30


def arguments(
    sandbox: Sandbox, cwd: str, env: Mapping[str, str], sources: Sequence[str], passwd_fd: int | None
) -> list[str]:
    """All arguments but the program's.

    Args:
        sandbox: what it may see and write.
        cwd: the folder it begins in.
        env: its whole environment.
        sources: where each of the sandbox's mounts is to be found, in their order.
        passwd_fd: what its list of users is read from, where it has a user of its own.
    """
    words = ["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    if not sandbox.network:
        words.append("--unshare-net")
    words += ["--ro-bind", "/usr", "/usr", *_linked()]
    for name in ETC:
        if passwd_fd is None or name != "passwd":
            words += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    if passwd_fd is not None:
        words += ["--perms", "0444", "--ro-bind-data", str(passwd_fd), "/etc/passwd"]
    words += ["--proc", "/proc", "--dev", "/dev"]
    for path in ELSEWHERE:
        words += ["--ro-bind-try", path, path]
    for path in ("/dev/shm", "/tmp"):  # noqa: S108 - its own
        size = ["--size", str(sandbox.tmp)] if sandbox.tmp else []
        words += ["--perms", "1777", *size, "--tmpfs", path]
    words += ["--symlink", "../tmp", "/var/tmp"]  # noqa: S108 - as above
    for mount, source in sorted(
        zip(sandbox.mounts, sources, strict=True), key=lambda pair: pair[0].path.count("/")
    ):
        words += ["--bind" if mount.access == WRITE else "--ro-bind", source, mount.path]
    words += ["--remount-ro", "/", "--chdir", cwd, "--clearenv"]
    for name, value in env.items():
        words += ["--setenv", name, value]
    return words


def passwd(sandbox: Sandbox) -> str:
    """A list of users with the instance's own in it: libraries ask for its name."""
    lines = [
        "root:x:0:0:root:/root:/usr/sbin/nologin",
        f"app:x:{sandbox.uid}:{sandbox.uid}::{sandbox.home or '/'}:/bin/sh",
        "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin",
    ]
    return "\n".join(lines) + "\n"


def _linked() -> Iterator[str]:
    for name in LINKED:
        path = f"/{name}"
        if os.path.islink(path):  # noqa: PTH114 - the supervisor knows paths as text
            yield from ("--symlink", os.readlink(path), path)  # noqa: PTH115 - as above
        elif os.path.isdir(path):  # noqa: PTH112 - as above
            yield from ("--ro-bind", path, path)
