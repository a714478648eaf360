"""The guard's programs, run line by line on a machine of a few registers."""

import ipaddress
import struct
import sys

import pytest

from tholos_supervisor import guard, loopback

OWN, OTHER, NOBODY = 77, 78, 0
PORTS = (53, 8080)
ITSELF, NEIGHBOUR = "127.128.0.76", "127.128.0.78"
SIX_ONLY = 4
"""The map of those sockets; that of groups is 3."""


def run(program, context, *, listener=NOBODY, own=NOBODY, six_only=None, packet=b""):  # noqa: C901, PLR0912, PLR0915 - one branch for each kind of line
    """What a program answers: 0 refuses. What it writes is in the context.

    Args:
        program: its lines.
        context: what it is told, as bytes; a bytearray is written to.
        listener: the group of whoever has the port in question; nobody where there is none.
        own: of whoever has it at the instance's own address.
        six_only: what is noted of the socket, as bytes.
        packet: what it can copy bytes of.
    """
    lines, n = [*struct.iter_unpack("=BBhi", program)], 0
    registers, stack = {1: ("context", 0), 10: ("stack", 200)}, bytearray(200)
    memory = {"context": context, "stack": stack, "note": bytearray(8), "packet": packet, "six": six_only}
    sizes = {0x61: 4, 0x69: 2, 0x71: 1, 0x79: 8, 0x62: 4, 0x63: 4, 0x6B: 2, 0x7B: 8}

    def find():
        at = registers[2][1]
        asked = stack[at : at + registers[3]]
        assert len(asked) in {12, 36}
        found = own if bytes(asked[4:8]) == ipaddress.ip_address(ITSELF).packed else listener
        memory["note"][:] = struct.pack("=Q", found)
        return found

    def call(helper):
        if helper in {84, 85}:
            return find()
        if helper == 26:
            place = registers[3][1]
            copied = packet[registers[2] : registers[2] + registers[4]]
            stack[place : place + registers[4]] = copied
            return 0 if len(copied) == registers[4] else -14
        if helper == 107 and registers[1] == SIX_ONLY:
            return ("six", 0) if six_only else 0
        return {107: ("note", 0), 86: 0, 80: OWN, 79: OWN}[helper]

    while True:
        code, operands, offset, value = lines[n]
        to, source = operands & 15, operands >> 4
        n += 1
        if code == 0x79 and registers[source][0] == "context":  # what it is told of are pointers
            where, at = registers[source]
            kept = int.from_bytes(context[at + offset : at + offset + 8], sys.byteorder)
            registers[to] = ("packet", kept)
        elif code in {0x61, 0x69, 0x71, 0x79}:
            where, at = registers[source]
            registers[to] = int.from_bytes(
                memory[where][at + offset : at + offset + sizes[code]], sys.byteorder
            )
        elif code in {0x62, 0x63, 0x6B, 0x7B}:
            where, at = registers[to]
            number = value if code == 0x62 else registers[source]
            kept = (number & (1 << 8 * sizes[code]) - 1).to_bytes(sizes[code], sys.byteorder)
            memory[where][at + offset : at + offset + sizes[code]] = kept
        elif code == 0x18:
            registers[to], n = value, n + 1
        elif code == 0xBF:
            registers[to] = registers[source]
        elif code == 0xB7:
            registers[to] = value
        elif code == 0x07:
            held = registers[to]
            registers[to] = (held[0], held[1] + value) if isinstance(held, tuple) else held + value
        elif code == 0x54:
            registers[to] &= value & 0xFFFFFFFF
        elif code == 0x67:
            registers[to] <<= value
        elif code == 0xDC:
            registers[to] = int.from_bytes(registers[to].to_bytes(value // 8, "big"), sys.byteorder)
        elif code == 0x05:
            n += offset
        elif code in {0x15, 0x16}:
            n += offset if registers[to] == value & 0xFFFFFFFF else 0
        elif code == 0x56:
            n += offset if registers[to] & 0xFFFFFFFF != value & 0xFFFFFFFF else 0
        elif code == 0x5D:
            n += offset if registers[to] != registers[source] else 0
        elif code == 0x2D:
            n += offset if registers[to] > registers[source] else 0
        elif code == 0x85:
            registers[0] = call(value)
        else:
            assert code == 0x95
            return registers[0]


def told(address, port=80, kind=1):
    """What a program is told of an address."""
    parsed = ipaddress.ip_address(address)
    four, six = (parsed.packed, bytes(16)) if parsed.version == 4 else (bytes(4), parsed.packed)
    return bytearray(
        bytes(4) + four + six + struct.pack("!H", port) + bytes(6) + struct.pack("=II", kind, 0) + bytes(40)
    )


def said(answer, context, address):
    """The address that a program leaves; nothing where it refuses."""
    is_four = ipaddress.ip_address(address).version == 4
    kept = bytes(context[4:8]) if is_four else bytes(context[8:24])
    return str(ipaddress.ip_address(kept)) if answer else ""


def connects(address, *, port=80, kind=1, listener=NOBODY, own=NOBODY):
    """What is said of a connection."""
    return 1 if leads(address, port=port, kind=kind, listener=listener, own=own) else 0


def leads(address, *, port=80, kind=1, listener=NOBODY, own=NOBODY):
    """Where a connection leads; nowhere if it is refused."""
    is_four = ipaddress.ip_address(address).version == 4
    context = told(address, port, kind)
    program = guard.of_four(3, PORTS) if is_four else guard.of_six(3, PORTS)
    return said(run(program, context, listener=listener, own=own), context, address)


def binds(address, *, port=9000, kind=1, six_only=None):
    """Where a socket is put; nowhere if it is refused."""
    is_four = ipaddress.ip_address(address).version == 4
    context = told(address, port, kind)
    program = loopback.of_bind_four() if is_four else loopback.of_bind_six(SIX_ONLY)
    return said(run(program, context, six_only=six_only), context, address)


def sends(address, *, port=80, protocol=6, flags=2, listener=NOBODY, device=1, program=None):
    """What is said of a packet."""
    parsed = ipaddress.ip_address(address)
    if parsed.version == 4:
        head = bytes([0x46]) + bytes(8) + bytes([protocol]) + bytes(6) + parsed.packed + bytes(4)
    else:
        head = bytes(6) + bytes([protocol]) + bytes(17) + parsed.packed
    packet = head + struct.pack("!HH", 40000, port) + bytes(9) + bytes([flags]) + bytes(6)
    family = 0x0800 if parsed.version == 4 else 0x86DD
    context = bytes(16) + struct.pack("!HH", family, 0) + bytes(20) + struct.pack("=I", device) + bytes(20)
    return run(program or guard.of_outgoing(3, PORTS), context, listener=listener, packet=packet)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("169.254.169.254", 0),
        ("169.254.0.1", 0),
        ("100.100.100.200", 0),
        ("169.253.169.254", 1),
        ("100.100.100.201", 1),
        ("fd00:ec2::254", 0),
        ("fd00:ec2::253", 1),
        ("fd00:ec2:0:1::254", 1),
        ("::ffff:169.254.1.2", 0),
        ("::ffff:100.100.100.200", 0),
        ("::ffff:10.0.0.1", 1),
        ("::1:1", 1),
        ("1::1", 1),
        ("128.0.0.1", 1),
    ],
)
def test_what_it_says_of_addresses(address, said):
    assert connects(address, listener=OTHER) == said


HERE = ("127.0.0.1", "127.9.9.9", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1", "::ffff:0.0.0.0")


@pytest.mark.parametrize("address", HERE)
@pytest.mark.parametrize("kind", [1, 2])
def test_of_this_machine_it_reaches_what_it_opened_and_what_it_is_allowed(address, kind):
    assert connects(address, kind=kind, listener=OWN) == 1
    assert connects(address, kind=kind, listener=OTHER) == 0
    assert connects(address, kind=kind, listener=OTHER, port=8080) == 1
    assert connects(address, kind=kind, listener=OTHER, port=53) == 1
    assert connects(address, kind=kind) == (1 if kind == 1 else 0)  # a port that nobody has says so itself


@pytest.mark.parametrize("address", ["10.0.0.5", "fd00::5"])
def test_this_machines_other_addresses_lead_nowhere_else(address):
    assert sends(address, listener=OTHER) == 0
    assert sends(address, listener=OTHER, protocol=17) == 0
    assert sends(address, listener=OTHER, flags=0x10) == 1  # goes on with what was begun
    assert sends(address, listener=OTHER, flags=0x12) == 1  # answers
    assert sends(address, listener=OTHER, port=8080) == 1
    assert sends(address, listener=OTHER, protocol=1) == 1
    assert sends(address, listener=OWN) == 1
    assert sends(address) == 1
    assert sends(address, listener=OTHER, device=2) == 1  # leaves this machine


@pytest.mark.parametrize("address", ["10.0.0.5", "fd00::5"])
def test_nobody_elsewhere_begins_to_speak_to_it(address):
    program = guard.of_incoming()
    assert sends(address, device=2, program=program) == 0
    assert sends(address, device=2, flags=0x12, program=program) == 1
    assert sends(address, device=2, protocol=17, program=program) == 1
    assert sends(address, device=1, program=program) == 1


def test_it_notes_the_group_of_a_socket():
    assert run(guard.noting(3), bytes(64)) == 1


MAPPED_ITSELF = str(ipaddress.ip_address(f"::ffff:{ITSELF}"))


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1", "::ffff:0.0.0.0"]
)
def test_who_listens_here_listens_at_its_own_address_and_is_reached_there(address):
    own = MAPPED_ITSELF if ":" in address else ITSELF
    given = str(ipaddress.ip_address(address))
    assert binds(address) == own
    assert binds(address, kind=2) == given
    for port in (80, 8080):
        assert leads(address, port=port, listener=OTHER, own=OWN) == own
        assert leads(address, port=port, kind=2, listener=OTHER, own=OWN) == (given if port == 8080 else "")
    assert leads(address, own=OTHER) == given  # whoever listens everywhere is no more itself there than here
    assert leads(address, listener=OTHER, own=OTHER) == ""


@pytest.mark.parametrize(
    "address", ["127.0.0.2", "10.0.0.5", "::ffff:10.0.0.5", "fd00::5", "127.127.0.1", ITSELF]
)
def test_who_names_another_address_gets_it(address):
    assert binds(address) == str(ipaddress.ip_address(address))
    assert leads(address, own=OWN) == str(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "::ffff:0.0.0.0"])
def test_what_may_leave_the_machine_stays_everywhere(address):
    assert binds(address, port=0) == str(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", [NEIGHBOUR, f"::ffff:{NEIGHBOUR}"])
def test_nobody_takes_a_neighbours_place(address):
    assert binds(address) == ""
    assert leads(address, listener=OTHER) == ""


@pytest.mark.parametrize("address", ["::1", "::"])
def test_who_wants_the_newer_family_alone_has_it(address):
    assert binds(address, six_only=struct.pack("=Q", 1)) == address
    assert binds(address, six_only=struct.pack("=Q", 0)) == MAPPED_ITSELF
    assert leads(address, listener=OWN) == address


@pytest.mark.parametrize("value", [0, 1])
def test_it_notes_who_wants_the_newer_family_alone(value):
    def ask(level, option, length):
        context = bytearray(struct.pack("=QQQiiiI", 0, 0, length, level, option, length, 0))
        note = bytearray(8)
        packet = struct.pack("=I", value)
        assert run(loopback.noting_six_only(SIX_ONLY), context, six_only=note, packet=packet) == 1
        return struct.unpack("=Q", note)[0], struct.unpack("=i", context[32:36])[0]

    assert ask(41, 26, 4) == (value, 4)
    assert ask(41, 26, 3) == (0, 3)  # the kernel refuses it
    assert ask(41, 25, 4) == ask(6, 26, 4) == (0, 0)  # it takes them as they came


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (ITSELF, "127.0.0.1"),
        (NEIGHBOUR, NEIGHBOUR),
        ("10.0.0.5", "10.0.0.5"),
        (f"::ffff:{ITSELF}", "::ffff:127.0.0.1"),
        ("::1", "::1"),
        ("fd00::5", "fd00::5"),
    ],
)
def test_it_is_told_of_what_it_asked_for(address, name):
    context = told(address)
    program = loopback.of_name_six() if ":" in address else loopback.of_name_four()
    assert said(run(program, context), context, address) == str(ipaddress.ip_address(name))
