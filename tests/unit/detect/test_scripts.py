"""Scripts of Streamlit, Panel, Bokeh and Shiny's Express, and Gradio's objects."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.detect import scripts
from tholos.detect.model import Kind

EXPRESS = "shiny.express.app:app_2e_py"
FOUND = {
    "bokeh": ("from bokeh.plotting import curdoc\ncurdoc().add_root(1)\n", Kind.BOKEH, "app.py"),
    "panel": ("import panel as pn\nimport bokeh\npn.panel(1).servable()\n", Kind.PANEL, "app.py"),
    "streamlit first": ("import streamlit\nimport panel\n# servable\n", Kind.STREAMLIT, "app.py"),
    "marimo": (
        "import marimo\napp = marimo.App()\n\n@app.cell\ndef _():\n    import streamlit\n", Kind.MARIMO, "app.py",
    ),
    "express": ("from shiny.express import ui\n", Kind.ASGI, EXPRESS),
    "express by another import": ("from shiny import express\n", Kind.ASGI, EXPRESS),
    "express by a comment": ("# shiny_mode: express\nimport shiny\n", Kind.ASGI, EXPRESS),
    "core by a comment": (
        "# shiny_mode: core\nimport shiny.express\nfrom shiny import App\napp = App(1)\n", Kind.ASGI, "app:app",
    ),
    "blocks": ("import gradio as gr\nwith gr.Blocks() as page:\n    pass\n", Kind.GRADIO, "app:page"),
    "interface": ("import gradio\nx = gradio.ChatInterface(len).queue()\nx.launch()\n", Kind.GRADIO, "app:x"),
    "launched at once": ("import gradio as gr\ngr.Interface(len).queue().launch()\n", Kind.GRADIO, "app:demo"),
    "mounted": (
        "import gradio as gr\ndemo = gr.Interface(len)\napp = gr.mount_gradio_app(x, demo, path='/')\n", Kind.ASGI, "app:app",
    ),
    "dash in a flask app": (
        "import dash, flask\nserver = flask.Flask('x')\nd = dash.Dash('x', server=server)\n", Kind.WSGI, "app:d",
    ),
    "dash by a factory": ("import dash\ndef create_app():\n    return dash.Dash('x')\n", Kind.WSGI, "app:create_app()"),
}  # fmt: skip


@pytest.mark.parametrize("name", FOUND)
def test_what_a_file_is(run, name):
    source, kind, entrypoint = FOUND[name]
    found = run({"app.py": source})
    assert (found.kind, found.entrypoint.value, found.notes) == (kind, entrypoint, ())


def test_a_script_in_a_folder_of_its_own(run):
    found = run({"web/app.py": "from shiny.express import ui\nimport own\n", "web/own.py": ""})
    assert (found.entrypoint.value, found.paths) == ("shiny.express.app:web_2f_app_2e_py", ("web", ""))


@pytest.mark.parametrize("said", ["sales", "sales/main.py", "sales/main", "sales.main"])
def test_a_folder_of_bokehs_is_named_by_itself_or_its_script(run, said):
    found = run({"sales/main.py": "import bokeh\n", "app.py": ""}, kind="bokeh", entrypoint=said)
    assert found.entrypoint.value == "sales/main.py"


def test_what_a_dash_app_is_made_of_may_be_said(run):
    source = "import dash\napp = dash.Dash('x', backend='fastapi')\n"
    assert run({"app.py": source}, entrypoint="app", kind="asgi").kind is Kind.ASGI


@given(st.from_regex(r"[a-zA-Z0-9_./ -]{1,20}\.py", fullmatch=True))
def test_a_file_comes_back_from_its_express_name(path):
    entrypoint = scripts.express_entrypoint(path)
    assert entrypoint.removeprefix("shiny.express.app:").isidentifier()
    assert scripts.express_path(entrypoint) == path.removeprefix("./")
    assert scripts.express_path(path) == ""
