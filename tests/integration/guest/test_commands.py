"""Commands that listen on a port: started, waited for, reached by our socket both ways, and ended with."""

from __future__ import annotations

import signal
import socket

import pytest

from tholos.detect.model import Kind

ECHO = '''
import os, socketserver, sys


class Echo(socketserver.BaseRequestHandler):
    """Answers once the other side has said everything."""

    def handle(self):
        said = b""
        while chunk := self.request.recv(65536):
            said += chunk
        if said == b"end":
            os._exit(7)
        if said == b"die":
            os.kill(os.getpid(), 9)
        self.request.sendall(b"heard " + said)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True


print("listening on", sys.argv[1], flush=True)
Server(("127.0.0.1", int(sys.argv[1])), Echo).serve_forever()
'''


@pytest.fixture
def begin(start):
    return lambda command, version="3.11": start(Kind.COMMAND, command, {"echo.py": ECHO}, version=version)


@pytest.mark.parametrize("version", ["3.8", "3.12"])
def test_what_is_said_is_heard_when_one_side_has_ended(begin, version):
    app = begin("exec python echo.py $PORT", version).await_ready()
    with app.connect() as connection:
        connection.sendall(b"x" * 300_000)
        connection.shutdown(socket.SHUT_WR)
        heard = b""
        while chunk := connection.recv(65536):
            heard += chunk
    assert heard == b"heard " + b"x" * 300_000
    assert app.end() == 0
    assert not app.path.exists()


@pytest.mark.parametrize(("word", "code"), [(b"end", 7), (b"die", -signal.SIGKILL)])
def test_it_ends_as_its_command_does(begin, word, code):
    app = begin("exec python echo.py $PORT").await_ready()
    with app.connect() as connection:
        connection.sendall(word)
        connection.shutdown(socket.SHUT_WR)
        assert app.await_end() == code


def test_a_port_of_its_own(begin):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = begin(f"PORT={port} python echo.py {port}").await_ready()
    second = begin(f"PORT={port} python echo.py {port}")
    assert second.await_end() == 1
    assert f"cannot start: port {port} cannot be had" in second.log
    assert app.end() == 0


def test_one_that_never_listens(begin):
    app = begin("echo what is wrong; exit 3")
    assert app.await_end() == 1
    assert "cannot start: the command ended with exit code 3 before it listened on port" in app.log
    assert "what is wrong" in app.log


def test_one_that_is_told_to_end_before_it_listens(begin):
    app = begin("echo here; sleep 100")
    app.wait_until(lambda: "here" in app.log)
    assert app.end() == 0


def test_whoever_listens_for_everybody_is_told(begin):
    app = begin("python -m http.server --bind 0.0.0.0 $PORT").await_ready()
    assert app.ask("/").status == 200
    app.wait_until(lambda: "listens on every address" in app.log)
