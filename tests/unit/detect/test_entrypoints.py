"""What the publisher names, and what is refused."""

from __future__ import annotations

import pytest

from tholos.detect import errors

APP = "from flask import Flask\n\napp = Flask(__name__)\n"
SITE = {"public/index.html": "hello"}

NAMED = {
    "module": ({"a.py": APP, "b.py": APP}, "b", "b:app"),
    "file": ({"a.py": APP, "b.py": APP}, "b.py", "b:app"),
    "file and name": ({"a.py": APP}, "./a.py:app", "a:app"),
    "dotted": ({"x/a.py": APP, "b.py": APP}, "x.a:app", "x.a:app"),
    "path": ({"x/a.py": APP, "b.py": APP}, "x/a.py", "x.a:app"),
    "factory of any name": (
        {"a.py": "from flask import Flask\ndef mk():\n    return Flask('x')\n"},
        "a:mk",
        "a:mk()",
    ),
    "factory called": (
        {"a.py": "from flask import Flask\ndef mk():\n    return Flask('x')\n"},
        "a:mk()",
        "a:mk()",
    ),
    "in src": ({"src/shop/__init__.py": APP, "a.py": APP}, "shop:app", "shop:app"),
    "script": ({"a.py": "import streamlit\n", "b.py": "import streamlit\n"}, "b.py", "b.py"),
    "site folder": ({**SITE, "app.py": APP}, "public", "public"),
    "site page": ({**SITE, "app.py": APP}, "public/index.html", "public"),
    "site here": ({"index.html": "", "app.py": APP}, ".", "."),
    "a site's page": ({"deep/a.html": "", "app.py": APP}, "./deep/a.html", "deep/a.html"),
    "notebook": ({"deep/a.ipynb": '{"cells": []}', "app.py": APP}, "deep/a.ipynb", "deep/a.ipynb"),
    "express": ({"a.py": "import shiny.express\n", "b.py": APP}, "a", "shiny.express.app:a_2e_py"),
}


@pytest.mark.parametrize("name", NAMED)
def test_takes_every_form_of_a_name(run, name):
    files, value, expected = NAMED[name]
    found = run(files, entrypoint=value)
    assert found.entrypoint.value == expected


def test_trusts_a_name_whose_kind_is_given(run):
    found = run({"a.py": "import x\n\nthing = x.make()\n"}, entrypoint="a:thing", kind="asgi")
    assert (found.kind, found.entrypoint.value, str(found.entrypoint.evidence)) == (
        "asgi",
        "a:thing",
        "a.py:3",
    )
    found = run({"x.txt": ""}, entrypoint="installed.web:app", kind="wsgi")
    assert (found.kind, found.entrypoint.value) == ("wsgi", "installed.web:app")


REFUSED = {
    "empty folder": ({}, {}, errors.NothingToPublish, "empty"),
    "nothing known": ({"x.csv": ""}, {}, errors.NothingToPublish, "none of them Python"),
    "a library": ({"x/__init__.py": "", "x/y.py": "z = 1\n"}, {}, errors.NothingToPublish, "x/__init__.py"),
    "main guard": (
        {"app.py": "import flask\nif __name__ == '__main__':\n    app = flask.Flask('x')\n"}, {}, errors.NothingToPublish, "app.py:3",
    ),
    "no notebook": ({"a.ipynb": "{}"}, {}, errors.FileMalformed, "no cells"),
    "notebook of R": (
        {"a.ipynb": '{"cells": [], "metadata": {"kernelspec": {"language": "R"}}}'}, {}, errors.KindUnsupported, "a notebook of 'r'",
    ),
    "two notebooks": (
        {"a.ipynb": '{"cells": []}', "b.ipynb": '{"cells": []}'}, {}, errors.SeveralEntrypoints, "--entrypoint a.ipynb",
    ),
    "no such notebook": ({"a.ipynb": '{"cells": []}'}, {"entrypoint": "b.ipynb"}, errors.EntrypointMissing, "no such notebook"),
    "no such page": ({"a.html": ""}, {"entrypoint": "b.html"}, errors.EntrypointMissing, "no such page"),
    "express that is not there": (
        {"app.py": APP}, {"entrypoint": "shiny.express.app:b_2e_py"}, errors.EntrypointMissing, "no module 'shiny.express.app'",
    ),
    "r": ({"app.R": ""}, {}, errors.KindUnsupported, "app.R"),
    "nicegui": ({"app.py": "import os\nfrom nicegui import ui\n"}, {}, errors.KindUnsupported, "app.py:2"),
    "a drawing that no server shows": ({"app.py": "from bokeh.plotting import show\n"}, {}, errors.NothingToPublish, "app.py"),
    "no module": ({"app.py": APP}, {"entrypoint": "nope:app"}, errors.EntrypointMissing, "app.py:3  Flask  --entrypoint app:app"),
    "no name": ({"app.py": APP}, {"entrypoint": "app:nope"}, errors.EntrypointMissing, "--entrypoint app:app"),
    "no page": ({"app.py": APP}, {"entrypoint": "x/"}, errors.EntrypointMissing, "index.html"),
    "guarded name": (
        {"app.py": "import flask\nif __name__ == '__main__':\n    web = flask.Flask('x')\n"},
        {"entrypoint": "app:web"}, errors.EntrypointMissing, "app.py:3",
    ),
    "blank": ({"app.py": APP}, {"entrypoint": " "}, errors.EntrypointMissing, "empty"),
    "unknown object": ({"a.py": "import x\nt = x()\n"}, {"entrypoint": "a:t"}, errors.OverrideInvalid, "no known framework"),
    "unknown kind": ({"a.py": APP}, {"kind": "node"}, errors.OverrideInvalid, "'node'"),
    "other kind": ({"a.py": APP}, {"kind": "asgi"}, errors.NothingToPublish, "a:app"),
    "other kind named": ({"a.py": APP}, {"kind": "asgi", "entrypoint": "a"}, errors.OverrideInvalid, "is wsgi"),
    "syntax": ({"app.py": "import flask\nx = (\ndef\n"}, {}, errors.SourceBroken, "app.py:2"),
    "is a package": ({"app.py": "from . import x\n" + APP, "x.py": ""}, {}, errors.FolderIsPackage, "line 1"),
    "dotted file": ({"my.app.py": APP}, {}, errors.EntrypointMissing, "no dot"),
    "blank prepare": ({"app.py": APP}, {"prepare": " "}, errors.OverrideInvalid, "blank"),
    "prepare of lines": ({"app.py": APP}, {"prepare": "a\nb"}, errors.OverrideInvalid, "lines"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_says_what_is_wrong_and_what_there_is(run, name):
    files, overrides, kind, said = REFUSED[name]
    with pytest.raises(kind) as caught:
        run(files, **overrides)
    assert said in caught.value.message
    assert caught.value.fix or not files


def test_a_broken_file_of_lesser_rank_is_only_told(run):
    found = run({"app.py": APP, "zzz.py": "import flask\nx = (\n"})
    assert found.entrypoint.value == "app:app"


def test_newer_syntax_is_taken_at_the_publishers_word(run):
    files = {"app.py": "def app[T](environ, start_response): pass\n"}
    found = run(files, entrypoint="app:app", kind="wsgi", python="3.99")
    assert (found.entrypoint.value, found.python.value) == ("app:app", "==3.99.*")
    assert "app.py:1" in found.notes[0]
    with pytest.raises(errors.SourceBroken):
        run({"app.py": "def app(:\n"}, entrypoint="app:app", kind="wsgi")


def test_kind_sets_the_framework_of_a_plain_callable(run):
    found = run({"app.py": "def app(environ, start_response): pass\n"}, kind="bottle")
    assert (found.kind, found.framework.value) == ("wsgi", "Bottle")


def test_prepare_is_passed_on(run):
    found = run({"app.py": APP}, prepare=" python x.py ")
    assert found.prepare is not None
    assert found.prepare.value == "python x.py"
