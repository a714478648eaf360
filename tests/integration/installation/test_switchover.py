"""A new release takes over and nobody who asks notices; what was begun on the old one ends there."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tholos.testing.asking import Asker
from tholos.testing.trial import Files, Trial, eventually, wsgi

SETTINGS = {"THOLOS_APPS__DRAIN_TIMEOUT_S": "4", "THOLOS_APPS__START_TIMEOUT_S": "10"}


def asgi(text: str) -> Files:
    """Answers with a text and what was posted; ``/long`` goes on for two seconds; a websocket echoes with the text."""
    return {
        "app.py": f"""
import asyncio

TEXT = {text!r}


async def app(scope, receive, send):
    if scope["type"] == "websocket":
        await receive()
        await send({{"type": "websocket.accept"}})
        while (message := await receive())["type"] == "websocket.receive":
            await send({{"type": "websocket.send", "text": TEXT + " " + message["text"]}})
        return
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    await send({{"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}})
    for _ in range(20 if scope["path"] == "/long" else 0):
        await send({{"type": "http.response.body", "body": TEXT.encode(), "more_body": True}})
        await asyncio.sleep(0.1)
    await send({{"type": "http.response.body", "body": TEXT.encode() + body}})
"""
    }


@contextmanager
def websocket(trial: Trial, name: str) -> Iterator[ClientConnection]:
    """An open websocket of an app."""
    host = f"{name}.localhost:{trial.server.port}"
    headers = {"Authorization": f"Bearer {trial.server.token}"}
    sock = socket.create_connection(("127.0.0.1", trial.server.port))
    with connect(f"ws://{host}/", sock=sock, additional_headers=headers) as opened:
        yield opened


def test_ten_releases_in_a_row_without_a_failed_request(trial: Trial) -> None:
    """On kept and new connections, asked and posted; answers go from release to release and never back."""
    texts = [f"release {number};" for number in range(11)]
    trial.publish("rows", asgi(texts[0]))
    with ExitStack() as stack:
        askers = [
            stack.enter_context(Asker(trial.server, "rows", method, keep_alive=kept, body=body))
            for method, body in (("GET", None), ("POST", b"x" * 30_000))
            for kept in (False, True)
        ]
        for text in texts[1:]:
            trial.publish("rows", asgi(text))
        eventually(lambda: all(texts[-1] in asker.asked[-1].text for asker in askers))
    assert [asker.failures for asker in askers] == [[]] * 4
    for asker in askers:
        expected = [text + (asker.body or b"").decode() for text in texts]
        assert [text for text in expected if text in asker.texts] == asker.texts
    assert sum(len(asker.asked) for asker in askers) > 200
    assert trial.live("rows") == 11
    trial.settle()
    trial.delete("rows")


def test_a_stream_and_a_websocket_live_on_until_they_end(trial: Trial) -> None:
    """The old release stays as long as they do, and gets nothing new."""
    trial.publish("drained", asgi("old"))
    old = trial.instance("drained")["pid"]
    with (
        trial.stream("GET", "/long", host="drained", token=trial.server.token) as stream,
        websocket(trial, "drained") as tunnel,
    ):
        assert stream.read(3) == b"old"
        trial.publish("drained", asgi("new"))
        assert trial.get("drained").text == "new"
        tunnel.send("still there?")
        assert tunnel.recv(5) == "old still there?"
        assert stream.read() == b"old" * 20
        assert old in {one.pid for one in trial.processes()}
    eventually(lambda: old not in {one.pid for one in trial.processes()}, 5)
    trial.settle()
    trial.delete("drained")


def test_what_does_not_end_is_ended_when_its_time_is_over(trial: Trial) -> None:
    trial.publish("patient", asgi("old"))
    with websocket(trial, "patient") as tunnel:
        tunnel.send("hello")
        assert tunnel.recv(5) == "old hello"
        trial.publish("patient", asgi("new"))
        began = time.monotonic()
        with pytest.raises(ConnectionClosed):
            tunnel.recv(20)
        assert 2 < time.monotonic() - began < 12
    trial.settle()
    trial.delete("patient")


def test_a_killed_instance_is_started_again_and_requests_wait_for_it(trial: Trial) -> None:
    """At most those under way at that moment are lost; state, why and log say what happened."""
    trial.publish("killed", wsgi("one", before="import time; time.sleep(0.5)"))
    before = trial.instance("killed")
    with Asker(trial.server, "killed") as asker:
        time.sleep(0.2)
        os.killpg(int(str(before["pid"])), signal.SIGKILL)
        eventually(lambda: trial.instance("killed")["pid"] not in {None, before["pid"]})
        eventually(lambda: trial.state("killed") == "serving")
        time.sleep(0.2)
    assert len(asker.failures) <= 1, asker.failures
    assert max(one.ended - one.began for one in asker.asked) > 0.3
    instance = trial.instance("killed")
    assert (instance["restarts"], instance["id"]) == (1, before["id"])
    why = trial.server.cli("why", "killed")
    assert "after 1 ends by itself" in why.stdout
    log = trial.server.cli("logs", "killed").stdout
    assert "killed by SIGKILL" in log
    trial.delete("killed")


def test_an_app_that_crashes_again_and_again_says_so_meanwhile(trial: Trial) -> None:
    """While it waits for its next start it is failing, with the first cause; requests wait and then are told."""
    bad = "import os\nif os.path.exists(os.environ['THOLOS_DATA'] + '/bad'): raise KeyError('total')"
    trial.publish("crashing", wsgi("one", before=bad))
    (trial.server.data / "apps" / str(trial.app("crashing")["id"]) / "data" / "bad").touch()
    os.killpg(int(str(trial.instance("crashing")["pid"])), signal.SIGKILL)
    eventually(lambda: int(str(trial.instance("crashing")["restarts"])) >= 3)
    eventually(lambda: "KeyError: 'total' (app.py:2)" in str(trial.app("crashing")["state"]))
    eventually(lambda: "KeyError: 'total'" in trial.server.cli("why", "crashing").stdout)
    (trial.server.data / "apps" / str(trial.app("crashing")["id"]) / "data" / "bad").unlink()
    assert trial.get("crashing").text == "one"
    trial.delete("crashing")


def test_an_app_is_deleted_while_it_is_asked(trial: Trial) -> None:
    """Answers are those of the app, then those of a host without one; no request hangs."""
    trial.publish("leaving", wsgi("one"))
    with Asker(trial.server, "leaving") as asker:
        time.sleep(0.2)
        assert trial.delete("leaving")["state"] == "done"
        time.sleep(0.3)
    statuses = [one.status for one in asker.asked]
    assert statuses[0] == 200
    assert set(statuses) <= {200, 403, 503, 0}
    assert statuses.count(0) <= 1, "one that is under way at that moment is ended, as streams are"
    assert statuses[-1] == 403
    assert max(one.ended - one.began for one in asker.asked) < 5
    trial.settle()
    assert trial.processes() == []
