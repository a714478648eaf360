"""Every kind that has a framework's own server or object in it, with the framework really installed: one environment for all."""

from __future__ import annotations

import base64
import json
import re
import stat
import time

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import unix_connect

from tholos.detect.model import Kind

PACKAGES = "dash\nshiny\ngradio\nbokeh\npanel\nvoila\nnbconvert\nipykernel\n"
VERSION = "3.12"
ORIGIN = "https://demo.example.org"


def notebook(*cells: str | tuple[str, list[str]]) -> str:
    """A notebook of code cells, each alone or with its tags."""
    said = [(cell, list[str]()) if isinstance(cell, str) else cell for cell in cells]
    return json.dumps({
        "cells": [
            {"cell_type": "code", "id": f"c{at}", "source": source, "metadata": {"tags": tags}, "outputs": [], "execution_count": None}
            for at, (source, tags) in enumerate(said)
        ],
        "metadata": {"kernelspec": {"name": "my-env", "display_name": "Mine", "language": "python"}},
        "nbformat": 4, "nbformat_minor": 5,
    })  # fmt: skip


@pytest.fixture
def begin(start):
    def of(kind, entrypoint, files, **further):
        return start(kind, entrypoint, files, PACKAGES, VERSION, **further)

    return of


def upgrade(app, path, subprotocols=None):
    """A websocket from a page of another name than the app can know."""
    return unix_connect(
        str(app.path), f"ws://demo.localhost{path}", origin=ORIGIN, subprotocols=subprotocols, max_size=None
    )


def end_well(app) -> None:
    """TERM ends it by itself within the grace time, and the socket goes with it."""
    assert app.end() == 0
    assert not app.path.exists()


# Objects


@pytest.mark.parametrize("entrypoint", ["app:app", "app:app.server"])
def test_dash_is_served_by_the_app_in_it(begin, entrypoint):
    source = "import dash\nfrom dash import html\napp = dash.Dash(title='Turbines')\napp.layout = html.Div('hello')\n"
    app = begin(Kind.WSGI, entrypoint, {"app.py": source}).await_ready()
    assert b"<title>Turbines</title>" in app.ask("/").body
    assert b"hello" in app.ask("/_dash-layout").body
    end_well(app)


SHINY = {
    "app:app": "from shiny import App, ui\napp = App(ui.page_fluid('hello'), lambda input: None)\n",
    "shiny.express.app:app_2e_py": "from shiny.express import ui\nui.h1('hello')\n",
}


@pytest.mark.parametrize("entrypoint", SHINY)
def test_shiny_answers_and_opens_its_websocket(begin, entrypoint):
    app = begin(Kind.ASGI, entrypoint, {"app.py": SHINY[entrypoint]}).await_ready()
    assert b"hello" in app.ask("/").body
    with upgrade(app, "/websocket/") as talk:
        talk.send(json.dumps({"method": "init", "data": {}}))
        assert "config" in json.loads(talk.recv(10))
    end_well(app)


def test_an_error_in_an_express_file_is_told_with_its_line(begin):
    app = begin(
        Kind.ASGI, "shiny.express.app:app_2e_py", {"app.py": "from shiny.express import ui\n\nmissing\n"}
    )
    assert app.await_end() == 1
    assert app.log.startswith("[tholos] cannot start: ")
    assert "NameError: name 'missing'" in app.log
    assert re.search(r'app\.py", line 3', app.log)


BLOCKS = """
import gradio as gr
with gr.Blocks(title="Turbines") as demo:
    name, answer = gr.Textbox(), gr.Textbox()
    name.submit(lambda text: "hello " + text, name, answer, api_name="greet")
demo.launch(server_port=1, share=True, css=".ours {}")
"""
INTERFACE = "import gradio as gr\ngr.Interface(lambda text: 'hello ' + text, 'text', 'text', api_name='greet').queue().launch()\n"


@pytest.mark.parametrize("source", [BLOCKS, INTERFACE])
def test_gradio_is_mounted_and_its_queue_streams(begin, source):
    app = begin(Kind.GRADIO, "app:demo", {"app.py": source}).await_ready()
    page = app.ask("/", Origin=ORIGIN)
    assert (page.status, b"gradio" in page.body) == (200, True)
    assert (b".ours {}" in app.ask("/config").body) == (source is BLOCKS)
    call = app.ask("/gradio_api/call/greet", "POST", b'{"data": ["world"]}', Content_Type="application/json")
    events = app.ask(f"/gradio_api/call/greet/{json.loads(call.body)['event_id']}")
    assert b'data: ["hello world"]' in events.body
    end_well(app)


# Scripts


SCRIPTS = {
    Kind.BOKEH: "from bokeh.plotting import curdoc, figure\ncurdoc().add_root(figure())\ncurdoc().title = 'Turbines'\n",
    Kind.PANEL: "import panel as pn\npn.panel('hello').servable(title='Turbines')\n",
}


@pytest.mark.parametrize("kind", SCRIPTS)
def test_a_script_is_served_at_the_root_with_its_websocket(begin, kind):
    app = begin(kind, "app.py", {"app.py": SCRIPTS[kind]}).await_ready()
    assert stat.S_IMODE(app.path.stat().st_mode) == 0o600
    page = app.ask("/").body.decode()
    assert "<title>Turbines</title>" in page
    assert app.ask("/static/js/bokeh.min.js").status == 200
    token = re.search(r'"token":"([^"]+)"', page)
    assert token
    with upgrade(app, "/ws", ["bokeh", token[1]]) as talk:
        assert json.loads(talk.recv(10))["msgtype"] == "ACK"
    end_well(app)


def test_headers_of_a_session_cannot_be_made_up(begin):
    """A token brings back the headers of the page's request, those that tell who asks among them."""
    app = begin(Kind.BOKEH, "app.py", {"app.py": SCRIPTS[Kind.BOKEH]}).await_ready()
    payload = {
        "session_id": "x" * 44,
        "session_expiry": int(time.time()) + 300,
        "headers": {"x-tholos-account": "ada"},
    }
    token = base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=")
    with upgrade(app, "/ws", ["bokeh", token]) as talk, pytest.raises(ConnectionClosed):
        talk.recv(10)
    assert "signature" in app.log


@pytest.mark.parametrize("kind", SCRIPTS)
def test_a_script_that_fails_answers_with_its_line(begin, kind):
    source = SCRIPTS[kind].partition("\n")[0] + "\n\nmissing\n"
    app = begin(kind, "app.py", {"app.py": source}).await_ready()
    assert app.ask("/").status == 500
    found = app.crash()
    assert (found.error, found.where) == ("NameError: name 'missing' is not defined", "app.py:3")


def test_a_script_that_is_no_python_is_not_started(begin):
    app = begin(Kind.BOKEH, "app.py", {"app.py": "import os\nx = (\n"})
    assert app.await_end() == 1
    assert "[tholos] cannot start: " in app.log
    assert app.crash().where == "app.py:2"


def test_a_folder_of_bokehs_has_its_static_files_and_leaves_bokeh_its_own(begin):
    files = {"main.py": SCRIPTS[Kind.BOKEH], "static/own.css": "body {}"}
    app = begin(Kind.BOKEH, "main.py", files).await_ready()
    assert app.ask("/").headers["location"] == "/demo"
    assert b"Turbines" in app.ask("/demo").body
    assert app.ask("/demo/static/own.css").body == b"body {}"
    assert app.ask("/static/js/bokeh.min.js").status == 200


# Notebooks


def test_a_notebook_is_served_once_it_is_executed(begin):
    cells = ["import os\nprint('at', sorted(os.listdir()))", ("import rates\nrates.RATE * 2", ["hide_input"])]
    files = {"sales.ipynb": notebook(*cells), "rates.py": "RATE = 21\n"}
    app = begin(Kind.NOTEBOOK, "sales.ipynb", files).await_ready()
    page = app.ask("/")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    text = re.sub(r"<[^>]+>", "", page.body.decode())
    assert "at ['rates.py', 'sales.ipynb']" in re.sub("&#39;", "'", text)
    assert "42" in text
    assert "rates.RATE" in text
    assert app.ask("/sales.ipynb").status == 404
    end_well(app)


@pytest.mark.parametrize(
    ("options", "left"), [(("hide_all_input",), [False, False]), (("hide_tagged_input",), [True, False])]
)
def test_what_shall_be_hidden_of_a_notebook_is(begin, options, left):
    files = {"a.ipynb": notebook("first = 1\nprint('one')", ("second = 2\nprint('two')", ["hide_input"]))}
    app = begin(Kind.NOTEBOOK, "a.ipynb", files, options=options).await_ready()
    text = re.sub(r"<[^>]+>", "", app.ask("/").body.decode())
    assert [word in text for word in ("first = 1", "second = 2")] == left
    assert "two" in text


def test_a_cell_that_fails_is_named_with_the_line_that_is_the_cause(begin):
    files = {
        "a.ipynb": notebook("1", "import own\n\nown.divide(0)"),
        "own.py": "def divide(by):\n    return 1 / by\n",
    }
    app = begin(Kind.NOTEBOOK, "a.ipynb", files)
    assert app.await_end() == 1
    assert "[tholos] cannot start: cell 2 of a.ipynb failed: ZeroDivisionError: division by zero" in app.log
    assert 'File "a.ipynb, cell 2", line 3' in app.log
    assert app.crash().where == "own.py:2"
    assert not app.path.exists()


def test_term_ends_a_notebook_that_is_being_executed_and_its_kernel(begin):
    cell = "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(600)"
    app = begin(Kind.NOTEBOOK, "a.ipynb", {"a.ipynb": notebook(cell)})
    kernel = app.folder / "pid"
    app.wait_until(lambda: kernel.exists() and kernel.read_text())
    assert app.end() == 0
    app.wait_until(lambda: not app.is_running(int(kernel.read_text())))


def test_voila_serves_a_notebook_and_its_kernel(begin):
    files = {
        "a.ipynb": notebook("print('hello', 6 * 7)"),
        "voila.json": '{"VoilaConfiguration": {"theme": "dark"}}',
    }
    app = begin(Kind.VOILA, "a.ipynb", files).await_ready()
    page = app.ask("/").body.decode()
    assert "hello 42" in page
    assert 'data-jp-theme-light="false"' in page
    kernel = re.search(r'"kernelId": ?"([^"]+)"', page)
    assert kernel
    with upgrade(app, f"/api/kernels/{kernel[1]}/channels") as talk:
        assert talk.response.status_code == 101
    end_well(app)


def test_voila_lists_several_notebooks(begin):
    app = begin(
        Kind.VOILA, ".", {"a.ipynb": notebook("1"), "b.ipynb": notebook("print('second')")}
    ).await_ready()
    assert app.ask("/").status == 200
    assert b"b.ipynb" in app.ask("/voila/api/contents/").body
    assert b"second" in app.ask("/voila/render/b.ipynb").body
    end_well(app)


MISSING = {
    Kind.GRADIO: "gradio", Kind.BOKEH: "bokeh", Kind.PANEL: "panel", Kind.VOILA: "voila", Kind.NOTEBOOK: "nbconvert",
}  # fmt: skip


@pytest.mark.parametrize("kind", MISSING)
def test_a_missing_package_is_named(start, kind):
    files = {"app.py": "x = 1\n", "a.ipynb": notebook("1")}
    entrypoint = {Kind.GRADIO: "app:x", Kind.BOKEH: "app.py", Kind.PANEL: "app.py"}.get(kind, "a.ipynb")
    app = start(kind, entrypoint, files, version="3.8")
    assert app.await_end() == 1
    assert app.log.startswith(
        f"[tholos] cannot start: {MISSING[kind]} is not installed; add it to the requirements"
    )
