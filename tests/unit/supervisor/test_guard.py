"""The guard's programs, run line by line on a machine of a few registers."""

import ipaddress
import struct
import sys

import pytest

from tholos_supervisor import guard

OWN, OTHER, NOBODY = 77, 78, 0
PORTS = (53, 8080)


def run(program, context, *, listener=NOBODY, packet=b""):  # noqa: C901, PLR0912 - one branch for each kind of line
    """What a program answers: 0 refuses.

    Args:
        program: its lines.
        context: what it is told, as bytes.
        listener: the group of whoever has the port in question; nobody where there is none.
        packet: what it can copy bytes of.
    """
    lines, n = [*struct.iter_unpack("=BBhi", program)], 0
    registers, stack = {1: ("context", 0), 10: ("stack", 200)}, bytearray(200)
    memory = {"context": bytearray(context), "stack": stack, "note": bytearray(struct.pack("=Q", listener))}
    sizes = {0x61: 4, 0x69: 2, 0x71: 1, 0x79: 8, 0x62: 4, 0x63: 4, 0x6B: 2, 0x7B: 8}

    def call(helper):
        if helper in {84, 85}:
            assert registers[3] in {12, 36}
            return listener
        if helper == 26:
            place = registers[3][1]
            copied = packet[registers[2] : registers[2] + registers[4]]
            stack[place : place + registers[4]] = copied
            return 0 if len(copied) == registers[4] else -14
        return {107: ("note", 0), 86: 0, 80: OWN, 79: OWN}[helper]

    while True:
        code, operands, offset, value = lines[n]
        to, source = operands & 15, operands >> 4
        n += 1
        if code in {0x61, 0x69, 0x71, 0x79}:
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
        elif code == 0x05:
            n += offset
        elif code in {0x15, 0x16}:
            n += offset if registers[to] == value & 0xFFFFFFFF else 0
        elif code == 0x56:
            n += offset if registers[to] & 0xFFFFFFFF != value & 0xFFFFFFFF else 0
        elif code == 0x5D:
            n += offset if registers[to] != registers[source] else 0
        elif code == 0x85:
            registers[0] = call(value)
        else:
            assert code == 0x95
            return registers[0]


def connects(address, *, port=80, kind=1, listener=NOBODY):
    """What is said of a connection."""
    parsed = ipaddress.ip_address(address)
    four, six = (parsed.packed, bytes(16)) if parsed.version == 4 else (bytes(4), parsed.packed)
    context = (
        bytes(4) + four + six + struct.pack("!H", port) + bytes(6) + struct.pack("=II", kind, 0) + bytes(40)
    )
    program = guard.of_four(3, PORTS) if parsed.version == 4 else guard.of_six(3, PORTS)
    return run(program, context, listener=listener)


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
