"""Where bodies end, and how they are framed for whom."""

import pytest

from tholos.gateway.answers import UNTIL_CLOSE
from tholos.gateway.bodies import AnswerBody, RequestBody
from tholos.gateway.chunks import BadChunk
from tholos.gateway.incoming import CHUNKED


def test_sized_requests():
    """What follows is given back."""
    body = RequestBody(5)
    assert body.take(b"abc") == (b"abc", b"")
    assert not body.done
    assert body.take(b"deGET") == (b"de", b"GET")
    assert body.done
    assert RequestBody(0).done


def test_sized_answers():
    """What follows is nobody's."""
    body = AnswerBody(3, is_11=True)
    assert body.take(b"abcevil") == b"abc"
    assert (body.done, body.surplus) == (True, True)
    assert body.end() is None


def test_chunked_answers():
    """As they came, or as bare data for an old client, who cannot tell a cut from the end."""
    new, old = AnswerBody(CHUNKED, is_11=True), AnswerBody(CHUNKED, is_11=False)
    assert new.take(b"2\r\nab\r\n0\r\n\r\n") == b"2\r\nab\r\n0\r\n\r\n"
    assert old.take(b"2\r\nab\r\n0\r\n\r\n") == b"ab"
    assert new.done
    assert old.done
    assert (new.shows_its_end, old.shows_its_end) == (True, False)
    with pytest.raises(BadChunk):
        AnswerBody(CHUNKED, is_11=True).take(b"x\r\n")


def test_answers_until_the_end():
    """Become chunks where the client knows them."""
    new, old = AnswerBody(UNTIL_CLOSE, is_11=True), AnswerBody(UNTIL_CLOSE, is_11=False)
    assert (new.take(b"abc"), new.end()) == (b"3\r\nabc\r\n", b"0\r\n\r\n")
    assert (old.take(b"abc"), old.end()) == (b"abc", b"")
    assert new.done
    assert old.done
