"""Every kind of Python content by the real client: deployed, opened in a browser, deployed again, looked at, gone back to."""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from tests.integration.connect.conftest import Clients

from tholos.testing import chromium
from tholos.testing.gallery import PACKAGES
from tholos.testing.installation import Installation


def notebook(words: str) -> str:
    cell = {
        "cell_type": "code", "id": "c0", "source": f"print('{words}')", "metadata": {}, "outputs": [],
        "execution_count": None,
    }  # fmt: skip
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return json.dumps({"cells": [cell], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5})


KINDS = {
    "api": ("python-api", "app.py", "from flask import Flask\napp = Flask(__name__)\n\n\n@app.get('/')\ndef index():\n    return '<h1>WORDS</h1>'\n"),
    "fastapi": ("python-fastapi", "app.py", "from fastapi import FastAPI\nfrom fastapi.responses import HTMLResponse\napp = FastAPI()\n\n\n@app.get('/', response_class=HTMLResponse)\ndef index():\n    return '<h1>WORDS</h1>'\n"),
    "dash": ("python-dash", "app.py", "from dash import Dash, html\napp = Dash(__name__)\napp.layout = html.H1('WORDS')\n"),
    "streamlit": ("python-streamlit", "app.py", "import streamlit as st\nst.title('WORDS')\n"),
    "bokeh": ("python-bokeh", "app.py", "from bokeh.io import curdoc\nfrom bokeh.models import Div\ncurdoc().add_root(Div(text='<h1>WORDS</h1>'))\n"),
    "panel": ("python-panel", "app.py", "import panel as pn\npn.panel('# WORDS').servable()\n"),
    "shiny": ("python-shiny", "app.py", "from shiny import App, ui\napp = App(ui.page_fluid(ui.h1('WORDS')), None)\n"),
    "gradio": ("python-gradio", "app.py", "import gradio as gr\nwith gr.Blocks() as demo:\n    gr.Markdown('# WORDS')\n"),
    "voila": ("jupyter-voila", "told.ipynb", notebook("WORDS")),
    "notebook": ("jupyter-static", "told.ipynb", notebook("WORDS")),
    "html": ("static", "index.html", "<!doctype html><title>Told</title><h1>WORDS</h1>\n"),
}  # fmt: skip
"""By the client's word for it: the app mode, and a file that shows words."""
FILE_IS_NAMED = frozenset({"voila", "notebook"})


@pytest.fixture(scope="module")
def server(tmp_path_factory, workshop) -> Iterator[Installation]:
    """One of its own, with the environment that examples of every kind have; others of this folder remove environments."""
    installation = Installation(tmp_path_factory.mktemp("kinds"), workshop=workshop)
    installation.start()
    yield installation
    installation.clean()


@pytest.fixture(scope="module")
def kim(server, tmp_path_factory):
    """A publisher with the clients."""
    return Clients(server, tmp_path_factory.mktemp("home"), server.new_account("kim"))


@pytest.fixture(scope="module")
def page(kim, server) -> Iterator[Page]:
    """A publisher's browser."""
    link = str(server.api("POST", "/api/v1/accounts/kim/link", {})["sign_in_url"])
    with chromium.running() as browser:
        page = browser.new_page()
        chromium.sign_in(page, link)
        yield page


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", KINDS)
def test_the_whole_way(kim, folder, page, server, kind):
    mode, path, program = KINDS[kind]
    made = folder({path: program.replace("WORDS", f"{kind} one"), "requirements.txt": PACKAGES})
    what = str(made / path) if kind in FILE_IS_NAMED else "."

    def deploy(*words: str) -> str:
        return kim.rsconnect("deploy", kind, *words, what, cwd=made).out

    def see(guid: str, words: str) -> None:
        page.goto(f"{server.url}/content/{guid}/")
        expect(page.get_by_text(f"{kind} {words}").first).to_be_visible(timeout=60_000)

    said = deploy("--title", f"A {kind} of {made.name}")
    guid = re.search(r"Direct content URL: \S+/content/([0-9a-f-]{36})/", said)[1]
    see(guid, "one")
    told = kim.rsconnect("content", "describe", "-g", guid).json[0]
    assert (told["app_mode"], told["title"]) == (mode, f"A {kind} of {made.name}")
    packed = made.parent / f"{made.name}.tar.gz"
    kim.rsconnect("content", "download-bundle", "-g", guid, "-o", str(packed))
    with tarfile.open(packed) as archive:
        assert archive.extractfile(path).read() == (made / path).read_bytes()
    (made / path).write_text(program.replace("WORDS", f"{kind} two"))
    deploy()
    see(guid, "two")
    (made / path).write_text(program.replace("WORDS", f"{kind} three"))
    deploy("--draft")
    see(guid, "two")
    bundles = kim.api(f"content/{guid}/bundles")
    page.goto(f"{server.url}/content/{guid}/_bundle{bundles[0]['id']}/")
    expect(page.get_by_text(f"{kind} three").first).to_be_visible(timeout=60_000)
    kim.python(
        "import sys; from posit import connect\n"
        "client = connect.Client()\n"
        "client.content.get(sys.argv[1]).bundles.get(sys.argv[2]).deploy().wait_for()\n",
        guid, bundles[-1]["id"],
    )  # fmt: skip
    see(guid, "one")
    assert kim.ask("DELETE", f"content/{guid}").status == 204
