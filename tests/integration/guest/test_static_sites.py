from __future__ import annotations

import http.client
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tholos.detect.model import Kind

VERSIONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
FILES = {
    "index.html": "<p>ü</p>",
    "docs/index.html": "docs",
    "big.bin": "0123456789" * 100_000,
    "404.html": "lost",
}


@pytest.fixture
def site(start):
    return start(Kind.STATIC, ".", FILES).await_ready()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_site_answers_on_every_interpreter(start, version):
    app = start(Kind.STATIC, ".", FILES, version=version).await_ready()
    answer = app.ask("/")
    assert (answer.status, answer.body) == (200, "<p>ü</p>".encode())
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert app.ask("/", If_None_Match=answer.headers["etag"]).status == 304
    assert app.ask("/nosuch").body == b"lost"
    assert app.end() == 0
    assert not app.path.exists()


def test_a_site_may_begin_at_a_page_of_another_name(start):
    files = {"index.html": "above", "out/report.html": "report", "out/report_files/a.css": "a {}"}
    app = start(Kind.STATIC, "out/report.html", files).await_ready()
    assert app.ask("/").body == b"report"
    assert app.ask("/report_files/a.css").body == b"a {}"
    assert app.ask("/index.html").status == 404


def test_head_and_ranges_and_folders(site):
    head = site.ask("/big.bin", "HEAD")
    assert (head.body, head.headers["content-length"]) == (b"", "1000000")
    part = site.ask("/big.bin", Range="bytes=999990-")
    assert (part.status, part.body, part.headers["content-range"]) == (
        206,
        b"0123456789",
        "bytes 999990-999999/1000000",
    )
    folder = site.ask("/docs")
    assert (folder.status, folder.headers["location"]) == (301, "./docs/")
    assert site.ask("/big.bin").body == FILES["big.bin"].encode()


def test_a_connection_is_kept_for_further_requests(site):
    talk = http.client.HTTPConnection("x", timeout=10)
    talk.sock = site.connect()
    for target, status in (("/", 200), ("/nosuch", 404), ("/docs", 301), ("/big.bin", 200), ("/", 200)):
        talk.request("GET", target)
        response = talk.getresponse()
        response.read()
        assert response.status == status
    talk.close()


def test_other_methods_are_refused_and_a_body_is_never_the_next_request(site):
    assert site.ask("/", "POST", b"x").status == 405
    answer = site.raw(
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\n\r\nGET /docs/ HTTP/1.1\r\nHost: x\r\n\r\n"
    )
    assert answer.count(b"HTTP/1.1 ") == 1
    assert site.raw(b"NONSENSE\r\n\r\n").count(b"HTTP/1.1 400") <= 1
    assert site.ask("/").status == 200


def test_a_refusal_is_heard_by_who_sends_a_body_more_slowly(site):
    """Closing on what is unread would reset the connection, and with it the answer."""
    with site.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na")
        time.sleep(0.3)
        connection.sendall(b"b")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 405 ")


def test_many_visitors_at_once_and_one_who_leaves(site):
    with site.connect() as gone:
        gone.sendall(b"GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n")
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: site.ask("/big.bin").status, range(64)))
    assert answers == [200] * 64
    assert "Traceback" not in site.log


def test_an_answer_in_progress_is_finished_after_term(site):
    with site.connect() as connection:
        connection.sendall(b"GET /big.bin HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        time.sleep(0.2)
        site.process.terminate()
        time.sleep(0.2)
        received = b""
        while chunk := connection.recv(1 << 16):
            received += chunk
    assert received.endswith(FILES["big.bin"].encode())
    assert site.process.wait(20) == 0
