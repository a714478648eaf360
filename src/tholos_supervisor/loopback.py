"""A 127.0.0.1 of its own for each instance, so that many listen on one port of this machine at once.

An app that knows nothing of it binds 127.0.0.1, ::1 or every address; it gets an address below 127.128.0.0/9 that is made of
the number of its control group, and where it is told which one it has, it is told of 127.0.0.1. What it connects to at
127.0.0.1 is looked for there first, so it reaches itself and no neighbour. Nothing is allotted, kept or given back: the
number is the kernel's, of one group at a time. Datagrams stay as they are.

::1 is one address and has no neighbours. So what listens there listens at the older address instead, as sockets of the newer
family may, but for those that want that family alone (IPV6_V6ONLY): they share ::1.
"""

from __future__ import annotations

import socket

from tholos_supervisor import assembly
from tholos_supervisor.assembly import Line
from tholos_supervisor.sockets import (
    CONTEXT,
    FIND_TCP,
    FOUND,
    GROUP,
    IP4_AT,
    IP6_AT,
    LOOPBACK,
    MAPPED,
    NOTED,
    ONE,
    OWN_AT,
    PORT_AT,
    SOCKET_AT,
    TYPE_AT,
    asked,
    ends,
    number,
    tuple_of_four,
    unless_own,
)

FIRST = 0x7F80_0000
"""127.128.0.0 as a number."""
OF_GROUP = 0x7F_FFFE
"""What is taken of a group's number. Each of its files has a number too, so groups that live at once differ in these; the last
bit is left out, since the last address of all is no host's."""
IPV6, V6ONLY = 41, 26
"""Of setsockopt."""
_VALUE_AT, _VALUE_END_AT, _LEVEL_AT, _OPTION_AT, _LENGTH_AT = 8, 16, 24, 28, 32
"""In what a program is told of an option; the socket stands at the begin."""
_FIRST_SIX, _SECOND_SIX, _THIRD_SIX, _FOURTH_SIX = range(IP6_AT, IP6_AT + 16, 4)


def of_bind_four() -> bytes:
    """Puts what would listen at 127.0.0.1 or everywhere to the instance's own address, and nobody to another's."""
    return assembly.program([
        assembly.copy(CONTEXT, 1),
        assembly.load(2, CONTEXT, TYPE_AT),
        assembly.jump_unless(2, socket.SOCK_STREAM, "allow"),
        *_own(),
        *_place(IP4_AT),
        "own",
        assembly.load(2, assembly.STACK, OWN_AT),
        assembly.store_at(CONTEXT, IP4_AT, 2),
        *ends("allow", "refuse"),
    ])  # fmt: skip


def of_bind_six(six_only: int) -> bytes:
    """As above, in the newer family."""
    return assembly.program([
        assembly.copy(CONTEXT, 1),
        assembly.load(2, CONTEXT, TYPE_AT),
        assembly.jump_unless(2, socket.SOCK_STREAM, "allow"),
        *_own(),
        *_unless_begins_with_nothing("allow"),
        assembly.load(2, CONTEXT, _THIRD_SIX),
        assembly.jump_if(2, number(MAPPED), "mapped"),
        assembly.jump_unless(2, 0, "allow"),
        assembly.load(2, CONTEXT, _FOURTH_SIX),
        assembly.jump_if(2, number(ONE), "both"),
        assembly.jump_unless(2, 0, "allow"),
        assembly.load(2, CONTEXT, PORT_AT),
        assembly.jump_if(2, 0, "allow"),
        "both",
        *_unless_six_only(six_only),
        assembly.jump("own"),
        "mapped",
        *_place(_FOURTH_SIX),
        "own",
        *_to_own_six(),
        *ends("allow", "refuse"),
    ])  # fmt: skip


def _place(at: int) -> list[Line]:
    """Jumps to ``own`` where an older address is what is put there, else to ``allow`` or ``refuse``.

    Every address without a port is what speaks to others: it may leave this machine, and stays.
    """
    return [
        assembly.load(2, CONTEXT, at),
        assembly.jump_if(2, number(LOOPBACK), "own"),
        assembly.jump_unless(2, 0, "some"),
        assembly.load(2, CONTEXT, PORT_AT),
        assembly.jump_unless(2, 0, "own"),
        assembly.jump("allow"),
        "some",
        assembly.load(3, assembly.STACK, OWN_AT),
        assembly.copy(4, 2),
        assembly.keep(4, number(bytes((0xFF, 0x80)))),
        assembly.jump_unless(4, number(bytes((127, 128))), "allow"),
        assembly.jump_unless_same(2, 3, "refuse"),
        assembly.jump("allow"),
    ]


def _unless_six_only(six_only: int) -> list[Line]:
    """Lets be what wants the newer family alone: an older address would be refused to it."""
    return [
        assembly.load_long(2, CONTEXT, SOCKET_AT),
        assembly.jump_if_nothing(2, "allow"),
        *assembly.load_map(1, six_only),
        assembly.put(3, 0),
        assembly.put(4, 0),
        assembly.call(NOTED),
        assembly.jump_if_nothing(0, "own"),
        assembly.load_long(2, 0, 0),
        assembly.jump_unless(2, 0, "allow"),
    ]


def noting_six_only(six_only: int) -> bytes:
    """Notes of a socket whether it wants the newer family alone. Other options are left to the kernel as they came; of this one
    it is given what the program saw, so that nobody changes it in between.
    """
    return assembly.program([
        assembly.copy(CONTEXT, 1),
        assembly.load(2, CONTEXT, _LEVEL_AT),
        assembly.jump_unless(2, IPV6, "leave"),
        assembly.load(2, CONTEXT, _OPTION_AT),
        assembly.jump_unless(2, V6ONLY, "leave"),
        assembly.load_long(2, CONTEXT, _VALUE_AT),
        assembly.load_long(3, CONTEXT, _VALUE_END_AT),
        assembly.copy(4, 2),
        assembly.add(4, 4),
        assembly.jump_if_beyond(4, 3, "end"),
        assembly.load(FOUND, 2, 0),
        assembly.load_long(2, CONTEXT, 0),
        *assembly.load_map(1, six_only),
        assembly.put(3, 0),
        assembly.put(4, 1),  # make the note
        assembly.call(NOTED),
        assembly.jump_if_nothing(0, "end"),
        assembly.store_long(0, 0, FOUND),
        assembly.jump("end"),
        "leave",
        assembly.put(2, 0),
        assembly.store_at(CONTEXT, _LENGTH_AT, 2),
        "end",
        *assembly.answer(1),
    ])  # fmt: skip


def of_name_four() -> bytes:
    """Tells of 127.0.0.1 where it is the instance's own: what a program is told is what it asked for."""
    return assembly.program([
        assembly.copy(CONTEXT, 1),
        *_own(),
        *_tell(IP4_AT),
        "allow",
        *assembly.answer(1),
    ])  # fmt: skip


def of_name_six() -> bytes:
    return assembly.program([
        assembly.copy(CONTEXT, 1),
        *_own(),
        *_unless_begins_with_nothing("allow"),
        assembly.load(2, CONTEXT, _THIRD_SIX),
        assembly.jump_unless(2, number(MAPPED), "allow"),
        *_tell(_FOURTH_SIX),
        "allow",
        *assembly.answer(1),
    ])  # fmt: skip


def _tell(at: int) -> list[Line]:
    return [
        assembly.load(2, CONTEXT, at),
        assembly.load(3, assembly.STACK, OWN_AT),
        assembly.jump_unless_same(2, 3, "allow"),
        assembly.put(2, number(LOOPBACK)),
        assembly.store_at(CONTEXT, at, 2),
    ]


def itself_at_four(own: int) -> list[Line]:
    """Leads what would be connected to 127.0.0.1 to the instance's own address where it listens itself; else goes on.

    Whatever else is asked for goes on too, and so do datagrams.
    """
    return [
        assembly.load(2, CONTEXT, IP4_AT),
        assembly.jump_if(2, 0, "mine"),
        assembly.jump_unless(2, number(LOOPBACK), "others"),
        "mine",
        *_unless_listens(own),
        assembly.load(2, assembly.STACK, OWN_AT),
        assembly.store_at(CONTEXT, IP4_AT, 2),
        assembly.jump("allow"),
        "others",
    ]


def itself_at_six(own: int) -> list[Line]:
    """As above, for ::1 as well."""
    return [
        *_unless_begins_with_nothing("others"),
        assembly.load(2, CONTEXT, _THIRD_SIX),
        assembly.load(3, CONTEXT, _FOURTH_SIX),
        assembly.jump_if(3, 0, "any"),
        assembly.jump_if(2, number(MAPPED), "mapped"),
        assembly.jump_unless(2, 0, "others"),
        assembly.jump_unless(3, number(ONE), "others"),
        assembly.jump("mine"),
        "mapped",
        assembly.jump_unless(3, number(LOOPBACK), "others"),
        "any",
        assembly.jump_if(2, 0, "mine"),
        assembly.jump_unless(2, number(MAPPED), "others"),
        "mine",
        *_unless_listens(own),
        *_to_own_six(),
        assembly.jump("allow"),
        "others",
    ]


def _unless_listens(own: int) -> list[Line]:
    return [
        assembly.load(2, CONTEXT, TYPE_AT),
        assembly.jump_unless(2, socket.SOCK_STREAM, "others"),
        *_own(),
        assembly.load(7, CONTEXT, PORT_AT),
        *tuple_of_four([assembly.load(2, assembly.STACK, OWN_AT)], 7),
        *asked(),
        assembly.call(FIND_TCP),
        assembly.jump_if_nothing(0, "others"),
        *unless_own(own, GROUP, "others"),
    ]


def _own() -> list[Line]:
    """The address of the instance, onto the stack."""
    return [
        assembly.call(GROUP),
        assembly.keep(0, OF_GROUP),
        assembly.add(0, FIRST),
        assembly.order_for_network(0),
        assembly.store(OWN_AT, 0),
    ]


def _to_own_six() -> list[Line]:
    return [
        assembly.put(2, 0),
        assembly.store_at(CONTEXT, _FIRST_SIX, 2),
        assembly.store_at(CONTEXT, _SECOND_SIX, 2),
        assembly.put(2, number(MAPPED)),
        assembly.store_at(CONTEXT, _THIRD_SIX, 2),
        assembly.load(2, assembly.STACK, OWN_AT),
        assembly.store_at(CONTEXT, _FOURTH_SIX, 2),
    ]


def _unless_begins_with_nothing(leads_to: str) -> list[Line]:
    lines: list[Line] = []
    for at in (_FIRST_SIX, _SECOND_SIX):
        lines += [assembly.load(2, CONTEXT, at), assembly.jump_unless(2, 0, leads_to)]
    return lines
