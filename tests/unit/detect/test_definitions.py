"""Which statements of one file make an app, of which kind, and in which line."""

from __future__ import annotations

import pytest

FLASK = "from flask import Flask\n"
FASTAPI = "from fastapi import FastAPI\n"

CASES = {
    "plain": (FLASK + "\napp = Flask(__name__)\n", "wsgi", "Flask", "app:app", 3),
    "module alias": ("import flask as f\napp = f.Flask('x')\n", "wsgi", "Flask", "app:app", 2),
    "class alias": ("from flask import Flask as F\napp = F('x')\n", "wsgi", "Flask", "app:app", 2),
    "annotated": (FLASK + "app: Flask = Flask('x')\n", "wsgi", "Flask", "app:app", 2),
    "annotation tells": (FLASK + "import lib\napp: Flask = lib.make()\n", "wsgi", "Flask", "app:app", 3),
    "second name": (FLASK + "web = Flask('x')\napp = web\n", "wsgi", "Flask", "app:app", 3),
    "two targets": (FLASK + "application = app = Flask('x')\n", "wsgi", "Flask", "app:app", 2),
    "other name": (FLASK + "shop = Flask('x')\n", "wsgi", "Flask", "app:shop", 2),
    "star": ("from bottle import *\napp = Bottle()\n", "wsgi", "Bottle", "app:app", 2),
    "subclass": (FLASK + "class Mine(Flask):\n    pass\napp = Mine('x')\n", "wsgi", "Flask", "app:app", 4),
    "wrapped": (FLASK + "from w import Fix\napp = Flask('x')\napp = Fix(app)\n", "wsgi", "Flask", "app:app", 4),
    "extension is none": (FLASK + "from x import Api\nweb = Flask('x')\napi = Api(web)\n", "wsgi", "Flask", "app:web", 3),
    "in try": ("try:\n    import flask\nexcept ImportError:\n    raise\napp = flask.Flask('x')\n", "wsgi", "Flask", "app:app", 5),
    "in if": (FLASK + "import os\nif os.name:\n    app = Flask('x')\n", "wsgi", "Flask", "app:app", 4),
    "over lines": (FLASK + "app = (\n    Flask(\n        'x'))\n", "wsgi", "Flask", "app:app", 2),
    "factory": (FLASK + "def create_app(config=None):\n    app = Flask('x')\n    return app\n", "wsgi", "Flask", "app:create_app()", 2),
    "factory by annotation": (FLASK + "def make_app() -> Flask:\n    return x()\n", "wsgi", "Flask", "app:make_app()", 2),
    "factory of factory": (
        FLASK + "def _b():\n    return Flask('x')\ndef create_app():\n    return _b()\n", "wsgi", "Flask", "app:create_app()", 4,
    ),
    "called factory": (FLASK + "def create_app(name):\n    return Flask(name)\napp = create_app('x')\n", "wsgi", "Flask", "app:app", 4),
    "fastapi": (FASTAPI + "app = FastAPI()\n", "asgi", "FastAPI", "app:app", 2),
    "starlette": ("from starlette.applications import Starlette\napp = Starlette()\n", "asgi", "Starlette", "app:app", 2),
    "quart": ("import quart\napp = quart.Quart('x')\n", "asgi", "Quart", "app:app", 2),
    "litestar": ("from litestar import Litestar\napp = Litestar([])\n", "asgi", "Litestar", "app:app", 2),
    "falcon": ("import falcon\napp = falcon.App()\n", "wsgi", "Falcon", "app:app", 2),
    "falcon asgi": ("import falcon.asgi\napp = falcon.asgi.App()\n", "asgi", "Falcon", "app:app", 2),
    "django": (
        "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n",
        "wsgi", "Django", "app:application", 2,
    ),
    "pyramid": ("from p import c\napp = c.make_wsgi_app()\n", "wsgi", "Pyramid", "app:app", 2),
    "dash server": ("import dash\napp = dash.Dash('x')\nserver = app.server\n", "wsgi", "Dash", "app:app", 2),
    "wsgi to asgi": (FLASK + "from asgiref.wsgi import WsgiToAsgi\nw = Flask('x')\napp = WsgiToAsgi(w)\n", "asgi", "ASGI", "app:app", 4),
    "wsgi function": ("def application(environ, start_response):\n    return []\n", "wsgi", "WSGI", "app:application", 1),
    "asgi function": ("async def app(scope, receive, send):\n    pass\n", "asgi", "ASGI", "app:app", 1),
    "wsgi object": (
        "class A:\n    def __call__(self, environ, start_response):\n        return []\napp = A()\n", "wsgi", "WSGI", "app:app", 4,
    ),
    "wsgi class": (
        "class App:\n    def __init__(self, environ, start_response):\n        pass\n    def __iter__(self):\n        yield b''\n",
        "wsgi", "WSGI", "app:App", 1,
    ),
    "werkzeug": (
        "from werkzeug.wrappers import Request\n@Request.application\ndef application(request):\n    pass\n",
        "wsgi", "Werkzeug", "app:application", 3,
    ),
    "mounted is none": (FASTAPI + "a = FastAPI()\nb = FastAPI()\na.mount('/b', b)\n", "asgi", "FastAPI", "app:a", 2),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_finds_the_app_and_its_line(run, name):
    source, kind, framework, entrypoint, line = CASES[name]
    found = run({"app.py": source})
    assert (found.kind, found.framework.value, found.entrypoint.value) == (kind, framework, entrypoint)
    assert str(found.entrypoint.evidence) == f"app.py:{line}"


NONE = {
    "main guard": FLASK + "if __name__ == '__main__':\n    app = Flask('x')\n",
    "type checking": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from flask import Flask\n    app = Flask('x')\n",
    "needs arguments": FLASK + "def create_app(config):\n    return Flask('x')\n",
    "async factory": FASTAPI + "async def create_app():\n    return FastAPI()\n",
    "bare annotation": FLASK + "app: Flask\n",
    "inside a function": FLASK + "def serve():\n    app = Flask('x')\n",
    "middleware class": "class M:\n    def __init__(self, app):\n        pass\n    def __call__(self, environ, start_response):\n        pass\n",
    "itself": "from app import app\n",
}


@pytest.mark.parametrize("name", NONE)
def test_finds_nothing_where_nothing_is_bound(run, name):
    from tholos.detect.errors import NothingToPublish

    with pytest.raises(NothingToPublish):
        run({"app.py": NONE[name]})


def test_follows_imports_between_modules(run):
    found = run(
        {
            "wsgi.py": "from shop import create_app\n\napp = create_app()\n",
            "shop/__init__.py": FLASK + "def create_app(n=1):\n    return Flask('x')\n",
        }
    )
    assert (found.entrypoint.value, str(found.entrypoint.evidence)) == ("wsgi:app", "wsgi.py:3")
    assert str(found.framework.evidence) == "shop/__init__.py:2"
    assert found.notes == ()


def test_an_imported_object_counts_with_both_places(run):
    found = run(
        {"run.py": "import os\nfrom shop.web import app\n", "shop/web.py": FLASK + "app = Flask('x')\n"}
    )
    assert (found.entrypoint.value, str(found.entrypoint.evidence)) == ("run:app", "run.py:2")
    assert str(found.framework.evidence) == "shop/web.py:2"


@pytest.mark.parametrize(
    "files",
    [
        {"a.py": "from b import app as x_app\n", "b.py": "from a import x_app as app\n"},
        {"app.py": "from b import *\nq = thing()\n", "b.py": "from app import *\nfrom b import *\n"},
        {"app.py": "def create_app():\n    return create_app()\n"},
        {"app.py": "class A(B, B):\n    pass\nclass B(A, A):\n    pass\napp = A()\n"},
        {
            f"m{i}.py": f"from m{i + 1} import f as g\napp = g()\ndef f():\n    return g()\n"
            for i in range(200)
        },
    ],
)
def test_circles_and_long_chains_end(run, files):
    from tholos.detect.errors import NothingToPublish

    with pytest.raises(NothingToPublish):
        run({**files, "main.py": "import flask\n"})
