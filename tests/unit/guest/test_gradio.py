"""Which object of a module is mounted; a class of ours stands for Gradio's, which is not installed here."""

from __future__ import annotations

import sys

import pytest

from tholos_guest import gradio
from tholos_guest.failure import CannotStart


@pytest.fixture
def load(tmp_path, monkeypatch):
    """The object that an entry point of some source means, and what was launched meanwhile."""

    def of(source: str, entrypoint: str):
        class Own:
            pass

        (tmp_path / "guest_gradio.py").write_text(source)
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.setitem(sys.modules, "gradio", type(sys)("gradio"))
        sys.modules["gradio"].Interface = type("Interface", (Own,), {})
        monkeypatch.delitem(sys.modules, "guest_gradio", raising=False)
        monkeypatch.setenv("THOLOS_URL", "http://demo")
        launched = gradio.hold_launch(Own)
        return gradio.load(f"guest_gradio{entrypoint}", Own, launched), launched

    yield of
    sys.modules.pop("guest_gradio", None)


HEAD = "from gradio import Interface\n"


@pytest.mark.parametrize(
    ("source", "entrypoint", "name"),
    [
        ("x = Interface()\n", ":x", "x"),
        ("demo = Interface()\nx = 1\n", ":x", "demo"),
        ("app = Interface()\n", "", "app"),
        ("y = Interface()\n", ":demo", "y"),
        ("def create_app():\n    return made\nmade = Interface()\n", "", "made"),
        ("made = Interface()\ndemo = made.launch(share=True)\nother = Interface()\n", ":demo", "made"),
    ],
)
def test_the_object_is_found_whatever_it_is_called(load, source, entrypoint, name):
    found, _ = load(HEAD + source, entrypoint)
    assert found is getattr(sys.modules["guest_gradio"], name)


def test_launching_neither_waits_nor_opens_anything_and_is_remembered(load):
    found, launched = load(
        HEAD + "demo = Interface()\n_, url, _ = demo.launch(css='a', server_port=1)\n", ":demo"
    )
    assert sys.modules["guest_gradio"].url == "http://demo"
    assert [(one.blocks, one.options) for one in launched] == [(found, {"css": "a", "server_port": 1})]


def test_a_module_without_any_is_told(load):
    with pytest.raises(CannotStart, match="has no Blocks, Interface or ChatInterface; it has: x"):
        load("x = 1\n", ":x")
