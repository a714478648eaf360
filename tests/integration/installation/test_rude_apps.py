"""Apps that answer what no app should, or look for what is not theirs: whoever asks them has the trouble, and nobody else. Both ways."""

import http.client
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tholos.gateway.render import ROUTES
from tholos.runtime import walls
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
    b"/early": b"HTTP/1.1 100 Continue\\r\\n\\r\\n" * 3 + WHOLE,
    b"/huge": OK + b"X-Huge: " + b"x" * 3_000_000 + b"\\r\\nContent-Length: 3\\r\\n\\r\\none",
    b"/many": OK + b"X-Many: x\\r\\n" * 20_000 + b"Content-Length: 3\\r\\n\\r\\none",
    b"/switched": b"HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\n\\r\\n" + SMUGGLED,
    b"/no-upgrade": WHOLE,
}
STAYING = {b"/two", b"/both", b"/lengths", b"/early", b"/no-upgrade", b"/"}
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
            if path not in STAYING:
                return


with socket.create_server(("127.0.0.1", int(os.environ["PORT"])), backlog=200) as listening:
    while True:
        threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()
"""
LOOKING = """
import json


def app(environ, start_response):
    names = {"found": []}
    exec(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode(), names)
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(names["found"]).encode()]
"""
LOOKS = """
import os
import socket

found = []
for path in {paths!r}:
    try:
        os.stat(path)
        found.append(path)
    except OSError:
        pass
    try:
        with socket.socket(socket.AF_UNIX) as own:
            own.connect(path)
        found.append(path)
    except OSError:
        pass
for pid in {pids!r}:
    try:
        os.kill(pid, 0)
        found.append(pid)
    except OSError:
        pass
    try:
        found.append(open("/proc/%d/environ" % pid).read())
    except OSError:
        pass
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


@pytest.mark.parametrize("path", ["/two", "/both", "/lengths", "/early"])
def test_of_two_answers_nobody_else_gets_the_second(rude: Browser, path: str) -> None:
    for _ in range(5):
        with suppress(http.client.HTTPException, ConnectionError):
            got = rude.ask("GET", "rude", path)
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


def test_an_app_finds_neither_the_way_to_the_proxy_nor_to_the_door(trial: Trial, ada: Browser) -> None:
    """Their sockets, the proxy's administration among them, and what they keep in memory."""
    found = walls.find()
    if not found.has("bubblewrap"):
        pytest.skip(found.missing["bubblewrap"])
    trial.publish("looking", {"app.py": LOOKING}, token=ada.token())
    try:
        assert ada.go("looking", "/").status == 200
        data = trial.server.data
        own = str(trial.instance("looking")["id"])
        places = (
            *data.rglob("*.sock"),
            *Path("/tmp").glob("tholos-*/*.sock"),
            data / "proxy" / ROUTES,
        )
        paths = [str(one) for one in places if own not in str(one)]
        servers = [one.pid for one in trial.processes() if "platform_" in one.command]
        pids = [trial.server.pid, trial.server.supervisor_pid, *servers]
        code = LOOKS.format(paths=[*paths, str(data / "keys" / "passes.pem")], pids=pids)
        got = ada.ask("POST", "looking", "/", code, Origin=ada.origin("looking"))
        assert json.loads(got.body) == []
    finally:
        trial.delete("looking")
