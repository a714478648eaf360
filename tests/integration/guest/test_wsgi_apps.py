from __future__ import annotations

import http.client
import stat
import time

import pytest

from tholos.detect.model import Kind

VERSIONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
HELLO = """
import sys, threading, time
def app(environ, start_response):
    path = environ["PATH_INFO"]
    start_response("200 OK", [("Content-Type", "text/plain")])
    if path == "/stream":
        return stream()
    if path == "/slow":
        time.sleep(1)
    if path == "/body":
        return [str(len(environ["wsgi.input"].read())).encode()]
    names = ("wsgi.url_scheme", "HTTP_HOST", "REMOTE_ADDR", "SCRIPT_NAME")
    return [" ".join(environ.get(name, "-") for name in names).encode()]
def stream():
    for number in range(3):
        yield b"%d\\n" % number
        time.sleep(0.3)
"""


@pytest.mark.parametrize("version", VERSIONS)
def test_a_wsgi_app_answers_on_every_interpreter(start, version):
    app = start(Kind.WSGI, "app:app", {"app.py": HELLO}, version=version).await_ready()
    answer = app.ask("/", X_Forwarded_Proto="https", X_Forwarded_For="6.6.6.6, 10.1.2.3")
    assert answer.body == b"https demo.localhost 10.1.2.3 "
    assert app.ask("/").body.startswith(b"http demo.localhost ")
    assert stat.S_IMODE(app.path.stat().st_mode) == 0o600
    assert app.end() == 0
    assert not app.path.exists()


@pytest.mark.parametrize("version", VERSIONS)
def test_flask_answers_on_every_interpreter(start, version):
    source = "from flask import Flask, request\napp = Flask(__name__)\n@app.get('/')\ndef i(): return request.url\n"
    app = start(Kind.WSGI, "app:app", {"app.py": source}, "flask\n", version).await_ready()
    assert app.ask("/?a=1", X_Forwarded_Proto="https").body == b"https://demo.localhost/?a=1"
    assert app.end() == 0


def test_a_stream_leaves_chunk_by_chunk(start):
    app = start(Kind.WSGI, "app:app", {"app.py": HELLO}).await_ready()
    talk = http.client.HTTPConnection("demo.localhost", timeout=20)
    talk.sock = app.connect()
    talk.request("GET", "/stream")
    began = time.monotonic()
    response = talk.getresponse()
    assert response.readline() == b"0\n"
    assert time.monotonic() - began < 0.25
    assert response.read() == b"1\n2\n"
    talk.close()


def test_a_request_in_progress_is_finished_after_term_and_no_new_one_accepted(start):
    app = start(Kind.WSGI, "app:app", {"app.py": HELLO}).await_ready()
    with app.connect() as connection:
        connection.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.2)
        app.process.terminate()
        time.sleep(0.2)
        with pytest.raises(OSError, match=r"refused|No such file"):
            app.connect()
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    assert app.process.wait(20) == 0


def test_a_large_body_arrives(start):
    app = start(Kind.WSGI, "app:app", {"app.py": HELLO}).await_ready()
    assert app.ask("/body", "POST", b"x" * (20 << 20)).body == str(20 << 20).encode()


def test_term_before_ready_ends_at_once(start):
    app = start(Kind.WSGI, "app:app", {"app.py": "print('here', flush=True)\nimport time\ntime.sleep(60)\n"})
    while "here" not in app.log:
        time.sleep(0.02)
    began = time.monotonic()
    assert app.end() == -15
    assert time.monotonic() - began < 1


def test_a_failed_start_says_why_in_its_first_line(start):
    app = start(Kind.WSGI, "app:app", {"app.py": "import os\n\nimport pandas\n"})
    assert app.process.wait(20) == 1
    first, *rest = app.log.splitlines()
    assert first == (
        '[tholos] cannot start: app.py:3 imports "pandas", which is not installed; add it to the requirements'
    )
    assert rest[0] == "Traceback (most recent call last):"
    assert "tholos_guest" not in app.log
    assert not app.path.exists()


def test_an_asgi_app_is_not_taken_for_wsgi(start):
    app = start(Kind.WSGI, "app:app", {"app.py": "async def app(scope, receive, send): pass\n"})
    assert app.process.wait(20) == 1
    assert app.log.startswith('[tholos] cannot start: "app:app" is an ASGI app; publish it with --kind asgi')


def test_an_apps_own_modules_are_never_ours(start):
    """``main``, ``entry``, ``site`` … are common names."""
    names = ("main", "entry", "failure", "listener", "static", "wsgi_app")
    files = {f"{name}.py": f"NAME = '{name}'\n" for name in names}
    imports = "".join(f"import {name}\n" for name in names)
    joined = " + ".join(f"{name}.NAME" for name in names)
    files["app.py"] = (
        f"{imports}def app(environ, start_response):\n    start_response('200 OK', [])\n    return [({joined}).encode()]\n"
    )
    app = start(Kind.WSGI, "app:app", files).await_ready()
    assert app.ask("/").body == "".join(names).encode()


def test_the_apps_own_waitress_wins_and_works(start):
    source = HELLO.replace(
        '"SCRIPT_NAME")',
        '"SCRIPT_NAME")\n    import waitress; names += (waitress.__file__,); environ[waitress.__file__] = waitress.__file__',
    )
    app = start(Kind.WSGI, "app:app", {"app.py": source}, "waitress==2.1.2\n").await_ready()
    assert b"site-packages/waitress" in app.ask("/").body
    assert app.end() == 0


def test_django_answers(start):
    settings = "SECRET_KEY = 'x'\nROOT_URLCONF = 'mysite.urls'\nALLOWED_HOSTS = ['*']\nDEBUG = False\n"
    urls = "from django.http import HttpResponse\nfrom django.urls import path\nurlpatterns = [path('', lambda r: HttpResponse(r.build_absolute_uri()))]\n"
    wsgi = (
        "import os\nfrom django.core.wsgi import get_wsgi_application\n"
        "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'mysite.settings')\napplication = get_wsgi_application()\n"
    )
    files = {
        "mysite/__init__.py": "", "mysite/settings.py": settings, "mysite/urls.py": urls, "mysite/wsgi.py": wsgi,
    }  # fmt: skip
    app = start(Kind.WSGI, "mysite.wsgi:application", files, "django\n", "3.12").await_ready()
    assert app.ask("/").body == b"http://demo.localhost/"
