"""Static sites."""

from __future__ import annotations

import pytest

from tholos.detect import errors

PLACES = [
    ({"index.html": "x"}, "."),
    ({"public/index.html": "x"}, "public"),
    ({"docs/_build/html/index.html": "x", "docs/conf.py": "x = 1"}, "docs/_build/html"),
    ({"index.html": "x", "public/index.html": "x"}, "."),
    ({"index.html": "x", "dist/index.html": "x", "package.json": "{}"}, "dist"),
    ({"_site/index.html": "x", "tool.py": "print(1)\n", "a.ipynb": "{}"}, "_site"),
]


def test_the_only_page_is_the_first_one(run):
    found = run({"report.html": "x", "report_files/a.html": "x"})
    assert (found.kind, found.entrypoint.value, found.framework.value) == (
        "static",
        "report.html",
        "Static site",
    )
    with pytest.raises(errors.NothingToPublish):
        run({"a.html": "x", "b.html": "x"})


@pytest.mark.parametrize(("files", "folder"), PLACES)
def test_finds_the_folder_of_the_first_page(run, files, folder):
    found = run(files)
    page = "index.html" if folder == "." else f"{folder}/index.html"
    assert (found.kind, found.entrypoint.value, found.entrypoint.evidence.path) == ("static", folder, page)
    assert found.requirements.form == "none"


def test_an_app_comes_before_a_site_unless_told(run):
    files = {"index.html": "x", "app.py": "import flask\napp = flask.Flask('x')\n"}
    assert run(files).kind == "wsgi"
    assert run(files, kind="static").entrypoint.value == "."


def test_an_unbuilt_site_is_told(run):
    assert "built" in run({"index.html": "x", "package.json": "{}"}).notes[0]
