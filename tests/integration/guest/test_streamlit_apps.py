from __future__ import annotations

import stat

import pytest

from tholos.detect.model import Kind

SCRIPT = "import streamlit as st\nst.write('hello')\n"


@pytest.mark.parametrize(
    ("requirements", "version"),
    [("streamlit\n", "3.12"), ("streamlit==1.40.0\n", "3.11"), ("streamlit==1.23.1\naltair<5\n", "3.8")],
)
def test_a_script_answers_on_the_socket_whatever_its_streamlit_is_built_on(start, requirements, version):
    app = start(Kind.STREAMLIT, "app.py", {"app.py": SCRIPT}, requirements, version).await_ready()
    assert app.ask("/_stcore/health").body == b"ok"
    assert b"<title>Streamlit</title>" in app.ask("/").body
    assert stat.S_IMODE(app.path.stat().st_mode) == 0o600
    upgrade = (
        b"GET /_stcore/stream HTTP/1.1\r\nHost: demo.localhost\r\nOrigin: https://other.example.org\r\n"
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    with app.connect() as connection:
        connection.sendall(upgrade)
        assert connection.recv(100).startswith(b"HTTP/1.1 101")
    app.end()


def test_a_missing_streamlit_is_named(start):
    app = start(Kind.STREAMLIT, "app.py", {"app.py": SCRIPT})
    assert app.process.wait(20) == 1
    assert app.log.startswith("[tholos] cannot start: streamlit 1.12 or later is not installed")
