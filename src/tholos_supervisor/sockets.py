"""What the programs that look at an app's sockets have in common: where things stand, and whose a socket is.

Source: bpf(2), struct bpf_sock_addr and struct bpf_sock_tuple of linux/bpf.h, bpf-helpers(7).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tholos_supervisor import assembly
from tholos_supervisor.assembly import Line

LOOPBACK = bytes((127, 0, 0, 1))
MAPPED = bytes.fromhex("0000ffff")
"""Before it, two words of nothing: the older addresses as newer ones."""
ONE = bytes((0, 0, 0, 1))
"""Behind three words of nothing: ::1."""

IP4_AT, IP6_AT, PORT_AT, TYPE_AT, SOCKET_AT = 4, 8, 24, 32, 64
"""In what programs are told of an address."""
FIND_TCP, FIND_UDP, LET_GO, NOTED, COPY, GROUP, GROUP_OF_PACKET = 84, 85, 86, 107, 26, 80, 79
"""What programs may call."""
CONTEXT, FOUND, NOTE = 6, 8, 9
"""Registers that calls leave as they are."""
TUPLE_AT, AT_ONCE, OWN_AT, HEADER_AT = -40, -44, -48, -96
"""Places on the stack."""
OF_FOUR, OF_SIX = 12, 36
"""Bytes of a tuple of two addresses and two ports."""


def tuple_of_four(address: Sequence[Line], port: int) -> list[Line]:
    """Whom to look up at one of the older addresses, in the form of struct bpf_sock_tuple.

    Args:
        address: puts it into register 2.
        port: the register that has it.
    """
    return [
        assembly.store_number(TUPLE_AT, number(LOOPBACK)),
        *address,
        assembly.store(TUPLE_AT + 4, 2),
        assembly.store_number(TUPLE_AT + 8, 0),
        assembly.store_half(TUPLE_AT + 10, port),
        assembly.put(3, OF_FOUR),
    ]


def asked() -> list[Line]:
    """What both ways of looking up are asked by, but for the tuple's length."""
    return [
        assembly.copy(1, CONTEXT),
        assembly.copy(2, assembly.STACK),
        assembly.add(2, TUPLE_AT),
        assembly.put(4, -1),  # in the network namespace that it is in
        assembly.put(5, 0),
    ]


def unless_own(own: int, who_asks: int, leads_to: str) -> list[Line]:
    """Jumps where no note says that what was found is of the group that asks; lets go of it first."""
    return [
        assembly.copy(FOUND, 0),
        *assembly.load_map(1, own),
        assembly.copy(2, FOUND),
        assembly.put(3, 0),
        assembly.put(4, 0),
        assembly.call(NOTED),
        assembly.put(NOTE, 0),
        assembly.jump_if_nothing(0, "noted"),
        assembly.load_long(NOTE, 0, 0),
        "noted",
        assembly.copy(1, FOUND),
        assembly.call(LET_GO),
        assembly.copy(1, CONTEXT),
        assembly.call(who_asks),
        assembly.jump_unless_same(0, NOTE, leads_to),
    ]


def ends(first: str, last: str) -> list[Line]:
    said = {"allow": 1, "refuse": 0}
    return [first, *assembly.answer(said[first]), last, *assembly.answer(said[last])]


def number(word: bytes) -> int:
    """As the processor has it once it is loaded, with the sign that a line's field has."""
    value = int.from_bytes(word.ljust(4, b"\0"), sys.byteorder)
    return value - (1 << 32) if value >= 1 << 31 else value
