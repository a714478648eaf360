"""Lines that name packages among the files, and what has to lie there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.detect import errors, own_packages
from tholos.detect.model import Evidence
from tholos.detect.own_packages import Named, Outside

APP = "def app(environ, start_response):\n    return []\n"
PROJECT = '[project]\nname = "x"\nversion = "1"\n'

NAMED = {
    ".": Named(""),
    "-e .": Named("", is_editable=True),
    ".[web]": Named("", extras="[web]"),
    "./libs/x": Named("libs/x"),
    "libs/x/": Named("libs/x"),
    "--editable=./libs/x[a,b]": Named("libs/x", extras="[a,b]", is_editable=True),
    "-e file:./libs/x#egg=x": Named("libs/x", "x", is_editable=True),
    "x-1.0-py3-none-any.whl": Named("x-1.0-py3-none-any.whl"),
    "a/../x-1.0.tar.gz": Named("x-1.0.tar.gz"),
    "x[a] @ file:./a%20b/x.whl ; python_version > '3'": Named(
        "a b/x.whl", "x", "[a]", "python_version > '3'"
    ),
    "./x.whl --hash=sha256:aa --hash sha256:bb": Named("x.whl", hashes=("sha256:aa", "sha256:bb")),
    ".\\libs\\x": Named("libs/x"),
}


@pytest.mark.parametrize("line", NAMED)
def test_lines_that_name_one(line):
    assert own_packages.parse(line) == NAMED[line]


@pytest.mark.parametrize(
    "line", ["flask", "a[b]>=1 ; os_name == 'x/y'", "x @ https://e.org/x.whl", "git+https://e.org/x", "-r a.txt", "e-mail", "a b"]
)  # fmt: skip
def test_lines_that_do_not(line):
    assert own_packages.parse(line) is None


@given(st.lists(st.sampled_from(["a", "b c", "ü", "x.whl", "%41", "d-e"]), max_size=5), st.sampled_from(["", "x"]),
    st.sampled_from(["", "[a,b]"]), st.sampled_from(["", "python_version > '3'"]))  # fmt: skip
def test_the_kept_form_says_the_same(parts, name, extras, marker):
    named = Named("/".join(parts), name, extras, marker, ("sha256:aa",))
    assert own_packages.parse(named.text) == named


@given(st.text(alphabet="ab./\\~:@ -[];#%", max_size=40))
def test_no_line_leads_out(line):
    for read in (own_packages.parse, own_packages.parse_links):
        try:
            found = read(line)
        except Outside:
            continue
        path = found.path if isinstance(found, Named) else found or ""
        assert not {"..", "."} & set(path.split("/"))
        assert not path.startswith(("/", "~"))


def refused(run, files, line):
    with pytest.raises(errors.FileMalformed) as caught:
        run({"app.py": APP, "requirements.txt": f"six\n{line}\n", **files})
    assert caught.value.where == "requirements.txt:2"
    return f"{caught.value.message} {caught.value.fix}"


def test_what_is_not_there_is_told_with_its_line(run):
    told = refused(run, {}, "./wheels/x-1.0-py3-none-any.whl")
    assert "'wheels/x-1.0-py3-none-any.whl', which is not among the published files" in told
    assert "Copy it into the folder" in told


def test_what_an_ignore_file_leaves_out_is_told_with_its_rule(run):
    told = refused(run, {".tholosignore": "*.log\n*.whl\n"}, "./wheels/x-1.0-py3-none-any.whl")
    assert "It is left out (.tholosignore line 2: *.whl)" in told


def test_a_folder_that_is_no_package(run):
    assert "which is no package" in refused(
        run, {"libs/x/a.py": "", "libs/x/pyproject.toml": "[tool.a]\n"}, "./libs/x"
    )


def test_a_file_that_is_no_package(run):
    assert "neither a wheel nor a source archive" in refused(run, {"libs/x.txt": ""}, "./libs/x.txt")


def test_what_leads_out_is_to_be_copied(run):
    assert "'../x' is outside the folder" in refused(run, {}, "-e ../x")


def test_a_path_in_an_included_file_holds_from_there_or_from_the_folder(run):
    for line in ("../libs/x", "./libs/x", "libs/x"):
        files = {
            "req/base.txt": f"{line}\n",
            "libs/x/pyproject.toml": PROJECT,
            "requirements.txt": "-r req/base.txt\n",
        }
        found = run({"app.py": APP, **files}).requirements
        assert (found.text, found.own) == ("./libs/x\n", {"libs/x": Evidence("req/base.txt", 1)})


def test_a_wheel_brings_the_framework(run):
    app = "from flask import Flask\napp = Flask('x')\n"
    wheel = "wheels/flask-3.0.0-py3-none-any.whl"
    found = run({"app.py": app, wheel: "x", "requirements.txt": f"./{wheel}\n"})
    assert found.requirements.text == f"./{wheel}\n"
