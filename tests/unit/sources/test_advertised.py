"""What repositories say of their branches: both versions of the protocol, and answers of strangers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.sources import advertised
from tholos.sources.advertised import NotSpoken, Refs
from tholos.sources.errors import FetchFailed

A, B, C = "a" * 40, "b" * 40, "c" * 40


def packet(text: str) -> bytes:
    data = text.encode()
    return b"%04x%s" % (len(data) + 4, data)


def test_what_is_asked_is_as_the_protocol_has_it():
    asked = advertised.ask(["refs/heads/main"])
    assert asked.startswith(b"0014command=ls-refs\n")
    assert b"0001" in asked
    assert asked.endswith(b"001fref-prefix refs/heads/main\n0000".replace(b"001f", b"%04x" % 0x1F))


def test_version_2_names_what_was_asked_for():
    data = packet(f"{A} HEAD symref-target:refs/heads/main\n") + packet(f"{A} refs/heads/main\n")
    data += packet(f"{B} refs/tags/v1 peeled:{C}\n") + b"0000"
    found = advertised.read_answer(data)
    assert found == Refs({"HEAD": A, "refs/heads/main": A, "refs/tags/v1": C}, "refs/heads/main")
    assert found.branches == ["main"]
    assert advertised.read_answer(b"0000") == Refs()


def test_version_0_names_all_there_is():
    data = packet("# service=git-upload-pack\n") + b"0000"
    data += packet(f"{A} HEAD\0multi_ack symref=HEAD:refs/heads/main agent=x\n")
    data += (
        packet(f"{A} refs/heads/main\n")
        + packet(f"{B} refs/tags/v1\n")
        + packet(f"{C} refs/tags/v1^{{}}\n")
        + b"0000"
    )
    found = advertised.read_advertisement(data)
    assert found == Refs({"HEAD": A, "refs/heads/main": A, "refs/tags/v1": C}, "refs/heads/main")
    empty = (
        packet("# service=git-upload-pack\n")
        + b"0000"
        + packet(f"{'0' * 40} capabilities^{{}}\0x\n")
        + b"0000"
    )
    assert advertised.read_advertisement(empty) == Refs()


def test_a_listing_of_git_names_the_same():
    text = f"ref: refs/heads/main\tHEAD\n{A}\tHEAD\n{A}\trefs/heads/main\n{B}\trefs/tags/v1\n{C}\trefs/tags/v1^{{}}\n"
    assert advertised.read_listing(text).commits == {"HEAD": A, "refs/heads/main": A, "refs/tags/v1": C}


def test_what_the_host_says_is_told():
    with pytest.raises(FetchFailed) as caught:
        advertised.read_answer(packet("ERR no\x1b[31m such thing\n") + b"0000")
    assert caught.value.message == "Cannot fetch the repository: its host says: no [31m such thing."


@pytest.mark.parametrize(
    "data",
    [b"", b"<html>", b"0003", b"0005", b"ffffx", b"zzzz0000", b"+123" + b"x" * 300 + b"0000", packet("x y\n") + b"0000",
     packet(f"{A[:39]} refs/heads/main\n") + b"0000", packet("unborn HEAD\n") + b"0000", b"0006\xff\xff0000"],
)  # fmt: skip
def test_what_is_no_answer_is_refused(data):
    with pytest.raises(NotSpoken):
        advertised.read_answer(data)


@given(
    st.binary(max_size=200)
    | st.lists(st.text(max_size=20).map(packet)).map(lambda one: b"".join(one) + b"0000")
)
def test_whatever_is_answered_is_read_or_refused(data):
    for read in (advertised.read_answer, advertised.read_advertisement):
        try:
            found = read(data)
        except FetchFailed:
            continue
        assert all(len(commit) == 40 for commit in found.commits.values())
