"""Hostile and odd files."""

from __future__ import annotations

import warnings

import pytest

from tholos.detect import errors

APP = "from flask import Flask\napp = Flask('x')\n"

READ = {
    "latin cookie": b"# -*- coding: latin-1 -*-\nname = '\xe9'\n" + APP.encode(),
    "mark": b"\xef\xbb\xbf" + APP.encode(),
    "windows": APP.replace("\n", "\r\n").encode(),
    "invalid escape": b"x = '\\d'\n" + APP.encode(),
}


@pytest.mark.parametrize("name", READ)
def test_reads_what_python_reads(run, name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run({"app.py": READ[name]}).entrypoint.value == "app:app"


BROKEN = {
    "not utf-8": b"x = 1\nname = '\xe9'\n",
    "cookie of no text": b"# coding: punycode\n",
    "unknown cookie": b"# coding: utf-nonsense\n",
    "zero": b"x = 1\0\n",
    "signs": b"x = " + b"-" * 100_000 + b"1\n",
    "brackets": b"(" * 100_000,
    "sum": b"x = " + b"1+" * 20_000 + b"1\n",
    "attributes": b"x = a" + b".a" * 20_000 + b"\n",
    "elif": b"if x:\n  pass\n" + b"elif x:\n  pass\n" * 5_000 + b"(",
    "digits": b"x = " + b"9" * 10_000 + b"\n",
    "indent": b"".join(b" " * depth + b"if x:\n" for depth in range(200)),
    "surrogate": "x = '\ud800'\n".encode("utf-8", "surrogatepass"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_names_the_line_of_what_cannot_be_read(run, name):
    with pytest.raises(errors.SourceBroken) as caught:
        run({"app.py": BROKEN[name]})
    path, _, line = caught.value.where.rpartition(":")
    assert path == "app.py"
    assert 1 <= int(line) <= BROKEN[name].count(b"\n") + 1


def test_shows_the_line(run):
    with pytest.raises(errors.SourceBroken, match=r"app\.py:3: .*\n    def broken\(:"):
        run({"app.py": APP + "def broken(:\n"})


def test_a_huge_file_is_not_read(run):
    with pytest.raises(errors.SourceTooLarge):
        run({"app.py": "x = 1\n" * 200_000})
    assert run({"app.py": APP, "zzz.py": "import flask\n" * 100_000}).entrypoint.value == "app:app"


@pytest.mark.parametrize(
    "path", ["/abs/app.py", "../app.py", "a//app.py", "./app.py", "a\0/app.py", "d/" * 50 + "app.py"]
)
def test_odd_paths_do_not_exist(run, path):
    with pytest.raises(errors.NothingToPublish):
        run({path: APP})
