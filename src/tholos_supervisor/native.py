"""The system calls that the standard library has no name for."""

from __future__ import annotations

import ctypes
import os
import struct

PR_SET_CHILD_SUBREAPER = 36
FALLOC_FL_KEEP_SIZE = 1
FALLOC_FL_PUNCH_HOLE = 2
IN_MODIFY = 2
IN_ONESHOT = 1 << 31
CLONE_NEWNS = 0x00020000
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
PR_SET_NO_NEW_PRIVS = 38
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
SECCOMP_MODE_FILTER = 2
BPF_MAP_CREATE, BPF_PROG_LOAD, BPF_PROG_ATTACH, BPF_BTF_LOAD = 0, 5, 8, 18
BPF_MAP_TYPE_SK_STORAGE = 24
BPF_F_NO_PREALLOC = 1
_LANDLOCK = (444, 445, 446)
"""Numbers of the system calls create_ruleset, add_rule, restrict_self, the same on every processor."""

_libc = ctypes.CDLL(None, use_errno=True)


def become_subreaper() -> None:
    """Processes that lose their parent below us become our children: prctl(2)."""
    _checked(_libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))


def punch_hole(fd: int, start: int, length: int) -> None:
    """Give the bytes of a range back to the file system; size and offsets stay: fallocate(2)."""
    mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE
    _checked(_libc.fallocate(fd, mode, ctypes.c_int64(start), ctypes.c_int64(length)))


def inotify_init() -> int:
    """A descriptor that becomes readable when something happens: inotify_init1(2)."""
    return _checked_number(_libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))


def inotify_watch_once(fd: int, path: str) -> int:
    """Be told of one write to a file, and of no further one: inotify_add_watch(2)."""
    mask = ctypes.c_uint32(IN_MODIFY | IN_ONESHOT)
    return _checked_number(_libc.inotify_add_watch(fd, os.fsencode(path), mask))


def inotify_forget(fd: int, watch: int) -> None:
    """Be told no more; one that was told already is forgotten anyway: inotify_rm_watch(2)."""
    _libc.inotify_rm_watch(fd, watch)


def own_mounts() -> None:
    """Mounts of this process from here on are nobody else's: unshare(2), mount_namespaces(7)."""
    _checked(_libc.unshare(CLONE_NEWNS))
    _checked(_libc.mount(None, b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None))


def bind(source: str, target: str) -> None:
    """Show a file or folder at another path too: mount(2)."""
    flags = ctypes.c_ulong(MS_BIND | MS_REC)
    _checked(_libc.mount(os.fsencode(source), os.fsencode(target), None, flags, None))


def mount_memory(target: str) -> None:
    """An empty folder in memory over another: tmpfs(5)."""
    _checked(_libc.mount(b"tmpfs", os.fsencode(target), b"tmpfs", ctypes.c_ulong(0), b"mode=0755,size=1m"))


def give_up_new_rights() -> None:
    """No program that is executed from here on gives more rights than there are: prctl(2)."""
    _checked(_libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def drop_capabilities() -> None:
    """What root may beyond others is gone with the next program: capabilities(7)."""
    for number in range(64):
        if _libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0:
            return  # the last one that this kernel knows was the one before


def filter_calls(program: bytes) -> None:
    """Let a filter decide over system calls from here on: seccomp(2)."""

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("lines", ctypes.c_char_p))

    lines = Program(len(program) // 8, program)
    _checked(_libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(lines), 0, 0))


def landlock_version() -> int:
    """0 where there is none."""
    return max(int(_libc.syscall(_LANDLOCK[0], None, ctypes.c_size_t(0), 1)), 0)


def landlock_ruleset(attributes: bytes) -> int:
    """A descriptor of what is given up."""
    return _checked_number(_libc.syscall(_LANDLOCK[0], attributes, ctypes.c_size_t(len(attributes)), 0))


def landlock_allow(ruleset: int, rule: bytes) -> None:
    """What is kept after all, beneath a path."""
    _checked(_libc.syscall(_LANDLOCK[1], ruleset, 1, rule, 0))


def landlock_restrict(ruleset: int) -> None:
    """Give it up, and the descriptor."""
    try:
        _checked(_libc.syscall(_LANDLOCK[2], ruleset, 0))
    finally:
        os.close(ruleset)


def make_socket_map() -> int:
    """A descriptor of a map from sockets to numbers; it forgets each as it ends: bpf(2), BPF_MAP_TYPE_SK_STORAGE."""
    key, note = struct.pack("=IIII", 1, 1 << 24, 4, 1 << 24 | 32), struct.pack("=IIII", 5, 1 << 24, 8, 64)
    whole, names = key + note, b"\0int\0long\0"
    types = struct.pack("=HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(whole), len(whole), len(names)) + whole + names
    described = ctypes.create_string_buffer(types, len(types))
    kind = _bpf(BPF_BTF_LOAD, struct.pack("=QQIII", ctypes.addressof(described), 0, len(types), 0, 0))
    try:
        attributes = struct.pack(
            "=IIIIIII16sIIII", BPF_MAP_TYPE_SK_STORAGE, 4, 8, 0, BPF_F_NO_PREALLOC, 0, 0, b"tholos_own", 0, kind, 1, 2
        )  # fmt: skip
        return _bpf(BPF_MAP_CREATE, attributes)
    finally:
        os.close(kind)


def load_program(kind: int, place: int, program: bytes) -> int:
    """A descriptor of a program that decides over what a control group does: bpf(2).

    Args:
        kind: of program.
        place: what it will be attached to.
        program: its lines.
    """
    code, licence = ctypes.create_string_buffer(program), ctypes.create_string_buffer(b"GPL")
    pointers = ctypes.addressof(code), ctypes.addressof(licence)
    attributes = struct.pack(
        "=IIQQ" "IIQII" "16sI" "I", kind, len(program) // 8, *pointers, 0, 0, 0, 0, 0, b"tholos_guard", 0, place
    )  # fmt: skip
    return _bpf(BPF_PROG_LOAD, attributes)


def attach_program(program: int, group: int, place: int) -> None:
    """Let it decide for a control group: bpf(2)."""
    _bpf(BPF_PROG_ATTACH, struct.pack("=IIII", group, program, place, 0))


def _bpf(command: int, attributes: bytes) -> int:
    number = {"x86_64": 321, "aarch64": 280}.get(os.uname().machine, -1)
    return _checked_number(_libc.syscall(number, command, attributes, ctypes.c_size_t(len(attributes))))


def _checked_number(result: int) -> int:
    _checked(min(result, 0))
    return result


def _checked(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
