"""Programs for the kernel, line by line: what a line does, and jumps by name. Source: the instruction set in bpf(2)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

STACK = 10
"""The register that points behind the stack."""
_OF_MAP = 1


class Step(NamedTuple):
    """One line; a jump names where it leads."""

    code: int
    target: int = 0
    source: int = 0
    offset: int = 0
    value: int = 0
    leads_to: str = ""


Line = Step | str
"""A step, or the name of the place that it stands at; where a name stands twice a jump leads to the next one."""


def load(register: int, pointer: int, offset: int) -> Line:
    """A word from where a register points."""
    return Step(0x61, register, pointer, offset)


def load_byte(register: int, pointer: int, offset: int) -> Line:
    return Step(0x71, register, pointer, offset)


def load_half(register: int, pointer: int, offset: int) -> Line:
    return Step(0x69, register, pointer, offset)


def load_long(register: int, pointer: int, offset: int) -> Line:
    return Step(0x79, register, pointer, offset)


def store_long(pointer: int, offset: int, register: int) -> Line:
    """Not onto the stack, but where a register points."""
    return Step(0x7B, pointer, register, offset)


def load_map(register: int, descriptor: int) -> list[Line]:
    """A map; the line has a second half."""
    return [Step(0x18, register, _OF_MAP, 0, descriptor), Step(0)]


def store(offset: int, register: int) -> Line:
    """A word onto the stack."""
    return store_at(STACK, offset, register)


def store_at(pointer: int, offset: int, register: int) -> Line:
    """A word to where a register points."""
    return Step(0x63, pointer, register, offset)


def store_half(offset: int, register: int) -> Line:
    return Step(0x6B, STACK, register, offset)


def store_number(offset: int, value: int) -> Line:
    return Step(0x62, STACK, 0, offset, value)


def copy(register: int, source: int) -> Line:
    return Step(0xBF, register, source)


def put(register: int, value: int) -> Line:
    return Step(0xB7, register, 0, 0, value)


def add(register: int, value: int) -> Line:
    return Step(0x07, register, 0, 0, value)


def keep(register: int, bits: int) -> Line:
    """No bits but these, of a word."""
    return Step(0x54, register, 0, 0, bits)


def shift(register: int, bits: int) -> Line:
    """To the left."""
    return Step(0x67, register, 0, 0, bits)


def order_for_network(register: int) -> Line:
    """Bytes of a word as addresses have them."""
    return Step(0xDC, register, 0, 0, 32)


def jump(leads_to: str) -> Line:
    return Step(0x05, leads_to=leads_to)


def jump_if(register: int, value: int, leads_to: str) -> Line:
    """Compared as 32 bits: a value of 64 would be taken with its sign."""
    return Step(0x16, register, 0, 0, value, leads_to)


def jump_unless(register: int, value: int, leads_to: str) -> Line:
    """As above."""
    return Step(0x56, register, 0, 0, value, leads_to)


def jump_if_nothing(register: int, leads_to: str) -> Line:
    """Of what a call found: a pointer is compared whole."""
    return Step(0x15, register, 0, 0, 0, leads_to)


def jump_unless_same(register: int, other: int, leads_to: str) -> Line:
    """Compared whole."""
    return Step(0x5D, register, other, leads_to=leads_to)


def jump_if_beyond(register: int, other: int, leads_to: str) -> Line:
    """Where it is greater, compared whole."""
    return Step(0x2D, register, other, leads_to=leads_to)


def call(helper: int) -> Line:
    return Step(0x85, 0, 0, 0, helper)


def answer(value: int) -> list[Line]:
    """The end of the program."""
    return [put(0, value), Step(0x95)]


def program(lines: Sequence[Line]) -> bytes:
    """The lines as the kernel takes them. Jumps lead forward only."""
    steps: list[Step] = []
    names: list[tuple[str, int]] = []
    for line in lines:
        if isinstance(line, str):
            names.append((line, len(steps)))
        else:
            steps.append(line)
    packed = b""
    for number, step in enumerate(steps):
        offset = step.offset
        if step.leads_to:
            offset = next(at for name, at in names if name == step.leads_to and at > number) - number - 1
        packed += struct.pack("=BBhi", step.code, step.target | step.source << 4, offset, step.value)
    return packed
