"""Requests that name another app than they are let into, or that are none: hosts, targets, upgrades and heads. Both ways.

Two apps say their own name. Whoever asks is let into the first alone, so an answer of the second is always wrong.
"""

import json
import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress

import pytest

from tholos.testing import storm
from tholos.testing.trial import Trial, eventually
from tholos.testing.visitors import UPGRADE, Browser

WAYS = ("door", "gateway")
IS_SHARED = True
REFUSED = {400, 401, 403, 404, 421}
NO_ANSWER = {0, 400, 413, 414, 431}
TIMEOUT_S = 20.0
SAID = b'", 1, "'
"""In whatever either of the two apps says."""


@pytest.fixture(scope="module")
def visitor(trial: Trial, ada: Browser, bea: Browser) -> Iterator[Browser]:
    """Let into *first*, and not into Bea's *second*; both have been opened, so that both have a lane."""
    for browser, name in ((ada, "first"), (bea, "second")):
        trial.publish(name, storm.wsgi(name, 1), token=browser.token())
        assert browser.go(name, "/").status == 200
    yield ada
    for name in ("first", "second"):
        trial.delete(name)


@pytest.fixture(autouse=True)
def others(bea: Browser, visitor: Browser) -> Iterator[None]:
    """Somebody else is served as before."""
    yield
    assert bea.ask("GET", "second", "/").json() == ["second", 1, "bea"]
    assert visitor.ask("GET", "first", "/").json() == ["first", 1, "ada"]


def cookie_of(browser: Browser, name: str) -> str:
    return "Cookie: " + "; ".join(f"{one}={value}" for one, value in browser.jar[browser.host(name)].items())


def told(trial: Trial, *sent: bytes) -> Iterator[list[tuple[int, bytes]]]:
    """What each of these is answered, in their order: the status of every answer and what follows it; nothing where the connection
    was closed without a word. All are sent before any is read, as it may take seconds until a refused one is closed.
    """
    with ExitStack() as stack:
        opened = []
        for data in sent:
            address = ("127.0.0.1", trial.server.port)
            one = stack.enter_context(socket.create_connection(address, timeout=TIMEOUT_S))
            with suppress(ConnectionError):
                one.sendall(data)
            opened.append(one)
        for one in opened:
            received = b""
            with suppress(ConnectionError):
                while piece := one.recv(65536):
                    received += piece
            pieces = re.split(rb"HTTP/1\.[01] ([0-9]{3})[^\r]*\r\n", received)[1:]
            yield [(int(status), rest) for status, rest in zip(pieces[::2], pieces[1::2], strict=True)]


def head(*lines: str) -> bytes:
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1")


def only(answers: list[tuple[int, bytes]]) -> tuple[int, bytes]:
    """Of a single request, at most one answer."""
    assert len(answers) <= 1, answers
    return answers[0] if answers else (0, b"")


# Which app is meant

FIRST, SECOND = "first.localhost:{port}", "second.localhost:{port}"
OWN = (
    ("/", [FIRST]),
    ("/", ["FIRST.LocalHost:{port}"]),
    ("/", [" " + FIRST + " \t"]),
    ("http://" + FIRST + "/", [FIRST]),
    ("HTTP://" + FIRST + "/", [FIRST]),
    ("http://" + FIRST, [FIRST]),
)
"""Target, and Host lines, of requests for the first app however they are written."""
FOREIGN = (
    ("/", [SECOND]),
    ("/", [FIRST, SECOND]),
    ("/", [SECOND, FIRST]),
    ("/", [FIRST, FIRST]),
    ("/", [FIRST + ", " + SECOND]),
    ("/", [FIRST + " " + SECOND]),
    ("/", [FIRST + "/", SECOND]),
    ("/", [FIRST + "/@" + SECOND]),
    ("/", ["first.localhost.:{port}"]),
    ("/", ["first.localhost:{port}."]),
    ("/", ["first.localhost"]),
    ("/", ["first.localhost:"]),
    ("/", ["first.localhost:1"]),
    ("/", ["first.localhost:0{port}"]),
    ("/", ["first.localhost:{port}1"]),
    ("/", ["first.localhost:+{port}"]),
    ("/", ["second@" + FIRST]),
    ("/", [FIRST + "@" + SECOND]),
    ("/", ["%66irst.localhost:{port}"]),
    ("/", [FIRST + "\0"]),
    ("/", [FIRST + "#"]),
    ("/", [FIRST + "?x"]),
    ("/", ["x." + FIRST]),
    ("/", ["." + FIRST]),
    ("/", ["first..localhost:{port}"]),
    ("/", ["*.localhost:{port}"]),
    ("/", ["127.0.0.1:{port}"]),
    ("/", ["[::1]:{port}"]),
    ("/", [""]),
    ("/", []),
    ("http://" + SECOND + "/", [SECOND]),
    ("http://" + SECOND + "/", [FIRST]),
    ("http://first@" + SECOND + "/", [FIRST]),
    ("http://" + FIRST + "@" + SECOND + "/", [FIRST]),
    ("http://" + SECOND + "/", [FIRST, SECOND]),
    ("https://" + SECOND + "/", [FIRST]),
    ("http:///", [SECOND]),
    ("//" + SECOND + "/", [SECOND]),
    ("ftp://" + FIRST + "/", [SECOND]),
    ("http:" + SECOND, [SECOND]),
    ("/http://" + FIRST + "/", [SECOND]),
    ("\\\\" + FIRST, [SECOND]),
)
"""Of requests that are for none that they are let into, or for two."""


def written(browser: Browser, target: str, hosts: Sequence[str], *more: str) -> bytes:
    port = browser.trial.server.port
    lines = [line.format(port=port) for line in (*(f"Host: {host}" for host in hosts), *more)]
    return head(f"GET {target.format(port=port)} HTTP/1.1", *lines, cookie_of(browser, "first"))


def is_of_first(status: int, rest: bytes) -> bool:
    return status == 200 and b'["first", 1, "ada"]' in rest


def test_however_a_host_is_written_it_is_the_same_app(trial: Trial, visitor: Browser) -> None:
    answers = told(trial, *(written(visitor, *case) for case in OWN))
    for case, answer in zip(OWN, answers, strict=True):
        assert is_of_first(*only(answer)), case


def test_no_spelling_of_a_host_opens_another_app(trial: Trial, visitor: Browser) -> None:
    """Nor does one that names two apps open either; what names this machine is for the console, which sends to its sign-in."""
    answers = told(trial, *(written(visitor, *case) for case in FOREIGN))
    for case, answer in zip(FOREIGN, answers, strict=True):
        status, rest = only(answer)
        assert status in REFUSED or b"location: /sign-in\r\n" in rest.lower(), (case, rest)
        assert SAID not in rest, case


def test_where_target_and_host_differ_the_app_sees_the_one_that_was_opened(
    trial: Trial, visitor: Browser
) -> None:
    """A target with a host in it is what counts (RFC 9112, 3.2.2), or the request is refused."""
    (answer,) = told(trial, written(visitor, "http://" + FIRST + "/", [SECOND]))
    assert only(answer)[0] == 400 or is_of_first(*only(answer))
    names = ("X-Forwarded-Host", "X-Host", "X-Original-Host", "X-HTTP-Host-Override")
    lines = (
        *(f"{name}: {SECOND}" for name in names),
        f"Forwarded: host={SECOND}",
        f"X-Original-URL: http://{SECOND}/",
    )
    answers = told(trial, *(written(visitor, "/", [FIRST], line) for line in lines))
    for line, answer in zip(lines, answers, strict=True):
        assert is_of_first(*only(answer)), line


# What is no request for a page

TUNNELS = (
    "CONNECT second.localhost:{port} HTTP/1.1",
    "CONNECT first.localhost:{port} HTTP/1.1",
    "CONNECT / HTTP/1.1",
    "CONNECT 127.0.0.1:{port} HTTP/1.1",
    "CONNECT 169.254.169.254:80 HTTP/1.1",
    "CONNECT http://second.localhost:{port}/ HTTP/1.1",
    "connect second.localhost:{port} HTTP/1.1",
    "CONNECT-UDP second.localhost:{port} HTTP/1.1",
    "GET http://169.254.169.254/latest/meta-data/ HTTP/1.1",
    "PRI * HTTP/2.0",
    "GET / HTTP/3",
    "GET / / HTTP/1.1",
    "GET /#/second HTTP/1.1",
    "GET",
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
)


def test_nothing_is_a_way_through(trial: Trial, visitor: Browser) -> None:
    """Not to another app, nor to this machine, nor to where secrets of a cloud are; nor is what follows heard at the other end of it."""
    port = trial.server.port
    cases = [(start, name) for start in TUNNELS for name in ("first", "second")]
    hidden = head("GET /hidden HTTP/1.1", f"Host: second.localhost:{port}")
    sent = [
        head(start.format(port=port), f"Host: {name}.localhost:{port}", cookie_of(visitor, "first")) + hidden
        for start, name in cases
    ]
    for case, answers in zip(cases, told(trial, *sent), strict=True):
        for status, rest in answers:
            assert status in {*REFUSED, 405, 426, 501, 505}, (case, rest)
            assert SAID not in rest, case


UPGRADES = (
    {},
    {"Upgrade": "WebSocket"},
    {"Upgrade": "websocket, h2c"},
    {"Upgrade": "h2c, websocket"},
    {"Upgrade": "websocket/13"},
    {"Upgrade": "websocket "},
    {"Upgrade": ""},
    {"Upgrade": "TLS/1.0"},
    {"Upgrade": "connect-udp"},
    {"Connection": "keep-alive, Upgrade"},
    {"Connection": "Upgrade, Cookie"},
    {"Connection": "Upgrade, Origin"},
    {"Content-Length": "0"},
    {"Accept": "text/event-stream"},
)


@pytest.mark.parametrize("more", UPGRADES, ids=str)
def test_no_upgrade_goes_past_the_door_without_credentials_of_its_own(
    trial: Trial, ada: Browser, bea: Browser, more: dict[str, str]
) -> None:
    """Not of nobody, nor of somebody else, nor of another app's page; with one of its owner's open, so that there is a way."""
    nobody = Browser(trial)
    own, foreign = ada.origin("echo"), ada.origin("hers")
    with ada.tunnel("echo", Origin=own) as (status, _):
        assert status == 101
        assert nobody.upgrade("echo", **more, Origin=own) != 101
        assert nobody.upgrade("echo", **more, Origin=own, Cookie=cookie_of(bea, "hers")[8:]) != 101
        assert nobody.upgrade("echo", **more, Authorization="Bearer tholos_garbage") != 101
        assert ada.upgrade("echo", **more, Origin=foreign) != 101
        for origins in ([own, foreign], [foreign, own], [f"{own}, {foreign}"], [f"{own} {foreign}"]):
            sent = [f"{name}: {value}" for name, value in ada.headers("echo", {**UPGRADE, **more}).items()]
            lines = ["GET /ws HTTP/1.1", *sent, *(f"Origin: {one}" for one in origins), "", ""]
            with socket.create_connection(("127.0.0.1", trial.server.port), timeout=TIMEOUT_S) as opened:
                opened.sendall("\r\n".join(lines).encode())
                assert opened.recv(12)[9:] != b"101", origins


# Heads without end

SIZE = 200_000
LARGE = {
    "path": ["GET /" + "x" * SIZE + " HTTP/1.1"],
    "query": ["GET /?" + "x" * SIZE + " HTTP/1.1"],
    "host": ["GET / HTTP/1.1", "Host: " + "x" * SIZE],
    "method": ["X" * SIZE + " / HTTP/1.1"],
    "version": ["GET / HTTP/1." + "1" * SIZE],
    "name": ["GET / HTTP/1.1", "x" * SIZE + ": a"],
    "value": ["GET / HTTP/1.1", "x: " + "a" * SIZE],
    "cookies": ["GET / HTTP/1.1", *("Cookie: a=" + "a" * 7000 for _ in range(20))],
    "lines": ["GET / HTTP/1.1", *("x: a" for _ in range(1000))],
    "options": ["GET / HTTP/1.1", "Connection: " + "x," * (SIZE // 2)],
}


def test_a_head_without_measure_is_refused(trial: Trial, visitor: Browser) -> None:
    """From somebody who is let in, and from nobody."""
    sent = {}
    for name, lines in LARGE.items():
        host = [] if name == "host" else [f"Host: {visitor.host('first')}"]
        sent[name] = head(*lines, *host)
        sent[f"{name}, let in"] = head(*lines, *host, cookie_of(visitor, "first"))
    for name, answers in zip(sent, told(trial, *sent.values()), strict=True):
        status, rest = only(answers)
        assert status in {*NO_ANSWER, 421}, (name, rest[:300])


def test_many_who_never_finish_a_head_keep_nobody_from_anything(trial: Trial, visitor: Browser) -> None:
    begun = f"GET / HTTP/1.1\r\nHost: {visitor.host('first')}\r\nX-Slow: ".encode()
    with ExitStack() as stack:
        for _ in range(300):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", trial.server.port), TIMEOUT_S))
            one.sendall(begun)
        for _ in range(5):
            assert json.loads(visitor.ask("GET", "first", "/").body) == ["first", 1, "ada"]
    eventually(lambda: visitor.ask("GET", "first", "/").status == 200)
