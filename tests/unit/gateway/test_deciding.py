"""Every outcome of a decision can be acted on."""

from tholos.gateway.deciding import WRONG, Way, find_way, is_allowed
from tholos.gateway.incoming import parse_request
from tholos.gateway.limits import Limits
from tholos.gateway.model import Answer, Carry
from tholos.kit.errors import NotFound

REQUEST = parse_request(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "", Limits())


async def test_ways_and_answers(make_desk):
    """A Carry becomes the bytes to send, an Answer stays one."""

    async def decide(head, attempt):
        return Answer(404) if attempt else Carry("unix:/x", "x", answer_headers=[(b"a", b"b")])

    shared = make_desk(decide).shared
    way = await find_way(shared, REQUEST, 0)
    assert isinstance(way, Way)
    assert (way.head, way.added) == (b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", b"a: b\r\n")
    assert await find_way(shared, REQUEST, 1) == Answer(404)


async def test_errors_become_answers(make_desk):
    """Own errors are rendered; others are reported and not shown."""

    async def decide(head, attempt):
        raise NotFound("Cannot find it.") if attempt else RuntimeError("secret")

    desk = make_desk(decide)
    assert await find_way(desk.shared, REQUEST, 0) is WRONG
    assert b"Cannot find it." in (await find_way(desk.shared, REQUEST, 1)).body
    assert [str(error) for error in desk.errors] == ["secret"]


async def test_changed_access_is_decided_again(make_desk):
    """Where access changed meanwhile and does not hold, and not for ever."""
    asked = 0

    async def decide(head, attempt):
        nonlocal asked
        asked += 1
        desk.shared.access_changes += 1
        return Carry("unix:/x", "x", still_allowed=lambda: asked == 2 and attempt == 0)

    desk = make_desk(decide)
    assert isinstance(await find_way(desk.shared, REQUEST, 0), Way)
    assert asked == 2
    assert (await find_way(desk.shared, REQUEST, 1)).status == 403


async def test_a_body_that_says_that_it_is_too_long_is_refused_unread(make_desk):
    async def decide(head, attempt):
        return Carry("unix:/x", "x", max_body=8)

    shared = make_desk(decide).shared
    for length, is_refused in ((8, False), (9, True)):
        head = f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"
        way = await find_way(shared, parse_request(head.encode(), "", Limits()), 0)
        assert isinstance(way, Answer) == is_refused
    assert way.status == 413


def test_a_check_that_fails_refuses():
    """Without proof there is no access."""

    def fail():
        raise OSError

    assert is_allowed(Carry("unix:/x", "x"))
    assert not is_allowed(Carry("unix:/x", "x", still_allowed=fail))
