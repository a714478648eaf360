"""Where the packages come from, and what is done about a missing framework."""

from __future__ import annotations

import pytest

from tholos.detect import errors

APP = "from flask import Flask\napp = Flask('x')\n"
LOCK = 'version = 1\n\n[[package]]\nname = "flask"\n'
PROJECT = '[project]\nname = "x"\ndependencies = ["flask>=3"]\n'

FORMS = {
    "uv.lock": ({"uv.lock": LOCK, "pyproject.toml": PROJECT, "requirements.txt": "x"}, "uv.lock", LOCK),
    "pylock.toml": (
        {"pylock.toml": 'lock-version = "1.0"\nname = "flask"\n', "requirements.txt": "x"},
        "pylock.toml",
        None,
    ),
    "requirements.txt": (
        {"requirements.txt": "flask==3.0\n", "pyproject.toml": PROJECT},
        "requirements.txt",
        "flask==3.0\n",
    ),
    "pyproject.toml": ({"pyproject.toml": PROJECT}, "pyproject.toml", "flask>=3\n"),
    "lock without project": ({"uv.lock": LOCK, "requirements.txt": "flask"}, "requirements.txt", "flask\n"),
    "setup.cfg": (
        {"setup.cfg": "[options]\ninstall_requires =\n    flask\n    numpy\n"},
        "requirements.txt",
        "flask\nnumpy\n",
    ),
    "Pipfile": ({"Pipfile": '[packages]\nflask = "*"\nx = "==1.2"\n'}, "requirements.txt", "flask\nx==1.2\n"),
    "empty project": ({"pyproject.toml": '[project]\nname = "x"\ndependencies = []\n'}, "imports", "Flask\n"),
    "nothing": ({}, "imports", "Flask\n"),
}


@pytest.mark.parametrize("name", FORMS)
def test_sources_in_their_order(run, name):
    files, form, text = FORMS[name]
    found = run({"app.py": APP, **files}).requirements
    assert found.form == form
    assert text is None or found.text == text


def test_a_lock_brings_its_project(run):
    found = run({"app.py": APP, "uv.lock": LOCK, "pyproject.toml": PROJECT}).requirements
    assert found.support == {"pyproject.toml": PROJECT}


def test_poetry_is_converted(run):
    table = '[tool.poetry.dependencies]\npython = "^3.10"\nflask = "^2.1.3"\na = {version = "~1.2", extras = ["b"]}\nc = "^0.3"\n'
    found = run(
        {
            "app.py": APP,
            "pyproject.toml": table + 'p = {path = "../p"}\nd = {version = "*", optional = true}\n',
        }
    )
    assert found.requirements.text == "flask>=2.1.3,<3\na[b]>=1.2,<1.3\nc>=0.3,<0.4\n"
    assert any("p in pyproject.toml is left out" in note for note in found.notes)


def test_script_metadata_comes_first(run):
    block = "# /// script\n# dependencies = ['flask', 'numpy>1']\n# ///\n"
    found = run({"app.py": block + APP, "requirements.txt": "x"}).requirements
    assert (found.form, found.text, str(found.evidence)) == ("script", "flask\nnumpy>1\n", "app.py:1")


def test_conda_gives_its_pip_list_and_imports_the_rest(run):
    text = "dependencies:\n  - python=3.11\n  - numpy\n  - pip:\n    - flask==3.0\n  - scipy\n"
    found = run({"app.py": "import numpy\n" + APP, "environment.yml": text})
    assert found.requirements.text == "flask==3.0\nnumpy\n"
    assert any("numpy, scipy" in note for note in found.notes)


def test_a_missing_framework_is_added_and_told(run):
    found = run({"app.py": "import streamlit\n", "requirements.txt": "pandas\n"})
    assert found.requirements.text == "pandas\nstreamlit\n"
    assert "was added" in found.notes[0]


@pytest.mark.parametrize(
    "line", ["Flask", "flask[async]>=2", "flask_openapi3", "git+https://x.example/f.git#egg=flask"]
)
def test_a_framework_that_is_there_is_left_alone(run, line):
    found = run({"app.py": APP, "requirements.txt": f"{line}\n"})
    assert (found.requirements.text, found.notes) == (f"{line}\n", ())


def test_nothing_is_added_to_what_is_locked(run):
    hashed = "numpy==1 --hash=sha256:aa\n"
    found = run({"app.py": APP, "requirements.txt": hashed})
    assert found.requirements.text == hashed
    assert "not added" in found.notes[0]
    found = run({"app.py": APP, "uv.lock": "version = 1\n", "pyproject.toml": PROJECT})
    assert "not added" in found.notes[0]


def test_the_flag_names_any_source(run):
    files = {"app.py": APP, "requirements.txt": "x", "reqs/prod.txt": "flask\n", "pyproject.toml": PROJECT}
    assert run(files, requirements="reqs/prod.txt").requirements.text == "flask\n"
    assert run(files, requirements="pyproject.toml").requirements.form == "pyproject.toml"
    assert run(files, requirements="imports").requirements.form == "imports"
    assert run(files, requirements="none").requirements.form == "none"


@pytest.mark.parametrize("flag", ["nope.txt", "../x", "/etc/passwd", ""])
def test_a_bad_flag_lists_what_there_is(run, flag):
    with pytest.raises(errors.OverrideInvalid, match=r"Found: requirements\.txt"):
        run({"app.py": APP, "requirements.txt": "flask"}, requirements=flag)


BROKEN = {
    "toml": ("pyproject.toml", "[project]\nname = 'x\n", 2),
    "types": ("pyproject.toml", "[project]\ndependencies = [1]\n", 2),
    "deep": ("pyproject.toml", "x = " + "[" * 5000, 1),
    "merge": ("uv.lock", "version = 1\n<<<<<<< HEAD\n", 2),
    "no lock": ("uv.lock", "hello\n", 1),
    "requirement": ("requirements.txt", "flask\n\n==3\n", 3),
    "ini": ("setup.cfg", "python_requires\n", 1),
    "pipfile": ("Pipfile", "[packages\n", 1),
    "zero": ("requirements.txt", b"flask\n\0", 2),
    "bytes": ("requirements.txt", b"flask\n\xff\xff", 2),
}


@pytest.mark.parametrize("name", BROKEN)
def test_malformed_files_name_the_line(run, name):
    path, text, line = BROKEN[name]
    files = {"app.py": APP, "pyproject.toml": PROJECT, path: text}
    with pytest.raises(errors.FileMalformed) as caught:
        run(files)
    assert caught.value.where == f"{path}:{line}"


def test_paths_in_a_project_begin_at_its_folder(run):
    """Of Poetry's tables as of uv's."""
    files = {
        "app.py": APP,
        "web/pyproject.toml": '[tool.poetry.dependencies]\nflask = "^3"\nlib = {path = "../lib"}\nown = {path = "own"}\n',
        "web/own/pyproject.toml": '[project]\nname = "own"\n',
        "lib/pyproject.toml": '[project]\nname = "lib"\n',
    }
    found = run(files, requirements="web/pyproject.toml").requirements
    assert sorted(found.own) == ["lib", "web/own"]


def test_channels_of_conda_are_no_packages(run):
    """Neither those that are listed nor the one that a package is asked of."""
    environment = (
        "channels:\n- pytorch\n- bioconda\ndependencies:\n  - python=3.11\n  - bioconda::samtools>=1\n"
        "  - pytorch~=2.1\n  - pip\n  - pip:\n    - flask\n"
    )
    found = run({"app.py": APP, "environment.yml": environment})
    (note,) = [one for one in found.notes if "Conda" in one]
    assert note.endswith("(samtools, pytorch).")
    assert found.requirements.text == "flask\n"
