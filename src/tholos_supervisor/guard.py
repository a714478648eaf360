"""Whom an app does not reach although it has a network: where clouds tell a machine its secrets, and what else listens here.

Small programs in the kernel's language, attached to the control group of one instance. They see each address before anything
is sent. Of this machine's own ports an app reaches those that its own processes opened: each socket is noted as it is made,
with its group, and whoever would be connected to is looked up. Its 127.0.0.1 is its own (see ``loopback``). From elsewhere
nobody reaches a port of an app: it is spoken to by its unix socket. Source: bpf(2), BPF_PROG_TYPE_CGROUP_SOCK_ADDR, bpf-helpers(7); the addresses are those that
clouds document.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Sequence

from tholos_supervisor import assembly, loopback, native
from tholos_supervisor.assembly import Line
from tholos_supervisor.sockets import (
    AT_ONCE,
    CONTEXT,
    COPY,
    FIND_TCP,
    FIND_UDP,
    FOUND,
    GROUP,
    GROUP_OF_PACKET,
    HEADER_AT,
    IP4_AT,
    IP6_AT,
    LOOPBACK,
    MAPPED,
    NOTED,
    OF_FOUR,
    OF_SIX,
    ONE,
    PORT_AT,
    TUPLE_AT,
    TYPE_AT,
    asked,
    ends,
    number,
    tuple_of_four,
    unless_own,
)

LINK_LOCAL = bytes((169, 254))
"""169.254.0.0/16, in which most clouds have theirs."""
ALIBABA = bytes((100, 100, 100, 200))
AMAZON = bytes.fromhex("fd000ec2000000000000000000000254")
"""fd00:ec2::254."""
NAMES_PORT = 53
"""Where a machine that answers for names does so, apps may ask it."""

INCOMING, OUTGOING, NOTE, BIND4, BIND6, CONNECT4, CONNECT6, SEND4, SEND6 = 0, 1, 2, 8, 9, 10, 11, 14, 15
OPTION, PEER4, PEER6, NAME4, NAME6 = 22, 29, 30, 31, 32
"""What a program is attached to."""
_SOCKET, _PACKET, _ADDRESS, _OPTION = 9, 8, 18, 25
"""Kinds of programs."""
_FAMILY_AT, _DEVICE_AT = 16, 40
"""In what programs are told of a packet."""
_BEGIN, _PROTOCOL, _LENGTH = 7, 8, 9
"""Registers that calls leave as they are."""
_SYN, _SYN_OR_ACK, _TCP, _UDP = 0x02, 0x12, 6, 17
_LOOPBACK_DEVICE = 1

_loaded: dict[tuple[int, ...], list[tuple[int, int]]] = {}
"""By the ports that are allowed: all instances share programs and map, and each is known by its group."""


def attach(folder: str, ports: Iterable[int]) -> None:
    """Guard everybody in a group of the second version, before anybody is in it.

    Args:
        folder: the group of one instance.
        ports: of this machine, which it reaches too.

    Raises:
        OSError: the kernel does not take it.
    """
    allowed = tuple(sorted({NAMES_PORT, *ports}))
    if allowed not in _loaded:
        _loaded[allowed] = _load(allowed)
    group = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for place, program in _loaded[allowed]:
            native.attach_program(program, group, place)
    finally:
        os.close(group)


def _load(ports: Sequence[int]) -> list[tuple[int, int]]:
    """Descriptors of the programs, each with its place; what is attached stays when they are closed with their process."""
    opened = [own := native.make_socket_map(), six_only := native.make_socket_map()]
    loaded: list[tuple[int, int]] = []
    four, six = of_four(own, ports), of_six(own, ports)
    four_named, six_named = loopback.of_name_four(), loopback.of_name_six()
    try:
        for kind, place, program in (
            (_SOCKET, NOTE, noting(own)),
            (_PACKET, INCOMING, of_incoming()),
            (_PACKET, OUTGOING, of_outgoing(own, ports)),
            (_ADDRESS, CONNECT4, four),
            (_ADDRESS, SEND4, four),
            (_ADDRESS, CONNECT6, six),
            (_ADDRESS, SEND6, six),
            (_ADDRESS, BIND4, loopback.of_bind_four()),
            (_ADDRESS, BIND6, loopback.of_bind_six(six_only)),
            (_OPTION, OPTION, loopback.noting_six_only(six_only)),
            (_ADDRESS, NAME4, four_named),
            (_ADDRESS, PEER4, four_named),
            (_ADDRESS, NAME6, six_named),
            (_ADDRESS, PEER6, six_named),
        ):
            loaded.append((place, native.load_program(kind, place, program)))
    except OSError:
        opened += [program for _, program in loaded]
        raise
    else:
        return loaded
    finally:
        for one in opened:
            os.close(one)


def noting(own: int) -> bytes:
    """Notes of a socket in which group it was made."""
    return assembly.program([
        assembly.copy(2, 1),
        *assembly.load_map(1, own),
        assembly.put(3, 0),
        assembly.put(4, 1),  # make the note
        assembly.call(NOTED),
        assembly.jump_if_nothing(0, "end"),
        assembly.copy(FOUND, 0),
        assembly.call(GROUP),
        assembly.store_long(FOUND, 0, 0),
        "end",
        *assembly.answer(1),
    ])  # fmt: skip


def of_four(own: int, ports: Sequence[int]) -> bytes:
    """Decides over the older addresses."""
    lines = [
        assembly.copy(CONTEXT, 1),
        *_refuse(IP4_AT, (LINK_LOCAL, ALIBABA)),
        *loopback.itself_at_four(own),
    ]
    lines += [
        assembly.load(2, CONTEXT, IP4_AT),
        assembly.jump_if(2, 0, "here"),
        assembly.keep(2, number(b"\xff")),
        assembly.jump_unless(2, number(LOOPBACK[:1]), "allow"),
        "here",
        *_allow_ports(ports),
        *_tuple_of_four(IP4_AT),
        *_decide(own),
    ]
    return assembly.program(lines)


def of_six(own: int, ports: Sequence[int]) -> bytes:
    """Decides over the newer ones, and the older ones in their form."""
    mapped = [bytes(8) + MAPPED + one for one in (LINK_LOCAL, ALIBABA)]
    first, second, third, fourth = range(IP6_AT, IP6_AT + 16, 4)
    lines = [assembly.copy(CONTEXT, 1), *_refuse(IP6_AT, (AMAZON, *mapped)), *loopback.itself_at_six(own)]
    for at in (first, second):
        lines += [assembly.load(2, CONTEXT, at), assembly.jump_unless(2, 0, "allow")]
    lines += [
        assembly.load(2, CONTEXT, third),
        assembly.load(3, CONTEXT, fourth),
        assembly.jump_if(2, number(MAPPED), "mapped"),
        assembly.jump_unless(2, 0, "allow"),
        assembly.jump_if(3, 0, "six"),
        assembly.jump_unless(3, number(ONE), "allow"),
        "six",
        *_allow_ports(ports),
        *_tuple_of_six(),
        assembly.jump("look"),
        "mapped",
        assembly.jump_if(3, 0, "four"),
        assembly.keep(3, number(b"\xff")),
        assembly.jump_unless(3, number(LOOPBACK[:1]), "allow"),
        "four",
        *_allow_ports(ports),
        *_tuple_of_four(fourth),
        "look",
        *_decide(own),
    ]
    return assembly.program(lines)


def of_incoming() -> bytes:
    """Lets nobody from elsewhere begin to speak to a port of the instance."""
    lines = [
        assembly.copy(CONTEXT, 1),
        assembly.load(2, CONTEXT, _DEVICE_AT),
        assembly.jump_if(2, _LOOPBACK_DEVICE, "allow"),
        *_header(),
        assembly.jump_unless(_PROTOCOL, _TCP, "allow"),
        *_unless_begin("allow"),
    ]
    return assembly.program([*lines, *ends("refuse", "allow")])


def of_outgoing(own: int, ports: Sequence[int]) -> bytes:
    """Decides over what is sent to this machine's own addresses that are no loopback: which those are, only the kernel knows."""
    lines = [
        assembly.copy(CONTEXT, 1),
        assembly.load(2, CONTEXT, _DEVICE_AT),
        assembly.jump_unless(2, _LOOPBACK_DEVICE, "allow"),
        *_header(),
        assembly.jump_if(_PROTOCOL, _UDP, "port"),
        assembly.jump_unless(_PROTOCOL, _TCP, "allow"),
        *_unless_begin("allow"),
        "port",
        *_copy_packet(2, AT_ONCE, 2),
        assembly.load_half(2, assembly.STACK, AT_ONCE),
        *(assembly.jump_if(2, socket.htons(port), "allow") for port in ports),
        assembly.jump_if(_LENGTH, OF_SIX, "six"),
        assembly.store_half(TUPLE_AT + 10, 2),
        assembly.jump("look"),
        "six",
        assembly.store_half(TUPLE_AT + 34, 2),
        "look",
        assembly.copy(3, _LENGTH),
        *asked(),
        assembly.jump_if(_PROTOCOL, _UDP, "datagrams"),
        assembly.call(FIND_TCP),
        assembly.jump("found"),
        "datagrams",
        assembly.call(FIND_UDP),
        "found",
        assembly.jump_if_nothing(0, "allow"),
        *unless_own(own, GROUP_OF_PACKET, "refuse"),
    ]
    return assembly.program([*lines, *ends("allow", "refuse")])


def _header() -> list[Line]:
    """Where a packet is from and to, how long such a tuple is, its protocol, and where that begins."""
    four = [assembly.load(2, assembly.STACK, HEADER_AT + 12), assembly.store(TUPLE_AT, 2)]
    four += [assembly.load(2, assembly.STACK, HEADER_AT + 16), assembly.store(TUPLE_AT + 4, 2)]
    six: list[Line] = []
    for at in range(0, 32, 4):
        six += [assembly.load(2, assembly.STACK, HEADER_AT + 8 + at), assembly.store(TUPLE_AT + at, 2)]
    return [
        assembly.load(2, CONTEXT, _FAMILY_AT),
        assembly.jump_if(2, socket.htons(0x86DD), "newer"),
        assembly.jump_unless(2, socket.htons(0x0800), "allow"),
        *_copy_packet(20, HEADER_AT),
        *four,
        assembly.store_number(TUPLE_AT + 8, 0),
        assembly.put(_LENGTH, OF_FOUR),
        assembly.load_byte(_PROTOCOL, assembly.STACK, HEADER_AT + 9),
        assembly.load_byte(_BEGIN, assembly.STACK, HEADER_AT),
        assembly.keep(_BEGIN, 0x0F),
        assembly.shift(_BEGIN, 2),
        assembly.jump("read"),
        "newer",
        *_copy_packet(40, HEADER_AT),
        *six,
        assembly.store_number(TUPLE_AT + 32, 0),
        assembly.put(_LENGTH, OF_SIX),
        assembly.load_byte(_PROTOCOL, assembly.STACK, HEADER_AT + 6),
        assembly.put(_BEGIN, 40),
        "read",
    ]


def _unless_begin(leads_to: str) -> list[Line]:
    """Only what begins a connection is looked at."""
    return [
        *_copy_packet(1, AT_ONCE, 13),
        assembly.load_byte(2, assembly.STACK, AT_ONCE),
        assembly.keep(2, _SYN_OR_ACK),
        assembly.jump_unless(2, _SYN, leads_to),
    ]


def _copy_packet(length: int, place: int, within: int | None = None) -> list[Line]:
    """Bytes of a packet to a place on the stack, of its head or of what is within; what is no packet is let through."""
    head = [assembly.put(2, 0)]
    return [
        assembly.copy(1, CONTEXT),
        *(head if within is None else [assembly.copy(2, _BEGIN), assembly.add(2, within)]),
        assembly.copy(3, assembly.STACK),
        assembly.add(3, place),
        assembly.put(4, length),
        assembly.call(COPY),
        assembly.jump_unless(0, 0, "allow"),
    ]


def _refuse(at: int, addresses: Iterable[bytes]) -> list[Line]:
    """Refuses addresses that begin so; an address may be the begin of one."""
    lines: list[Line] = []
    for turn, address in enumerate(addresses):
        words = [address[start : start + 4] for start in range(0, len(address), 4)]
        for place, word in enumerate(words):
            lines.append(assembly.load(2, CONTEXT, at + 4 * place))
            if len(word) < 4:
                lines.append(assembly.keep(2, number(b"\xff" * len(word))))
            lines.append(assembly.jump_unless(2, number(word), f"other{turn}"))
        lines += [assembly.jump("refuse"), f"other{turn}"]
    return lines


def _allow_ports(ports: Sequence[int]) -> list[Line]:
    lines: list[Line] = [assembly.load(7, CONTEXT, PORT_AT)]
    return lines + [assembly.jump_if(7, socket.htons(port), "allow") for port in ports]


def _tuple_of_four(at: int) -> list[Line]:
    """Whom to look up; every address is 127.0.0.1 to who connects."""
    address = [
        assembly.load(2, CONTEXT, at),
        assembly.jump_unless(2, 0, "named"),
        assembly.put(2, number(LOOPBACK)),
        "named",
    ]
    return tuple_of_four(address, 7)


def _tuple_of_six() -> list[Line]:
    """As above; both are ::1."""
    lines: list[Line] = [assembly.store_number(TUPLE_AT + at, 0) for at in (0, 4, 8, 16, 20, 24, 32)]
    one = number(ONE)
    lines += [assembly.store_number(TUPLE_AT + at, one) for at in (12, 28)]
    return [*lines, assembly.store_half(TUPLE_AT + 34, 7), assembly.put(3, OF_SIX)]


def _decide(own: int) -> list[Line]:
    """Whether the instance made the socket that would be spoken to.

    A port that nobody has answers for itself, but only where it is asked once: what is sent to later may be somebody's by then.
    """
    return [
        *asked(),
        assembly.load(1, CONTEXT, TYPE_AT),
        assembly.jump_unless(1, socket.SOCK_STREAM, "datagrams"),
        assembly.copy(1, CONTEXT),
        assembly.call(FIND_TCP),
        assembly.jump_if_nothing(0, "allow"),
        assembly.jump("found"),
        "datagrams",
        assembly.copy(1, CONTEXT),
        assembly.call(FIND_UDP),
        assembly.jump_if_nothing(0, "refuse"),
        "found",
        *unless_own(own, GROUP, "refuse"),
        *ends("allow", "refuse"),
    ]
