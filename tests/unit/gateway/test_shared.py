"""What the connections of a carrier share."""

from tholos.gateway.incoming import parse_request
from tholos.gateway.limits import Limits
from tholos.gateway.model import Answer
from tholos.kit.errors import Unavailable

HEAD = parse_request(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "", Limits()).head


async def test_rendering(make_desk):
    """The injected page keeps its body and gets the carrier's status; one that fails is replaced by plain text."""
    desk = make_desk()
    desk.shared.render_error = lambda head, error: Answer(503, body=b"page")
    assert desk.shared.render(HEAD, Unavailable("x"), 504) == Answer(504, body=b"page")
    assert desk.shared.render(HEAD, Unavailable("x")).status == 503
    desk.shared.render_error = lambda head, error: 1 / 0
    assert desk.shared.render(HEAD, Unavailable("x"), 502).status == 502
    assert isinstance(desk.errors[0], ZeroDivisionError)


async def test_the_date(make_desk):
    """As RFC 9110 5.6.7 writes it."""
    shared = make_desk().shared
    shared.refresh_date()
    assert shared.date.endswith(b" GMT")
