import ipaddress
import struct
import sys

import pytest

from tholos_supervisor import guard


def answer(program, words, at):
    """What a program says of an address whose words begin at an offset: runs it; 0 refuses."""
    lines = [*struct.iter_unpack("=BBhi", program)]
    registers, n = {}, 0
    while True:
        code, operands, offset, value = lines[n]
        low = operands & 15
        n += 1
        if code == 0x61:
            registers[low] = int.from_bytes(words[offset - at : offset - at + 4], sys.byteorder)
        elif code == 0x54:
            registers[low] &= value & 0xFFFFFFFF
        elif code == 0x56:
            n += offset if registers[low] != value & 0xFFFFFFFF else 0
        elif code == 0xB7:
            registers[low] = value
        else:
            return registers[0]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("169.254.169.254", 0),
        ("169.254.0.1", 0),
        ("100.100.100.200", 0),
        ("169.253.169.254", 1),
        ("100.100.100.201", 1),
        ("127.0.0.1", 1),
        ("fd00:ec2::254", 0),
        ("fd00:ec2::253", 1),
        ("fd00:ec2:0:1::254", 1),
        ("::ffff:169.254.1.2", 0),
        ("::ffff:100.100.100.200", 0),
        ("::ffff:10.0.0.1", 1),
        ("::1", 1),
    ],
)
def test_what_it_says_of_addresses(address, said):
    parsed = ipaddress.ip_address(address)
    program, at = (guard.of_four(), 4) if parsed.version == 4 else (guard.of_six(), 8)
    assert answer(program, parsed.packed, at) == said
