import struct

import pytest

from tholos_supervisor import seccomp

ALLOWED, REFUSED, ABSENT = 0x7FFF0000, 0x50001, 0x50026
X86, ARM = 0xC000003E, 0xC00000B7


def answer(machine, architecture, number, first=0):
    """What the filter says of a call: runs its program."""
    lines = list(struct.iter_unpack("=HBBI", seccomp.program(machine)))
    data = {0: number, 4: architecture, 16: first}
    at, loaded = 0, 0
    while True:
        code, yes, no, value = lines[at]
        if code == 0x06:
            return value
        if code == 0x20:
            loaded, jump = data[value], 0
        else:
            holds = {0x15: loaded == value, 0x35: loaded >= value, 0x45: bool(loaded & value)}[code]
            jump = yes if holds else no
        at += 1 + jump


@pytest.mark.parametrize(
    ("machine", "architecture", "read", "clone", "unshare", "ptrace"),
    [("x86_64", X86, 0, 56, 272, 101), ("aarch64", ARM, 63, 220, 97, 117)],
)
def test_what_it_says(machine, architecture, read, clone, unshare, ptrace):
    new_user = seccomp.CLONE_NEWUSER
    assert answer(machine, architecture, read) == ALLOWED
    assert answer(machine, architecture, ptrace) == REFUSED
    assert answer(machine, architecture, 435) == ABSENT
    for number in (clone, unshare):
        assert answer(machine, architecture, number, 0x11) == ALLOWED
        assert answer(machine, architecture, number, new_user | 0x11) == REFUSED
    for number in seccomp.MACHINES[machine].refused:
        assert answer(machine, architecture, number) == REFUSED


def test_other_ways_into_the_kernel_are_shut():
    assert answer("x86_64", X86, 39) == ALLOWED
    assert answer("x86_64", X86, 39 | 0x40000000) == ABSENT
    assert answer("x86_64", 0x40000003, 20) == ABSENT
    assert seccomp.program("m68k") is None
