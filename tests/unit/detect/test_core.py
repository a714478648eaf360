"""Whatever a folder holds, the answer is a detection with true evidence or an error that a person can act on."""

from __future__ import annotations

import json
import random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tholos.detect.model import Evidence
from tholos.kit.errors import Invalid

APP = "from flask import Flask\n\napp = Flask(__name__)\n"
PIECES = [
    "from flask import Flask", "import flask as f", "from x import *", "from . import y", "app = Flask(__name__)", "app = f.Flask()",
    "def create_app(a=1):", "    return Flask('x')", "    app = create_app()", "class A(Flask):", "    def __call__(self, environ, start_response):",
    "        pass", "app = A()", "if __name__ == '__main__':", "    import numpy", "try:", "    import cv2", "except ImportError:", "    pass",
    "import streamlit as st", "app = app", "application = x.app", "async def app(scope, receive, send):", "# /// script", "# dependencies = ['a']",
    "# ///", "'''", '"""', "x = {", "}", "from main import app", "import app", "from app import create_app as g", "app: Flask = g()",
    "sqlite = 'sqlite:///x.db'", "\\", "app.mount('/x', app)", "server = app.server", "import gradio as gr", "with gr.Blocks() as demo:", "gr.Interface(1).launch()",
    "from shiny.express import ui", "# shiny_mode: express", "import panel as pn", "x.servable()", "from bokeh.io import curdoc", "app = dash.Dash()",
]  # fmt: skip
NAMES = [
    "app.py", "main.py", "x.py", "y/__init__.py", "y/app.py", "src/app.py", "src/y/__init__.py", "manage.py", "mysite/settings.py", "index.html",
    "public/index.html", "requirements.txt", "pyproject.toml", "uv.lock", "setup.cfg", "Pipfile", ".python-version", "runtime.txt",
    "environment.yml", "pages/1.py", "a.ipynb", "b.ipynb", "voila.json", "report.html", "manifest.json", "__init__.py", "wei rd.py", "my.app.py", "y.py",
]  # fmt: skip

sources = st.lists(st.sampled_from(PIECES), max_size=12).map("\n".join)
documents = st.text(alphabet=st.sampled_from("[]{}=\"'-.,:<>~^rce#\\ \n\tabpython310"), max_size=60)
cells = sources.map(
    lambda text: json.dumps({"cells": [{"cell_type": "code", "source": [text, "%time\n"]}]}).encode()
)
contents = st.one_of(cells, sources.map(str.encode), documents.map(str.encode), st.binary(max_size=60))
folders = st.dictionaries(st.sampled_from(NAMES), contents, max_size=7)
flags = st.fixed_dictionaries(
    {},
    optional={
        "entrypoint": st.one_of(st.sampled_from(["app", "app:app", "y.app:create_app()", "x.py", "public", ".", "../x", "a:b:c", "y", "a.ipynb", "report.html", "shiny.express.app:app_2e_py"]), st.text(max_size=8)),
        "kind": st.sampled_from(["wsgi", "asgi", "streamlit", "static", "django", "gradio", "bokeh", "voila", "notebook", "shiny", "odd"]),
        "python": st.text(alphabet="3.12<>=*,x", max_size=6),
        "requirements": st.sampled_from(["none", "imports", *NAMES]),
        "keep": st.lists(st.text(max_size=6), max_size=2).map(tuple),
        "prepare": st.text(max_size=4),
    },
)  # fmt: skip


def evidence_of(found) -> list[Evidence]:
    findings = [found.framework, found.entrypoint, found.python, found.requirements, *found.keep]
    return [finding.evidence for finding in findings] + list(found.requirements.imports.values())


def check(run, files, overrides) -> None:
    try:
        found = run(files, **overrides)
    except Invalid as error:
        refusal = (error.message[:7], error.code in {"invalid", "error"})
    else:
        refusal = ("Cannot ", False)
        check_evidence(found, files)
    assert refusal == ("Cannot ", False)


def check_evidence(found, files) -> None:
    for evidence in evidence_of(found):
        if evidence.path:
            assert evidence.path in files
            lines = files[evidence.path].splitlines()
            assert 0 <= evidence.line <= max(1, len(lines))


@settings(max_examples=300, deadline=None)
@given(files=folders, overrides=flags)
@example(files={"app.py": b"app = app"}, overrides={})
def test_any_folder_has_an_answer(run, files, overrides):
    check(run, files, overrides)


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 1 << 32))
def test_any_mutation_of_a_source_has_an_answer(run, seed):
    chance = random.Random(seed)  # noqa: S311
    source = bytearray((APP + "\n".join(PIECES)).encode())
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(source))
        source[at : at + chance.randint(0, 4)] = bytes(
            chance.randrange(256) for _ in range(chance.randint(0, 4))
        )
    check(run, {"app.py": bytes(source), "requirements.txt": bytes(source[:40])}, {})


def test_a_whole_detection(run):
    found = run({"app.py": APP, "requirements.txt": "flask\n", ".python-version": "3.12\n"})
    assert str(found.framework.evidence) == "app.py:3"
    assert (found.entrypoint.value, found.entrypoint.why) == ("app:app", "the only app here")
    assert (found.python.value, found.requirements.text, found.paths, found.notes) == (
        "~=3.12.0",
        "flask\n",
        ("",),
        (),
    )
