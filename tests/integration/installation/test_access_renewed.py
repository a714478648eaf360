"""Passes that last two seconds: whoever is let in notices nothing of the next one, whatever they are in the middle of."""

import re
import threading
import time
from typing import Self

import pytest

from tholos.testing.trial import Trial, eventually
from tholos.testing.visitors import Browser, Got, frame, hashed, newcomer

WAYS = ("door", "gateway")
LIFE_S = 2
RENEWALS = 2
SETTINGS = {"THOLOS_APPS__PASS_LIFE_S": str(LIFE_S), "THOLOS_GATEWAY__MAX_BODY_MB": "1"}

LASTING = """
import asyncio
import hashlib
import itertools


async def app(scope, receive, send):
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] != "websocket.disconnect":
            await send({"type": "websocket.send", "text": message["text"] + "!"})
        return
    if scope["type"] != "http":
        return
    if scope["path"] == "/stream":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        for number in itertools.count():
            await send({"type": "http.response.body", "body": b"data: %d\\n\\n" % number, "more_body": True})
            await asyncio.sleep(0.1)
    body = hashlib.sha256()
    more = True
    while more:
        message = await receive()
        body.update(message.get("body", b""))
        more = message.get("more_body", False)
    if scope["path"] == "/slow":
        await asyncio.sleep(5)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"64")]})
    await send({"type": "http.response.body", "body": body.hexdigest().encode()})
"""
"""Streams numbers, answers a websocket, hashes a body at once, or after five seconds."""


@pytest.fixture(scope="module")
def ada(trial: Trial) -> Browser:
    browser = newcomer(trial, "ada")
    trial.publish("lasting", {"app.py": LASTING}, token=browser.token())
    assert browser.go("lasting", "/").status == 200
    return browser


class Looking:
    """The same browser, which goes on asking: a click each moment, with whatever cookies it has by then."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.got: list[Got] = []
        self.failed: list[BaseException] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def renewals(self) -> int:
        return sum("tholos_pass" in one.cookies for one in self.got)

    def _run(self) -> None:
        own = self.browser.origin("lasting")
        while not self._over.is_set():
            try:
                self.got.append(self.browser.ask("POST", "lasting", "/", "click", Origin=own))
            except OSError as error:
                self.failed.append(error)
            time.sleep(0.1)


def test_nothing_that_lasts_notices_that_passes_end(trial: Trial, ada: Browser) -> None:
    """A slow upload, a slow answer, a stream of events and a websocket are begun with one pass and end with another, or none."""
    own = {"Origin": ada.origin("lasting")}
    body = b"x" * 5000
    with (
        ada.sent("POST", "lasting", "/", **own, **{"Content-Length": str(len(body) + 1)}) as upload,
        ada.sent("POST", "lasting", "/slow", **own, **{"Content-Length": "1"}) as slow,
        ada.stream("lasting") as stream,
        ada.tunnel("lasting", **own) as (status, tunnel),
        Looking(ada) as looking,
    ):
        assert status == 101
        while b"\r\n\r\n" not in tunnel.recv(65536):
            pass
        slow.sendall(b"y")
        sent = 0
        began = time.monotonic()
        while looking.renewals < RENEWALS or time.monotonic() - began < 5:
            assert time.monotonic() - began < 40
            upload.sendall(body[sent : sent + 10])
            sent += 10
            tunnel.sendall(frame(b"word"))
            assert b"word!" in tunnel.recv(65536)
            time.sleep(0.1)
        upload.sendall(body[sent:] + b"y")
        assert hash_in(upload) == hashed(body + b"y")
        assert hash_in(slow) == hashed(b"y")
        numbers = [int(one) for one in re.findall(rb"data: ([0-9]+)", read_on(stream))]
        assert numbers[-1] > 30
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert not looking.failed
    assert {one.status for one in looking.got} == {200}


def hash_in(opened) -> str:
    answer = b""
    while not re.search(rb"\r\n\r\n[0-9a-f]{64}", answer):
        piece = opened.recv(65536)
        assert piece, answer
        answer += piece
    return answer[-64:].decode()


def read_on(stream) -> bytes:
    """What came, and that more does."""
    read = b""
    until = time.monotonic() + 1
    while time.monotonic() < until:
        read += stream.recv(65536)
    return read


def test_what_begins_with_an_old_pass_begins_with_a_new_one(trial: Trial, ada: Browser) -> None:
    """A body is taken whole, an event stream and a websocket begin, and each brings the next pass with it."""
    own = {"Origin": ada.origin("lasting")}
    host = ada.host("lasting")
    handle = {"tholos_handle": ada.jar[host]["tholos_handle"]}
    ended = ada.jar[host]["tholos_pass"]

    def out_of_date() -> bool:
        return Browser(trial).ask("GET", "lasting", "/", Cookie=f"tholos_pass={ended}").status == 401

    eventually(out_of_date)
    for cookies in ({**handle, "tholos_pass": ended}, handle):
        ada.jar[host] = dict(cookies)
        got = ada.ask("POST", "lasting", "/", "z" * 200_000, **own)
        assert (got.status, got.body.decode()) == (200, hashed(b"z" * 200_000))
        assert "tholos_pass" in got.cookies
        for path, more in (("/stream", {"Accept": "text/event-stream"}), ("/ws", own)):
            ada.jar[host] = dict(cookies)
            head = head_of(ada, path, more)
            assert head.startswith(b"HTTP/1.1 101" if path == "/ws" else b"HTTP/1.1 200")
            assert b"\r\nset-cookie: tholos_pass=" in head.lower()


def head_of(browser: Browser, path: str, more: dict[str, str]) -> bytes:
    opening = browser.tunnel if path == "/ws" else browser.sent
    words = ("lasting",) if path == "/ws" else ("GET", "lasting", path)
    with opening(*words, **more) as made:
        head, opened = (b"HTTP/1.1 %d" % made[0], made[1]) if path == "/ws" else (b"", made)
        while b"\r\n\r\n" not in head:
            head += opened.recv(65536)
    return head


def test_a_body_beyond_the_bound_is_refused(ada: Browser) -> None:
    """With a length that says so before it is read; in chunks once it turns out."""
    own, most = {"Origin": ada.origin("lasting")}, 1 << 20
    assert ada.ask("POST", "lasting", "/", b"x" * most, **own).status == 200
    with ada.sent("POST", "lasting", "/", **own, **{"Content-Length": str(most + 1)}) as opened:
        said = opened.recv(65536)
    assert said.startswith(b"HTTP/1.1 413")
    assert b"body_too_long" in said
    with ada.sent("POST", "lasting", "/", **own, **{"Transfer-Encoding": "chunked"}) as opened:
        for _ in range(most >> 16):
            opened.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        opened.sendall(b"1\r\nx\r\n")
        assert opened.recv(65536).startswith(b"HTTP/1.1 413")


def test_who_has_lost_the_session_is_told_before_a_body_is_read(trial: Trial, ada: Browser) -> None:
    ada.jar.pop(ada.host("lasting"))
    with ada.sent("POST", "lasting", "/", **{"Content-Length": "1000000"}) as opened:
        head = opened.recv(65536)
    assert head.startswith(b"HTTP/1.1 401")
    assert ada.go("lasting", "/").status == 200
