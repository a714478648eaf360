"""The system calls that no app needs and an attack would: a filter in the kernel's own language. Source: seccomp(2).

Refused are those that look into other processes, give out kernel objects, change mounts or the machine, and the making of
user namespaces, which would open much of the kernel to somebody without rights.
"""

from __future__ import annotations

import errno
import platform
import struct
from typing import NamedTuple

CLONE_NEWUSER = 0x10000000

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000
_FOREIGN_ABI = 0x40000000
"""From this number on, x86 takes a call for one of x32."""


class Machine(NamedTuple):
    """What the filter needs to know of a kind of processor."""

    architecture: int
    has_foreign_abi: bool
    clone: int
    unshare: int
    refused: frozenset[int]


_EVERYWHERE = {425, 426, 427, 428, 429, 430, 431, 432, 433, 438, 442}
"""io_uring_*, open_tree, move_mount, fsopen, fsconfig, fsmount, fspick, pidfd_getfd, mount_setattr."""
_CLONE3 = 435
"""Its flags lie in memory, where no filter can look; libraries take clone where it is not there."""

MACHINES = {
    "x86_64": Machine(
        0xC000003E, has_foreign_abi=True, clone=56, unshare=272,
        # ptrace, syslog, vhangup, pivot_root, acct, mount, umount2, swapon, swapoff, reboot, iopl, ioperm, init_module,
        # delete_module, quotactl, lookup_dcookie, kexec_load, add_key, request_key, keyctl, perf_event_open,
        # open_by_handle_at, setns, process_vm_readv, process_vm_writev, kcmp, finit_module, kexec_file_load, bpf, userfaultfd
        refused=frozenset({101, 103, 153, 155, 163, 165, 166, 167, 168, 169, 172, 173, 175, 176, 179, 212, 246, 248, 249,
                           250, 298, 304, 308, 310, 311, 312, 313, 320, 321, 323, *_EVERYWHERE}),
    ),
    "aarch64": Machine(
        0xC00000B7, has_foreign_abi=False, clone=220, unshare=97,
        # As above, in their order here: lookup_dcookie, umount2, mount, pivot_root, vhangup, quotactl, acct, kexec_load,
        # init_module, delete_module, syslog, ptrace, reboot, add_key, request_key, keyctl, swapon, swapoff,
        # perf_event_open, open_by_handle_at, setns, process_vm_*, kcmp, finit_module, bpf, userfaultfd, kexec_file_load
        refused=frozenset({18, 39, 40, 41, 58, 60, 89, 104, 105, 106, 116, 117, 142, 217, 218, 219, 224, 225, 241, 265, 268,
                           270, 271, 272, 273, 280, 282, 294, *_EVERYWHERE}),
    ),
}  # fmt: skip


def program(machine: str = platform.machine()) -> bytes | None:
    """The filter, as an array of ``struct sock_filter``; ``None`` for a processor that we have no numbers of."""
    known = MACHINES.get(machine)
    if known is None:
        return None
    refused, absent = _REFUSE | errno.EPERM, _REFUSE | errno.ENOSYS
    lines = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_EQUAL, 1, 0, known.architecture),
        (_RETURN, 0, 0, absent),
        (_LOAD, 0, 0, _NUMBER_AT),
    ]
    if known.has_foreign_abi:
        lines += [(_AT_LEAST, 0, 1, _FOREIGN_ABI), (_RETURN, 0, 0, absent)]
    for number in sorted(known.refused):
        lines += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, refused)]
    lines += [
        (_EQUAL, 0, 1, _CLONE3),
        (_RETURN, 0, 0, absent),
        (_EQUAL, 1, 0, known.clone),
        (_EQUAL, 0, 3, known.unshare),
        (_LOAD, 0, 0, _FIRST_ARGUMENT_AT),
        (_ANY_BIT, 0, 1, CLONE_NEWUSER),
        (_RETURN, 0, 0, refused),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)
