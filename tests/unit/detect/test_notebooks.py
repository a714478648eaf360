"""Notebooks: which one, how, and with what."""

from __future__ import annotations

import pytest

from tholos.detect import errors
from tholos.detect.model import Kind


def test_a_notebook_is_rendered_unless_visitors_use_it(run, notebook):
    found = run({"a.ipynb": notebook("x = 1")})
    assert (found.kind, found.entrypoint.value) == (Kind.NOTEBOOK, "a.ipynb")
    assert str(found.framework.evidence) == "a.ipynb"
    for name, text in {
        "voila.json": "{}",
        "requirements.txt": "pandas\nvoila>=0.5\n",
        "a.ipynb": notebook("import ipywidgets as w"),
    }.items():
        assert run({"a.ipynb": notebook("x = 1"), name: text}).kind is Kind.VOILA


def test_apps_and_sites_come_first(run, notebook):
    files = {"a.ipynb": notebook("x = 1"), "index.html": ""}
    assert run(files).kind is Kind.STATIC
    assert run(files, kind="notebook").entrypoint.value == "a.ipynb"
    assert run({**files, "app.py": "import flask\napp = flask.Flask('x')\n"}).kind is Kind.WSGI


WHICH = {
    "by its name": (["b.ipynb", "index.ipynb"], {}, "index.ipynb"),
    "one in the folder": (["b.ipynb", "old/index.ipynb"], {}, "b.ipynb"),
    "the uppermost": (["x/y/a.ipynb", "x/b.ipynb"], {}, "x/b.ipynb"),
    "no checkpoint": ([".ipynb_checkpoints/a-checkpoint.ipynb", "a.ipynb"], {}, "a.ipynb"),
    "all of them": (["b.ipynb", "c.ipynb"], {"kind": "voila"}, "."),
    "all of them by name": (["b.ipynb", "c.ipynb"], {"kind": "voila", "entrypoint": "."}, "."),
    "without its ending": (["b.ipynb", "c.ipynb"], {"kind": "notebook", "entrypoint": "c"}, "c.ipynb"),
}


@pytest.mark.parametrize("name", WHICH)
def test_which_of_them(run, notebook, name):
    paths, said, expected = WHICH[name]
    assert run(dict.fromkeys(paths, notebook("x = 1")), **said).entrypoint.value == expected


def test_a_librarys_notebooks_are_no_app(run, notebook):
    with pytest.raises(errors.NothingToPublish):
        run({"x/__init__.py": "", "notebooks/a.ipynb": notebook("x = 1")})


def test_packages_are_those_of_its_cells_and_what_runs_it(run, notebook):
    cells = [
        "%matplotlib inline\nimport pandas as pd, helper",
        "!pip install x\nfiles = !ls\nimport yaml",
        "%%bash\nimport lost",
        "def (:",
        "%%time\nimport numpy",
    ]
    found = run({"a.ipynb": notebook(*cells), "helper.py": "import requests\n"})
    expected = ["numpy", "pandas", "PyYAML", "requests", "nbconvert", "ipykernel"]
    assert found.requirements.text.split() == expected
    assert str(found.requirements.imports["pandas"]) == "a.ipynb"
    assert "voila" in run({"a.ipynb": notebook("x = 1")}, kind="voila").requirements.text


def test_all_notebooks_of_a_folder_are_looked_into(run, notebook):
    files = {"a.ipynb": notebook("import pandas"), "deep/b.ipynb": notebook("import numpy")}
    found = run(files, kind="voila", entrypoint=".")
    assert {"pandas", "numpy"} < found.requirements.imports.keys()


def test_what_the_kind_needs_is_added_and_told(run, notebook):
    found = run({"a.ipynb": notebook("import pandas"), "requirements.txt": "pandas\nNBConvert==7\n"})
    assert found.requirements.text.split() == ["pandas", "NBConvert==7", "ipykernel"]
    assert found.notes == ("ipykernel, which a.ipynb needs, is not in requirements.txt; it was added.",)


def test_nothing_is_added_to_a_lock(run, notebook):
    locked = "pandas==2.0 --hash=sha256:" + "0" * 64 + "\n"
    found = run({"a.ipynb": notebook("import pandas"), "requirements.txt": locked})
    assert found.requirements.text == locked
    assert ["was not added to what is locked" in note for note in found.notes] == [True, True]


def test_sheets_of_old_notebooks_are_read(run):
    cell = '{"cell_type": "code", "input": ["import pandas"]}'
    found = run({"a.ipynb": f'{{"worksheets": [{{"cells": [{cell}]}}], "nbformat": 3}}'})
    assert "pandas" in found.requirements.imports


BROKEN = ["", "[]", "{", "[" * 100_000, '{"cells": 1}', '{"x": ' + "9" * 5000 + "}", b"\xff"]


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
def test_what_is_no_notebook_is_told(run, text):
    with pytest.raises(errors.FileMalformed, match=r"a\.ipynb"):
        run({"a.ipynb": text})
