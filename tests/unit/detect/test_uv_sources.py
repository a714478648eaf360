"""What uv's tables say of packages that lie in the folder."""

from __future__ import annotations

import pytest

from tholos.detect import errors
from tholos.detect.model import Evidence

APP = "def app(environ, start_response):\n    return []\n"


def project(name, *needs, **sources):
    listed = ", ".join(f'"{one}"' for one in needs)
    lines = "".join(f"{one} = {said}\n" for one, said in sources.items())
    return f'[project]\nname = "{name}"\nversion = "1"\ndependencies = [{listed}]\n[tool.uv.sources]\n{lines}'


def test_a_path_stands_in_the_place_of_the_name(run):
    found = run({
        "app.py": APP,
        "pyproject.toml": project("demo", "six", "My_Lib[x]>=1 ; python_version > '3'", my_lib='{ path = "libs/my", editable = true }'),
        "libs/my/pyproject.toml": project("my-lib"),
    }).requirements  # fmt: skip
    assert found.text == 'six\nMy_Lib[x] @ file:./libs/my ; python_version > "3"\n'
    assert found.own == {"libs/my": Evidence("pyproject.toml", 4)}


def test_members_of_a_workspace_and_what_they_need_of_it(run):
    found = run({
        "app.py": APP,
        "pyproject.toml": project("demo", "a", a="{ workspace = true }", b="{ workspace = true }"),
        "libs/one/pyproject.toml": project("a", "b"),
        "libs/two/pyproject.toml": project("b", "c", c='{ path = "../three" }'),
        "libs/three/setup.py": "",
    }).requirements  # fmt: skip
    assert found.text == "a @ file:./libs/one\nb @ file:./libs/two\nc @ file:./libs/three\n"


@pytest.mark.parametrize(
    ("source", "reason"), [('{ path = "../my" }', "outside the folder"), ("{ workspace = true }", "no member of the workspace")]
)  # fmt: skip
def test_what_is_not_there_is_told_with_its_line(run, source, reason):
    with pytest.raises(errors.FileMalformed, match=reason) as caught:
        run({"app.py": APP, "pyproject.toml": project("demo", "my", my=source)})
    assert caught.value.where == "pyproject.toml:6"


def test_other_sources_leave_the_name(run):
    text = project("demo", "a", "b", a='{ git = "https://e.org/a" }', b="{ index = 'x' }")
    assert run({"app.py": APP, "pyproject.toml": text}).requirements.text == "a\nb\n"


def test_a_lock_tells_what_of_it_lies_in_the_folder(run):
    lock = 'version = 1\n[[package]]\nname = "demo"\nsource = { virtual = "." }\n'
    for place in (
        'editable = "libs/a"',
        'directory = "libs/gone"',
        'path = "../b.whl"',
        'registry = "libs/a"',
    ):
        lock += f'[[package]]\nname = "x"\nsource = {{ {place} }}\n'
    files = {"app.py": APP, "uv.lock": lock, "pyproject.toml": project("demo"), "libs/a/setup.py": ""}
    assert run(files).requirements.own == {"libs/a": Evidence("uv.lock", 7)}
