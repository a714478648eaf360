"""Apps that answer what no app should: whoever asks them has the trouble, and nobody else. Both ways."""

import http.client
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tholos.testing.trial import Trial
from tholos.testing.visitors import UPGRADE, Browser

WAYS = ("door", "gateway")
IS_SHARED = True

RUDE = """
import os
import socket
import threading

OK = b"HTTP/1.1 200 OK\\r\\n"
LAST = OK + b"Connection: close\\r\\n"
SMUGGLED = OK + b"Content-Length: 8\\r\\n\\r\\nsmuggled"
WHOLE = OK + b"Content-Length: 3\\r\\n\\r\\none"
ANSWERS = {
    b"/half": LAST + b"Content-Length: 100\\r\\n\\r\\nhalf",
    b"/half-chunked": LAST + b"Transfer-Encoding: chunked\\r\\n\\r\\n4\\r\\nhalf\\r\\n",
    b"/half-head": b"HTTP/1.1 200 OK\\r\\nX-Half: ",
    b"/nothing": b"",
    b"/garbage": b"\\x16\\x03\\x01 this is no HTTP at all\\r\\n\\r\\n",
    b"/two": WHOLE + SMUGGLED,
    b"/both": OK + b"Content-Length: 3\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n0\\r\\n\\r\\n" + SMUGGLED,
    b"/lengths": OK + b"Content-Length: 3\\r\\nContent-Length: 60\\r\\n\\r\\none" + SMUGGLED,
    b"/head": WHOLE + SMUGGLED,
    b"/no-content": b"HTTP/1.1 204 No Content\\r\\nContent-Length: 3\\r\\n\\r\\none" + SMUGGLED,
    b"/unchanged": b"HTTP/1.1 304 Not Modified\\r\\nContent-Length: 3\\r\\n\\r\\none" + SMUGGLED,
    b"/obscure": OK + b"Transfer-Encoding: \\x0bchunked\\r\\nContent-Length: 3\\r\\n\\r\\none" + SMUGGLED,
    b"/bare": OK.replace(b"\\r", b"") + b"Content-Length: 3\\nX: y\\n\\none" + SMUGGLED,
    b"/early": b"HTTP/1.1 100 Continue\\r\\n\\r\\n" * 3 + WHOLE,
    b"/huge": OK + b"X-Huge: " + b"x" * 3_000_000 + b"\\r\\nContent-Length: 3\\r\\n\\r\\none",
    b"/many": OK + b"X-Many: x\\r\\n" * 20_000 + b"Content-Length: 3\\r\\n\\r\\none",
    b"/switched": b"HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\n\\r\\n" + SMUGGLED,
    b"/no-upgrade": WHOLE,
}
LEAVING = {b"/half", b"/half-chunked", b"/half-head", b"/nothing", b"/garbage", b"/huge", b"/many", b"/switched"}
asked = []


def serve(asker):
    with asker:
        while True:
            head = b""
            while b"\\r\\n\\r\\n" not in head:
                got = asker.recv(65536)
                if not got:
                    return
                head += got
            path = head.split(b" ")[1]
            asked.append(path.decode())
            if path == b"/asked":
                text = repr(asked).encode()
                asker.sendall(LAST + b"Content-Length: %d\\r\\n\\r\\n" % len(text) + text)
                return
            asker.sendall(ANSWERS.get(path, WHOLE))
            if path in LEAVING:
                return


with socket.create_server(("127.0.0.1", int(os.environ["PORT"])), backlog=200) as listening:
    while True:
        threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()
"""


@pytest.fixture(scope="module")
def rude(trial: Trial, ada: Browser) -> Iterator[Browser]:
    trial.publish("rude", {"Procfile": "web: exec python serve.py\n", "serve.py": RUDE}, token=ada.token())
    assert ada.go("rude", "/").status == 200
    yield ada
    trial.delete("rude")


@pytest.fixture(autouse=True)
def good(bea: Browser) -> Iterator[None]:
    """A neighbour answers as it did."""
    yield
    assert bea.ask("GET", "hers", "/").status == 200


BROKEN = ["/half", "/half-chunked", "/half-head", "/nothing", "/garbage", "/huge", "/many"]


@pytest.mark.parametrize("path", BROKEN)
def test_half_an_answer_is_seen_as_one(rude: Browser, path: str) -> None:
    """As an error, or as an end before the end; never as a whole answer."""
    with suppress(http.client.HTTPException, ConnectionError):
        got = rude.ask("GET", "rude", path)
        assert got.status in {502, 503}, (path, got.status, got.body[:200])
        assert b"half" not in got.body
    assert rude.ask("GET", "rude", "/").body == b"one"


SEVERAL = [
    "/two", "/both", "/lengths", "/early", "/head", "/no-content", "/unchanged", "/obscure", "/bare",
]  # fmt: skip


@pytest.mark.parametrize("path", SEVERAL)
def test_of_two_answers_nobody_else_gets_the_second(rude: Browser, path: str) -> None:
    for _ in range(5):
        with suppress(http.client.HTTPException, ConnectionError):
            got = rude.ask("HEAD" if path == "/head" else "GET", "rude", path)
            assert b"smuggled" not in got.body, path
        assert rude.ask("GET", "rude", "/").body == b"one", path


@pytest.mark.parametrize("path", ["/no-upgrade", "/switched"])
def test_what_follows_an_upgrade_that_is_none_is_a_request_like_any_other(
    trial: Trial, rude: Browser, path: str
) -> None:
    """Answered 200, or switched to where nobody asked for it: nothing goes past the door on that connection."""
    more = UPGRADE if path == "/no-upgrade" else {}
    hidden = f"GET /smuggled HTTP/1.1\r\nHost: {rude.host('rude')}\r\nConnection: close\r\n\r\n"
    with (
        rude.sent("GET", "rude", path, Origin=rude.origin("rude"), **more) as opened,
        suppress(ConnectionError),
    ):
        assert opened.recv(12)
        opened.sendall(hidden.encode())
        while opened.recv(65536):
            pass
    assert "/smuggled" not in rude.ask("GET", "rude", "/asked").body.decode()


@pytest.mark.parametrize(("accept", "kind"), [("text/html", "text/html"), ("*/*", "application/json")])
def test_of_an_app_that_answers_nothing_we_tell_it_in_our_own_words(
    rude: Browser, accept: str, kind: str
) -> None:
    got = rude.ask("GET", "rude", "/nothing", Accept=accept)
    assert got.status in {502, 503}
    assert dict(got.headers)["content-type"].startswith(kind)
    assert b"closed the connection before it answered" in got.body
    assert (b"It is not there just now" in got.body) == (kind == "text/html")
