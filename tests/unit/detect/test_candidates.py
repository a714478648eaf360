"""Which file and name wins, and when nobody can say."""

from __future__ import annotations

import pytest

from tholos.detect import errors

APP = "from flask import Flask\napp = Flask(__name__)\n"
FACTORY = "from flask import Flask\ndef create_app():\n    return Flask(__name__)\n"
SCRIPT = "import streamlit as st\nst.write(1)\n"

RANKS = {
    "file order": ({"main.py": APP, "app.py": APP}, "app:app"),
    "app before wsgi": ({"wsgi.py": APP, "app.py": APP}, "app:app"),
    "known before unknown": ({"aaa.py": APP, "server.py": APP}, "server:app"),
    "folder before package": ({"shop/app.py": APP, "server.py": APP}, "server:app"),
    "package": ({"shop/__init__.py": "", "shop/app.py": APP}, "shop.app:app"),
    "package itself": ({"shop/__init__.py": APP, "shop/db.py": ""}, "shop:app"),
    "package main": ({"shop/__main__.py": APP}, "shop.__main__:app"),
    "factory in package": ({"flaskr/__init__.py": FACTORY, "setup.py": ""}, "flaskr:create_app()"),
    "the only file": ({"report.py": APP}, "report:app"),
    "app suffix": ({"sales_app.py": APP, "zoo.py": APP}, "sales_app:app"),
    "tests aside": ({"tests/app.py": APP, "test_app.py": APP, "conftest.py": APP, "web.py": APP}, "web:app"),
    "examples aside": ({"examples/app.py": APP, "docs/app.py": APP, "x.py": APP}, "x:app"),
    "virtual environment aside": ({"env/pyvenv.cfg": "", "env/lib/app.py": APP, "x.py": APP}, "x:app"),
    "a single test file is the app": ({"test_app.py": APP}, "test_app:app"),
    "deep": ({"a/b/c/web.py": APP}, "a.b.c.web:app"),
    "app before application": ({"app.py": APP + "application = Flask('y')\n"}, "app:app"),
    "object before factory": ({"app.py": FACTORY + "web = Flask('y')\n"}, "app:web"),
    "app before a script": ({"app.py": APP, "streamlit_app.py": SCRIPT}, "app:app"),
}


@pytest.mark.parametrize("name", RANKS)
def test_the_better_rank_wins(run, name):
    files, entrypoint = RANKS[name]
    assert run(files).entrypoint.value == entrypoint


EQUAL = {
    "two objects": (
        {"app.py": "from flask import Flask\none = Flask('a')\ntwo = Flask('b')\n"},
        ["app:one", "app:two"],
    ),
    "two files": ({"x.py": APP, "y.py": APP}, ["x:app", "y:app"]),
    "two packages": ({"x/app.py": APP, "y/app.py": APP}, ["x.app:app", "y.app:app"]),
}


@pytest.mark.parametrize("name", EQUAL)
def test_equal_ranks_are_listed_with_their_flags(run, name):
    files, expected = EQUAL[name]
    with pytest.raises(errors.SeveralEntrypoints) as caught:
        run(files)
    assert caught.value.details["candidates"] == expected
    assert all(f"--entrypoint {entrypoint}" in caught.value.message for entrypoint in expected)


def test_a_lesser_app_is_told(run):
    found = run({"app.py": APP, "main.py": "from fastapi import FastAPI\napp = FastAPI()\n"})
    assert found.notes == (
        "There is also main:app (FastAPI, main.py:2); --entrypoint main:app publishes it.",
    )


PATHS = {
    "src file": ({"src/app.py": APP, "src/models.py": ""}, "app:app", ("src", "")),
    "src package": (
        {"src/shop/__init__.py": FACTORY, "make.py": "from shop import create_app\n"},
        "shop:create_app()",
        ("src", ""),
    ),
    "src is a package": ({"src/__init__.py": "", "src/app.py": APP}, "src.app:app", ("",)),
    "imports its neighbours": (
        {"backend/app.py": "import models\n" + APP, "backend/models.py": ""},
        "app:app",
        ("backend", ""),
    ),
    "namespace package": (
        {"shop/app.py": "from shop.db import x\n" + APP, "shop/db.py": ""},
        "shop.app:app",
        ("",),
    ),
    "relative": ({"shop/app.py": "from .db import x\n" + APP, "shop/db.py": ""}, "shop.app:app", ("",)),
}


@pytest.mark.parametrize("name", PATHS)
def test_says_what_belongs_on_the_path(run, name):
    files, entrypoint, paths = PATHS[name]
    found = run(files)
    assert (found.entrypoint.value, found.paths) == (entrypoint, paths)


SCRIPTS = {
    "conventional": ({"streamlit_app.py": SCRIPT, "zoo.py": SCRIPT}, "streamlit_app.py"),
    "from import": ({"main.py": "from streamlit import write\nwrite(1)\n"}, "main.py"),
    "only file": ({"my-report.py": SCRIPT}, "my-report.py"),
    "imported one is a module": ({"Home.py": "import charts\n" + SCRIPT, "charts.py": SCRIPT}, "Home.py"),
    "pages are pages": ({"Home.py": SCRIPT, "pages/1_more.py": SCRIPT}, "Home.py"),
    "guarded main": (
        {"app.py": "import streamlit as st\nif __name__ == '__main__':\n    st.write(1)\n"},
        "app.py",
    ),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_streamlit_scripts(run, name):
    files, entrypoint = SCRIPTS[name]
    found = run(files)
    assert (found.kind, found.entrypoint.value) == ("streamlit", entrypoint)
    assert "streamlit" in found.requirements.text


def test_scripts_that_the_main_one_names_are_its_pages(run):
    main = "import streamlit as st\nst.navigation([st.Page('more.py')]).run()\n"
    found = run({"app.py": main, "more.py": SCRIPT + "import altair\n"})
    assert found.notes == ()
    assert found.requirements.imports.keys() == {"altair", "streamlit"}


def test_data_files_are_not_read(tree):
    from tholos.detect.core import detect

    files = tree({"app.py": APP, **{f"data/{number}.csv": "1" for number in range(2000)}})
    detect(files)
    assert set(files.reads) == {"app.py"}
