"""Removal of our cookies: exact about ours, byte-identical about all others."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.gateway.cookies import without_cookies

OURS = frozenset({b"__Host-tholos_pass", b"__Host-tholos_handle"})
PASS = b"__Host-tholos_pass=eyJ.e30.x-_"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b"a=1; b=2", b"a=1; b=2"),
        (PASS, b""),
        (PASS + b"; a=1", b"a=1"),
        (b"a=1; " + PASS, b"a=1"),
        (b"a=1; " + PASS + b"; b=2", b"a=1; b=2"),
        (b"a=1;" + PASS + b";b=2", b"a=1;b=2"),
        (b"a=1;" + PASS + b",b=2", b"a=1;b=2"),
        (b"a=1," + PASS + b";b=2", b"a=1;b=2"),
        (b"a=1," + PASS + b",b=2", b"a=1,b=2"),
        (b"a=1;\t" + PASS + b"\t;\tb=2", b"a=1;\tb=2"),
        (PASS + b"; " + PASS + b", " + PASS, b""),
        (b"a=1; " + PASS + b"; " + PASS + b"; b=2", b"a=1; b=2"),
        (b'a="x; ' + PASS + b'"; b=2', b'a="x; b=2'),
        (b'__Host-tholos_pass="quoted"; b=2', b"b=2"),
        (b"x__Host-tholos_pass=1; __Host-tholos_passx=2", b"x__Host-tholos_pass=1; __Host-tholos_passx=2"),
        (b"__host-tholos_pass=1", b"__host-tholos_pass=1"),
        (b"a=__Host-tholos_pass", b"a=__Host-tholos_pass"),
        (b"__Host-tholos_pass", b"__Host-tholos_pass"),
        (b"__Host-tholos_pass =1; a=1", b"a=1"),
        (b";; " + PASS + b" ;; a=1", b";; ;; a=1"),
    ],
)
def test_only_ours_go(sent, kept):
    """Each case names what an application still sees."""
    assert (
        re.sub(rb"[ ;,]+", b" ", without_cookies(sent, OURS)).strip()
        == re.sub(rb"[ ;,]+", b" ", kept).strip()
    )
    if b";;" not in sent:
        assert without_cookies(sent, OURS) == kept


def pairs(value):
    return [pair.strip(b" \t") for pair in re.split(rb"[;,]", value) if pair.strip(b" \t")]


def is_ours(pair):
    return b"=" in pair and pair.partition(b"=")[0].strip(b" \t") in OURS


piece = st.one_of(
    st.sampled_from(
        [PASS, b"__Host-tholos_handle=h", b"__Host-tholos_pass", b'"', b"=", b"\t", b" ", b";", b",", b"; "]
    ),
    st.binary(max_size=12),
)


@given(st.lists(piece, max_size=20).map(b"".join))
def test_any_header_loses_ours_and_nothing_else(value):
    """Whatever the header: none of ours is left, and the other pairs stay as they were, in order."""
    left = without_cookies(value, OURS)
    assert pairs(left) == [pair for pair in pairs(value) if not is_ours(pair)]
    if not any(map(is_ours, pairs(value))):
        assert left == value or pairs(value) == pairs(left)


@given(st.lists(piece, max_size=20).map(b"".join))
def test_what_is_split_at_semicolons_alone_shows_none_of_ours(value):
    """RFC 6265 servers do not split at commas; they see none of ours either, and no two cookies glued together."""
    left = without_cookies(value, OURS)
    names = {pair.partition(b"=")[0].strip(b" \t") for pair in left.split(b";") if b"=" in pair}
    assert not names & OURS


def test_a_huge_header_takes_linear_time():
    """64 KiB of separators and 3,000 of ours."""
    value = b";" * 20_000 + b"; ".join([PASS] * 1300) + b"; a=1"
    assert pairs(without_cookies(value, OURS)) == [b"a=1"]
