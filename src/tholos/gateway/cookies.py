"""Removal of our own cookies from a Cookie header: pure, and exact about everything that stays."""

from __future__ import annotations

import re

_SEPARATOR = re.compile(rb"([;,])")


def without_cookies(value: bytes, names: frozenset[bytes]) -> bytes:
    """One Cookie header's value without the cookies of these names; empty if nothing is left.

    Pairs are told apart by ``;`` (RFC 6265 4.2.1) and by ``,``, with which HTTP/1 hops join two Cookie headers. Quotes
    do not protect a separator, because most servers read none either: what any of them could take for our cookie goes.
    Names are compared exactly, blanks and tabs around them aside. The other pairs stay byte for byte, in order.
    """
    if not any(name in value for name in names):
        return value
    pieces = _SEPARATOR.split(value)
    kept: list[bytes] = []
    between = b""
    for position in range(0, len(pieces), 2):
        pair = pieces[position]
        # Of the separators around a removed pair one stays, the stronger: a comma alone would glue two cookies.
        if position and between != b";":
            between = pieces[position - 1]
        if _is_named(pair, names):
            continue
        kept.append(between + pair if kept else pair.lstrip(b" \t") if position else pair)
        between = b""
    return b"".join(kept)


def _is_named(pair: bytes, names: frozenset[bytes]) -> bool:
    name, equals, _ = pair.partition(b"=")
    return bool(equals) and name.strip(b" \t") in names
