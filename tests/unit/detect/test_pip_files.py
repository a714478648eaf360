"""Requirements files: includes, options, paths, what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.detect import errors, pip_files
from tholos.detect.sources import Folder


@pytest.fixture(scope="session")
def listed(tree):
    def read(text, **others):
        files = {name.replace("__", "/") + ".txt": body for name, body in others.items()}
        return pip_files.read(Folder(tree({"requirements.txt": text, **files})), "requirements.txt")

    return read


KEPT = {
    "comments": ("# x\nflask # y\n\n", ["flask"]),
    "markers": ("a ; python_version < '3.9'\n", ["a ; python_version < '3.9'"]),
    "continued": ("a==1 \\\n  --hash=sha256:aa\n", ["a==1 --hash=sha256:aa"]),
    "windows": ("a\r\nb\r\n", ["a", "b"]),
    "options": ("--pre\n--no-binary :all:\na\n", ["--pre", "--no-binary :all:", "a"]),
    "address": ("git+https://x.example/y.git@v1#egg=y\n", ["git+https://x.example/y.git@v1#egg=y"]),
    "wheel": ("./wheels/a-1-py3-none-any.whl\n", ["./wheels/a-1-py3-none-any.whl"]),
    "debian": ("pkg-resources==0.0.0\na\n", ["a"]),
    "conda build": ("numpy @ file:///croot/numpy\n", ["numpy"]),
    "last line continued": ("a\\", ["a"]),
}


@pytest.mark.parametrize("name", KEPT)
def test_lines(listed, name):
    text, lines = KEPT[name]
    assert listed(text).lines == lines


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16"])
def test_byte_order_marks(listed, codec):
    assert listed("flask\r\n".encode(codec)).lines == ["flask"]


def test_includes_stand_in_their_place_and_paths_hold_from_the_folder(listed):
    found = listed("a\n-r req/base.txt\nz\n", req__base="b\n-r more.txt\n./x.whl\n", req__more="c\n")
    assert found.lines == ["a", "b", "c", "./req/x.whl", "z"]


def test_constraints_are_handed_on(listed):
    found = listed("-c limits.txt\na\n", limits="b<2\n")
    assert (found.lines, found.support) == (["-c limits.txt", "a"], {"limits.txt": "b<2\n"})


def test_the_folder_itself_is_imported_from_where_it_lies_and_its_dependencies_are_installed(run):
    app = "from flask import Flask\napp = Flask('x')\n"
    project = '[project]\nname = "x"\ndependencies = ["flask", "numpy"]\n'
    found = run({"app.py": app, "requirements.txt": "pandas\n-e .\n", "pyproject.toml": project})
    assert found.requirements.text == "pandas\nflask\nnumpy\n"
    assert found.requirements.own == {}
    assert found.notes == (
        "requirements.txt:2 installs the folder itself; it is imported from where it lies instead.",
    )


def test_the_folder_itself_may_hold_wheels_too_and_is_not_built(run):
    app = "from flask import Flask\napp = Flask('x')\n"
    project = '[project]\nname = "x"\ndependencies = ["flask"]\n'
    files = {"app.py": app, "own-1-py3-none-any.whl": "", "pyproject.toml": project}
    found = run({**files, "requirements.txt": "--find-links .\n-e .\nown\n"})
    assert found.requirements.text == "--find-links ./\nown\nflask\n"
    assert list(found.requirements.own) == [""]


def test_a_folder_that_is_no_package_is_imported_from_where_it_lies(run):
    app = "def app(environ, start_response):\n    return []\n"
    found = run({"app.py": app, "requirements.txt": "pandas\n.\n"})
    assert (found.requirements.text, found.requirements.own) == ("pandas\n", {})
    assert "is imported from where it lies" in found.notes[0]


def test_an_index_is_told(listed):
    found = listed("-i https://x.example/simple\na\n")
    assert found.lines[0] == "-i https://x.example/simple"
    assert "requirements.txt:1" in found.notes[0]
    assert "https" not in found.notes[0]


REFUSED = {
    "circle": ("-r b.txt\n", {"b": "-r requirements.txt\n"}, "b.txt:1"),
    "self": ("a\n-r requirements.txt\n", {}, "requirements.txt:2"),
    "escape": ("-r ../x.txt\n", {}, "requirements.txt:1"),
    "absolute": ("-r /etc/passwd\n", {}, "requirements.txt:1"),
    "missing": ("a\n\n-r gone.txt\n", {}, "requirements.txt:3"),
    "address": ("-r https://x.example/r.txt\n", {}, "requirements.txt:1"),
    "no requirement": ("a b c\n", {}, "requirements.txt:1"),
    "option": ("--target=/\n", {}, "requirements.txt:1"),
    "no value": ("-i\n", {}, "requirements.txt:1"),
    "path outside": ("../lib\n", {}, "requirements.txt:1"),
    "editable outside": ("a\n-e ../lib\n", {}, "requirements.txt:2"),
    "absolute path": ("a\n/srv/lib\n", {}, "requirements.txt:2"),
    "links outside": ("-f ../wheels\n", {}, "requirements.txt:1"),
    "endless": ("a==" + "9," * 6000 + "\n", {}, "requirements.txt:1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_name_the_line(listed, name):
    text, others, where = REFUSED[name]
    with pytest.raises(errors.FileMalformed) as caught:
        listed(text, **others)
    assert caught.value.where == where


@given(st.text(alphabet=st.sampled_from("ab=<>;#\\-rce.@/[]()'\" \n\t~!,:_1"), max_size=80))
def test_no_file_breaks_it(listed, text):
    line = 1
    try:
        listed(text)
    except errors.FileMalformed as error:
        line = int(error.where.rpartition(":")[2])
    assert 1 <= line <= len(text.splitlines()) + 1
