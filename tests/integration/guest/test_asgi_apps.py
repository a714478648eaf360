from __future__ import annotations

import time

import pytest
from websockets.sync.client import unix_connect

from tholos.detect.model import Kind

VERSIONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
HELLO = """
import asyncio, sys
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        print("lifespan over", flush=True)
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        text = (await receive())["text"]
        answer = "%d %s %s" % (len(text), scope["scheme"], scope["client"][0])
        await send({"type": "websocket.send", "text": answer})
        await send({"type": "websocket.close"})
        return
    if scope["path"] == "/slow":
        await asyncio.sleep(1)
    host = dict(scope["headers"])[b"host"]
    body = b"%s %s %s" % (scope["scheme"].encode(), host, str(scope["client"]).encode())
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})
"""


def speak(app, text: str) -> str:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "10.1.2.3"}
    with unix_connect(str(app.path), "ws://demo.localhost/ws", additional_headers=headers) as talk:
        talk.send(text)
        return str(talk.recv())


@pytest.mark.parametrize("version", VERSIONS)
def test_an_asgi_app_answers_http_and_websockets_on_every_interpreter(start, version):
    app = start(Kind.ASGI, "app:app", {"app.py": HELLO}, version=version).await_ready()
    answer = app.ask("/", X_Forwarded_Proto="https", X_Forwarded_For="6.6.6.6, 10.1.2.3")
    assert answer.body == b"https demo.localhost ('10.1.2.3', 0)"
    large = "x" * (17 << 20)
    assert speak(app, large) == f"{17 << 20} wss 10.1.2.3"
    app.end()
    assert "lifespan over" in app.log
    assert '10.1.2.3:0 - "GET / HTTP/1.1" 200' in app.log
    assert not app.path.exists()


@pytest.mark.parametrize(
    "requirements",
    [
        "fastapi\n",
        "fastapi\nuvicorn[standard]\n",
        "starlette\nuvicorn==0.20.0\nwebsockets==10.4\n",
        "starlette\nclick==7.1.2\n",
        "starlette\nh11==0.14.0\nwebsockets==9.1\n",
        "starlette\ntyping-extensions==4.10.0\nwsproto==1.2.0\n",
    ],
)
def test_the_apps_own_servers_and_libraries_win_and_still_work(start, requirements):
    app = start(Kind.ASGI, "app:app", {"app.py": HELLO}, requirements).await_ready()
    assert app.ask("/", X_Forwarded_Proto="https").body.startswith(b"https demo.localhost")
    assert speak(app, "abc").startswith("3 ws")
    app.end()
    assert "lifespan over" in app.log


def test_a_request_in_progress_is_finished_after_term(start):
    app = start(Kind.ASGI, "app:app", {"app.py": HELLO}).await_ready()
    with app.connect() as connection:
        connection.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.2)
        app.process.terminate()
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    app.process.wait(20)
    assert "lifespan over" in app.log


SLOW_START = """
import asyncio
async def app(scope, receive, send):
    await receive()
    print("starting", flush=True)
    await asyncio.sleep(60)
"""


def test_term_during_the_lifespans_start_ends_at_once(start):
    app = start(Kind.ASGI, "app:app", {"app.py": SLOW_START})
    while "starting" not in app.log:
        time.sleep(0.02)
    began = time.monotonic()
    assert app.end() == -15
    assert time.monotonic() - began < 1


def test_a_failed_lifespan_is_a_failed_start(start):
    source = "async def app(scope, receive, send):\n    await receive()\n    await send({'type': 'lifespan.startup.failed', 'message': 'no database'})\n"
    app = start(Kind.ASGI, "app:app", {"app.py": source})
    assert app.process.wait(20) == 1
    assert "no database" in app.log
    assert "[tholos] cannot start: the app's lifespan start-up failed" in app.log
