"""Addresses that no app reaches although it has a network: those at which clouds tell a machine its secrets.

Small programs in the kernel's language, attached to the control group of all instances: they see each address before
anything is sent. Source: bpf(2), BPF_PROG_TYPE_CGROUP_SOCK_ADDR; the addresses are those that clouds document.
"""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Iterable

from tholos_supervisor import native

LINK_LOCAL = bytes((169, 254))
"""169.254.0.0/16, in which most clouds have theirs."""
ALIBABA = bytes((100, 100, 100, 200))
AMAZON = bytes.fromhex("fd000ec2000000000000000000000254")
"""fd00:ec2::254."""
_MAPPED = bytes.fromhex("0000ffff")
"""Before it, two words of nothing: the older addresses as newer ones."""

CONNECT4, CONNECT6, SEND4, SEND6 = 10, 11, 14, 15
"""What a program is attached to."""
_IP4_AT, _IP6_AT = 4, 8
_LOAD, _AND, _SKIP_IF_NOT, _SET, _EXIT = 0x61, 0x54, 0x56, 0xB7, 0x95
_VALUE, _CONTEXT, _RESULT = 2, 1, 0

_loaded: dict[int, int] = {}


def attach(folder: str) -> None:
    """Guard everybody in a group of the second version, and below it. Doing it twice is doing it once.

    Raises:
        OSError: the kernel does not take it.
    """
    group = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for kind, program in (
            (CONNECT4, of_four()),
            (SEND4, of_four()),
            (CONNECT6, of_six()),
            (SEND6, of_six()),
        ):
            if kind not in _loaded:
                _loaded[kind] = native.load_program(kind, program)
            native.attach_program(_loaded[kind], group, kind)
    finally:
        os.close(group)


def of_four() -> bytes:
    """Refuses the older addresses."""
    return _program(_tests(_IP4_AT, (LINK_LOCAL, ALIBABA)))


def of_six() -> bytes:
    """Refuses the newer ones, and the older ones in their form."""
    mapped = [bytes(8) + _MAPPED + one for one in (LINK_LOCAL, ALIBABA)]
    return _program(_tests(_IP6_AT, (AMAZON, *mapped)))


def _tests(at: int, addresses: Iterable[bytes]) -> list[list[tuple[int, bytes]]]:
    """For each address the words that all have to be so: where, and what; an address may be the begin of one."""
    found = []
    for address in addresses:
        words = [address[start : start + 4] for start in range(0, len(address), 4)]
        found.append([(at + 4 * number, word) for number, word in enumerate(words)])
    return found


def _program(tests: list[list[tuple[int, bytes]]]) -> bytes:
    lines: list[tuple[int, int, int, int]] = []
    for words in tests:
        compared: list[list[tuple[int, int, int, int]]] = []
        for where, word in words:
            lines_of = [(_LOAD, _VALUE | _CONTEXT << 4, where, 0)]
            if len(word) < 4:
                lines_of.append((_AND, _VALUE, 0, _number(b"\xff" * len(word))))
            # Compared as 32 bits: a value of 64 would be taken with its sign.
            lines_of.append((_SKIP_IF_NOT, _VALUE, 0, _number(word)))
            compared.append(lines_of)
        refused = [(_SET, _RESULT, 0, 0), (_EXIT, 0, 0, 0)]
        left = sum(map(len, compared)) + len(refused)
        for lines_of in compared:
            left -= len(lines_of)
            code, registers, _, value = lines_of[-1]
            lines += [*lines_of[:-1], (code, registers, left, value)]
        lines += refused
    lines += [(_SET, _RESULT, 0, 1), (_EXIT, 0, 0, 0)]
    return b"".join(struct.pack("=BBhi", *line) for line in lines)


def _number(word: bytes) -> int:
    """As the processor has it once it is loaded, with the sign that a line's field has."""
    value = int.from_bytes(word.ljust(4, b"\0"), sys.byteorder)
    return value - (1 << 32) if value >= 1 << 31 else value
