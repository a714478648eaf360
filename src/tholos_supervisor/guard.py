"""Whom an app does not reach although it has a network: where clouds tell a machine its secrets, and what else listens here.

Small programs in the kernel's language, attached to the control group of one instance. They see each address before anything
is sent. Of this machine's own ports an app reaches those that its own processes opened: each socket is noted as it is made,
with its group, and whoever would be connected to is looked up. From elsewhere nobody reaches a port of an app: it is
spoken to by its unix socket. Source: bpf(2), BPF_PROG_TYPE_CGROUP_SOCK_ADDR, bpf-helpers(7); the addresses are those that
clouds document.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterable, Sequence

from tholos_supervisor import assembly, native
from tholos_supervisor.assembly import Line

LINK_LOCAL = bytes((169, 254))
"""169.254.0.0/16, in which most clouds have theirs."""
ALIBABA = bytes((100, 100, 100, 200))
AMAZON = bytes.fromhex("fd000ec2000000000000000000000254")
"""fd00:ec2::254."""
_MAPPED = bytes.fromhex("0000ffff")
"""Before it, two words of nothing: the older addresses as newer ones."""
LOOPBACK = bytes((127, 0, 0, 1))
NAMES_PORT = 53
"""Where a machine that answers for names does so, apps may ask it."""

INCOMING, OUTGOING, NOTE, CONNECT4, CONNECT6, SEND4, SEND6 = 0, 1, 2, 10, 11, 14, 15
"""What a program is attached to."""
_SOCKET, _PACKET, _ADDRESS = 9, 8, 18
"""Kinds of programs."""
_IP4_AT, _IP6_AT, _PORT_AT, _TYPE_AT = 4, 8, 24, 32
_FAMILY_AT, _DEVICE_AT = 16, 40
"""In what programs are told of an address, and of a packet."""
_FIND_TCP, _FIND_UDP, _LET_GO, _NOTED, _COPY, _GROUP, _GROUP_OF_PACKET = 84, 85, 86, 107, 26, 80, 79
"""What programs may call."""
_CONTEXT, _FOUND, _NOTE = 6, 8, 9
_BEGIN, _PROTOCOL, _LENGTH = 7, 8, 9
"""Registers that calls leave as they are."""
_TUPLE_AT, _AT_ONCE, _HEADER_AT = -40, -44, -96
"""Places on the stack."""
_OF_FOUR, _OF_SIX = 12, 36
"""Bytes of a tuple of two addresses and two ports."""
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
    opened = [own := native.make_socket_map()]
    loaded: list[tuple[int, int]] = []
    four, six = of_four(own, ports), of_six(own, ports)
    try:
        for kind, place, program in (
            (_SOCKET, NOTE, noting(own)),
            (_PACKET, INCOMING, of_incoming()),
            (_PACKET, OUTGOING, of_outgoing(own, ports)),
            (_ADDRESS, CONNECT4, four),
            (_ADDRESS, SEND4, four),
            (_ADDRESS, CONNECT6, six),
            (_ADDRESS, SEND6, six),
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
        assembly.call(_NOTED),
        assembly.jump_if_nothing(0, "end"),
        assembly.copy(_FOUND, 0),
        assembly.call(_GROUP),
        assembly.store_long(_FOUND, 0, 0),
        "end",
        *assembly.answer(1),
    ])  # fmt: skip


def of_four(own: int, ports: Sequence[int]) -> bytes:
    """Decides over the older addresses."""
    lines = [assembly.copy(_CONTEXT, 1), *_refuse(_IP4_AT, (LINK_LOCAL, ALIBABA))]
    lines += [
        assembly.load(2, _CONTEXT, _IP4_AT),
        assembly.jump_if(2, 0, "here"),
        assembly.keep(2, _number(b"\xff")),
        assembly.jump_unless(2, _number(LOOPBACK[:1]), "allow"),
        "here",
        *_allow_ports(ports),
        *_tuple_of_four(_IP4_AT),
        *_decide(own),
    ]
    return assembly.program(lines)


def of_six(own: int, ports: Sequence[int]) -> bytes:
    """Decides over the newer ones, and the older ones in their form."""
    mapped = [bytes(8) + _MAPPED + one for one in (LINK_LOCAL, ALIBABA)]
    first, second, third, fourth = (_IP6_AT + 4 * number for number in range(4))
    lines = [assembly.copy(_CONTEXT, 1), *_refuse(_IP6_AT, (AMAZON, *mapped))]
    for at in (first, second):
        lines += [assembly.load(2, _CONTEXT, at), assembly.jump_unless(2, 0, "allow")]
    lines += [
        assembly.load(2, _CONTEXT, third),
        assembly.load(3, _CONTEXT, fourth),
        assembly.jump_if(2, _number(_MAPPED), "mapped"),
        assembly.jump_unless(2, 0, "allow"),
        assembly.jump_if(3, 0, "six"),
        assembly.jump_unless(3, _number(bytes((0, 0, 0, 1))), "allow"),
        "six",
        *_allow_ports(ports),
        *_tuple_of_six(),
        assembly.jump("look"),
        "mapped",
        assembly.jump_if(3, 0, "four"),
        assembly.keep(3, _number(b"\xff")),
        assembly.jump_unless(3, _number(LOOPBACK[:1]), "allow"),
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
        assembly.copy(_CONTEXT, 1),
        assembly.load(2, _CONTEXT, _DEVICE_AT),
        assembly.jump_if(2, _LOOPBACK_DEVICE, "allow"),
        *_header(),
        assembly.jump_unless(_PROTOCOL, _TCP, "allow"),
        *_unless_begin("allow"),
    ]
    return assembly.program([*lines, *_ends("refuse", "allow")])


def of_outgoing(own: int, ports: Sequence[int]) -> bytes:
    """Decides over what is sent to this machine's own addresses that are no loopback: which those are, only the kernel knows."""
    lines = [
        assembly.copy(_CONTEXT, 1),
        assembly.load(2, _CONTEXT, _DEVICE_AT),
        assembly.jump_unless(2, _LOOPBACK_DEVICE, "allow"),
        *_header(),
        assembly.jump_if(_PROTOCOL, _UDP, "port"),
        assembly.jump_unless(_PROTOCOL, _TCP, "allow"),
        *_unless_begin("allow"),
        "port",
        *_copy_packet(2, _AT_ONCE, 2),
        assembly.load_half(2, assembly.STACK, _AT_ONCE),
        *(assembly.jump_if(2, socket.htons(port), "allow") for port in ports),
        assembly.jump_if(_LENGTH, _OF_SIX, "six"),
        assembly.store_half(_TUPLE_AT + 10, 2),
        assembly.jump("look"),
        "six",
        assembly.store_half(_TUPLE_AT + 34, 2),
        "look",
        assembly.copy(3, _LENGTH),
        *_asked(),
        assembly.jump_if(_PROTOCOL, _UDP, "datagrams"),
        assembly.call(_FIND_TCP),
        assembly.jump("found"),
        "datagrams",
        assembly.call(_FIND_UDP),
        "found",
        assembly.jump_if_nothing(0, "allow"),
        *_unless_own(own, _GROUP_OF_PACKET),
    ]
    return assembly.program([*lines, *_ends("allow", "refuse")])


def _header() -> list[Line]:
    """Where a packet is from and to, how long such a tuple is, its protocol, and where that begins."""
    four = [assembly.load(2, assembly.STACK, _HEADER_AT + 12), assembly.store(_TUPLE_AT, 2)]
    four += [assembly.load(2, assembly.STACK, _HEADER_AT + 16), assembly.store(_TUPLE_AT + 4, 2)]
    six: list[Line] = []
    for at in range(0, 32, 4):
        six += [assembly.load(2, assembly.STACK, _HEADER_AT + 8 + at), assembly.store(_TUPLE_AT + at, 2)]
    return [
        assembly.load(2, _CONTEXT, _FAMILY_AT),
        assembly.jump_if(2, socket.htons(0x86DD), "newer"),
        assembly.jump_unless(2, socket.htons(0x0800), "allow"),
        *_copy_packet(20, _HEADER_AT),
        *four,
        assembly.store_number(_TUPLE_AT + 8, 0),
        assembly.put(_LENGTH, _OF_FOUR),
        assembly.load_byte(_PROTOCOL, assembly.STACK, _HEADER_AT + 9),
        assembly.load_byte(_BEGIN, assembly.STACK, _HEADER_AT),
        assembly.keep(_BEGIN, 0x0F),
        assembly.shift(_BEGIN, 2),
        assembly.jump("read"),
        "newer",
        *_copy_packet(40, _HEADER_AT),
        *six,
        assembly.store_number(_TUPLE_AT + 32, 0),
        assembly.put(_LENGTH, _OF_SIX),
        assembly.load_byte(_PROTOCOL, assembly.STACK, _HEADER_AT + 6),
        assembly.put(_BEGIN, 40),
        "read",
    ]


def _unless_begin(leads_to: str) -> list[Line]:
    """Only what begins a connection is looked at."""
    return [
        *_copy_packet(1, _AT_ONCE, 13),
        assembly.load_byte(2, assembly.STACK, _AT_ONCE),
        assembly.keep(2, _SYN_OR_ACK),
        assembly.jump_unless(2, _SYN, leads_to),
    ]


def _copy_packet(length: int, place: int, within: int | None = None) -> list[Line]:
    """Bytes of a packet to a place on the stack, of its head or of what is within; what is no packet is let through."""
    head = [assembly.put(2, 0)]
    return [
        assembly.copy(1, _CONTEXT),
        *(head if within is None else [assembly.copy(2, _BEGIN), assembly.add(2, within)]),
        assembly.copy(3, assembly.STACK),
        assembly.add(3, place),
        assembly.put(4, length),
        assembly.call(_COPY),
        assembly.jump_unless(0, 0, "allow"),
    ]


def _refuse(at: int, addresses: Iterable[bytes]) -> list[Line]:
    """Refuses addresses that begin so; an address may be the begin of one."""
    lines: list[Line] = []
    for number, address in enumerate(addresses):
        words = [address[start : start + 4] for start in range(0, len(address), 4)]
        for place, word in enumerate(words):
            lines.append(assembly.load(2, _CONTEXT, at + 4 * place))
            if len(word) < 4:
                lines.append(assembly.keep(2, _number(b"\xff" * len(word))))
            lines.append(assembly.jump_unless(2, _number(word), f"other{number}"))
        lines += [assembly.jump("refuse"), f"other{number}"]
    return lines


def _allow_ports(ports: Sequence[int]) -> list[Line]:
    lines: list[Line] = [assembly.load(7, _CONTEXT, _PORT_AT)]
    return lines + [assembly.jump_if(7, socket.htons(port), "allow") for port in ports]


def _tuple_of_four(at: int) -> list[Line]:
    """Whom to look up: from here to there, in the form of struct bpf_sock_tuple."""
    return [
        assembly.store_number(_TUPLE_AT, _number(LOOPBACK)),
        assembly.load(2, _CONTEXT, at),
        assembly.jump_unless(2, 0, "named"),
        assembly.put(2, _number(LOOPBACK)),
        "named",
        assembly.store(_TUPLE_AT + 4, 2),
        assembly.store_number(_TUPLE_AT + 8, 0),
        assembly.store_half(_TUPLE_AT + 10, 7),
        assembly.put(3, _OF_FOUR),
    ]


def _tuple_of_six() -> list[Line]:
    """As above; both are ::1."""
    lines: list[Line] = [assembly.store_number(_TUPLE_AT + at, 0) for at in (0, 4, 8, 16, 20, 24, 32)]
    one = _number(bytes((0, 0, 0, 1)))
    lines += [assembly.store_number(_TUPLE_AT + at, one) for at in (12, 28)]
    return [*lines, assembly.store_half(_TUPLE_AT + 34, 7), assembly.put(3, _OF_SIX)]


def _decide(own: int) -> list[Line]:
    """Whether the instance made the socket that would be spoken to.

    A port that nobody has answers for itself, but only where it is asked once: what is sent to later may be somebody's by then.
    """
    return [
        *_asked(),
        assembly.load(1, _CONTEXT, _TYPE_AT),
        assembly.jump_unless(1, socket.SOCK_STREAM, "datagrams"),
        assembly.copy(1, _CONTEXT),
        assembly.call(_FIND_TCP),
        assembly.jump_if_nothing(0, "allow"),
        assembly.jump("found"),
        "datagrams",
        assembly.copy(1, _CONTEXT),
        assembly.call(_FIND_UDP),
        assembly.jump_if_nothing(0, "refuse"),
        "found",
        *_unless_own(own, _GROUP),
        *_ends("allow", "refuse"),
    ]


def _asked() -> list[Line]:
    """What both ways of looking up are asked by, but for the tuple's length."""
    return [
        assembly.copy(1, _CONTEXT),
        assembly.copy(2, assembly.STACK),
        assembly.add(2, _TUPLE_AT),
        assembly.put(4, -1),  # in the network namespace that it is in
        assembly.put(5, 0),
    ]


def _unless_own(own: int, who_asks: int) -> list[Line]:
    """Refuses what was found where no note says that it is of the group that asks; lets go of it first."""
    return [
        assembly.copy(_FOUND, 0),
        *assembly.load_map(1, own),
        assembly.copy(2, _FOUND),
        assembly.put(3, 0),
        assembly.put(4, 0),
        assembly.call(_NOTED),
        assembly.put(_NOTE, 0),
        assembly.jump_if_nothing(0, "noted"),
        assembly.load_long(_NOTE, 0, 0),
        "noted",
        assembly.copy(1, _FOUND),
        assembly.call(_LET_GO),
        assembly.copy(1, _CONTEXT),
        assembly.call(who_asks),
        assembly.jump_unless_same(0, _NOTE, "refuse"),
    ]


def _ends(first: str, last: str) -> list[Line]:
    said = {"allow": 1, "refuse": 0}
    return [first, *assembly.answer(said[first]), last, *assembly.answer(said[last])]


def _number(word: bytes) -> int:
    """As the processor has it once it is loaded, with the sign that a line's field has."""
    value = int.from_bytes(word.ljust(4, b"\0"), sys.byteorder)
    return value - (1 << 32) if value >= 1 << 31 else value
