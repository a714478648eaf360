"""Which Python is asked for."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.detect import errors, interpreters

APP = "from flask import Flask\napp = Flask('x')\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3.11", "~=3.11.0"), ("3.11.4", "~=3.11.0"), ("3", "~=3.0"), ("3.11.*", "==3.11.*"),
        (">=3.9, <4", ">=3.9,<4"), ("==3.12.1", "==3.12.1"),
    ],
)  # fmt: skip
def test_a_bare_version_becomes_a_range(text, expected):
    assert interpreters.constraint_of(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pypy3.9",
        "3.13t",
        "3.14.0rc1",
        ">=3.14.0b1",
        "system",
        "3.11.4.5",
        "~",
        "9" * 5000,
        "==" + "9" * 5000,
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011
        interpreters.constraint_of(text)


@given(st.text(max_size=300))
def test_no_text_breaks_it(text):
    with contextlib.suppress(ValueError):
        interpreters.constraint_of(text)


SOURCES = {
    ".python-version": ("# mine\n3.12\n", "~=3.12.0", 2),
    "pyproject.toml": ('[project]\nname = "x"\nrequires-python = ">=3.10"\n', ">=3.10", 3),
    "setup.cfg": ("[options]\npython_requires = >=3.9\n", ">=3.9", 2),
    "uv.lock": ('version = 1\nrequires-python = ">=3.12"\n', ">=3.12", 2),
    "runtime.txt": ("python-3.11.4\n", "~=3.11.0", 1),
    "Pipfile": ('[requires]\npython_version = "3.11"\n', "~=3.11.0", 2),
    "environment.yml": ("dependencies:\n  - python=3.10\n", "~=3.10.0", 2),
}


@pytest.mark.parametrize("path", SOURCES)
def test_every_source_with_its_line(run, path):
    text, expected, line = SOURCES[path]
    found = run({"app.py": APP, path: text}).python
    assert (found.value, str(found.evidence)) == (expected, f"{path}:{line}")


def test_poetry_and_script_metadata(run):
    poetry = '[tool.poetry.dependencies]\npython = "^3.10"\n'
    assert run({"app.py": APP, "pyproject.toml": poetry}).python.value == ">=3.10,<4"
    script = "# /// script\n# requires-python = '>=3.12'\n# ///\n"
    found = run({"app.py": script + APP}).python
    assert (found.value, str(found.evidence)) == (">=3.12", "app.py:2")


def test_nothing_asked_for_is_any(run):
    assert run({"app.py": APP}).python.value == ""


@pytest.mark.parametrize(
    ("flag", "expected"), [("3.12", "==3.12.*"), ("3.12.4", "==3.12.4"), (">=3.11", ">=3.11"), ("3", "==3.*")]
)
def test_the_flag_wins(run, flag, expected):
    found = run({"app.py": APP, ".python-version": "3.10"}, python=flag).python
    assert (found.value, found.why) == (expected, "given with --python")


@pytest.mark.parametrize("flag", ["", "abc", "pypy", "3.x"])
def test_a_bad_flag_is_refused(run, flag):
    with pytest.raises(errors.OverrideInvalid) as caught:
        run({"app.py": APP}, python=flag)
    assert caught.value.where == "--python"


def test_the_first_source_holds_and_stricter_ones_are_added(run):
    loose = {
        "app.py": APP,
        ".python-version": "3.12",
        "pyproject.toml": "[project]\nrequires-python = '>=3.10'\n",
    }
    assert (run(loose).python.value, run(loose).notes) == ("~=3.12.0", ())
    strict = {
        "app.py": APP,
        "setup.cfg": "[options]\npython_requires = >=3.9\n",
        "runtime.txt": "python-3.12.1",
    }
    found = run(strict)
    assert found.python.value == ">=3.9,~=3.12.0"
    assert "stricter" in found.notes[0]


def test_contradictions_name_both_places(run):
    with pytest.raises(errors.PythonConflict, match=r"\.python-version:1 .* pyproject\.toml:2"):
        run(
            {
                "app.py": APP,
                ".python-version": "3.10",
                "pyproject.toml": "[project]\nrequires-python = '>=3.11'\n",
            }
        )
