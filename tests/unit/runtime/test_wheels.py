"""What is read of a wheel before anything is done with it."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.runtime import wheels
from tholos.runtime.interpreters import Interpreter
from tholos.runtime.wheels import NotAWheel
from tholos.testing.wheels import wheel

PYTHON = Interpreter("cpython", "3.11.7", "/opt/python3.11", "linux-x86_64-glibc")


@pytest.fixture
def read(tmp_path):
    def written(name, data):
        (tmp_path / name).write_bytes(data)
        return wheels.read(tmp_path / name)

    return written


def test_name_and_version_are_read(read):
    made = wheel("My_Lib", "1.0", needs="six")
    facts = read(made.name, made.data)
    assert (facts.name, facts.version, facts.shown_tags) == ("my-lib", "1.0", "py3-none-any")
    assert b"Requires-Dist: six" in facts.metadata


@pytest.mark.parametrize(
    ("tags", "fits"),
    [("py3-none-any", True), ("cp311-none-any", True), ("cp38-abi3-any", False), ("cp312-cp312-win_amd64", False), ("cp310-none-any", False)],
)  # fmt: skip
def test_tags_decide_whether_an_interpreter_takes_it(read, tags, fits):
    made = wheel("tiny", "1.0", tags=tags)
    assert wheels.fits(read(made.name, made.data), PYTHON) is fits


def test_a_build_without_the_lock_has_tags_of_its_own():
    threaded = Interpreter("cpython", "3.13.1", "/opt/python3.13t", "linux-x86_64-glibc", is_threaded=True)
    assert wheels.shown_tag(threaded).startswith("cp313-cp313t-")


def packed(files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return data.getvalue()


@pytest.mark.parametrize(
    ("name", "files", "reason"),
    [
        ("tiny.whl", {}, "its name"),
        ("tiny-1.0-py3-none-any.whl", {"tiny.py": ""}, "lacks the METADATA"),
        ("tiny-1.0-py3-none-any.whl", {"tiny-1.0.dist-info/METADATA": "Name: other\n"}, "by its name it is tiny"),
        ("tiny-1.0-py3-none-any.whl", {"tiny-1.0.dist-info/METADATA": "Name: tiny\nRequires-Dist: x @ ../x\n"}, "asks for"),
    ],
)  # fmt: skip
def test_what_is_none_is_told(read, name, files, reason):
    with pytest.raises(NotAWheel, match=reason):
        read(name, packed(files))


@given(st.binary(max_size=200), st.integers(0, 400))
def test_no_bytes_break_it(tmp_path_factory, noise, place):
    made = wheel("tiny", "1.0")
    path = tmp_path_factory.mktemp("noise") / made.name
    path.write_bytes(made.data[:place] + noise + made.data[place + len(noise) :])
    try:
        facts = wheels.read(path)
    except NotAWheel:
        return
    assert facts.name == "tiny"


def test_a_stub_says_the_same_to_a_resolver(read, tmp_path):
    made = wheel("tiny", "1.0", needs="six", tags="cp312-cp312-win_amd64")
    facts = read(made.name, made.data)
    stub = wheels.read(wheels.write_stub(facts, tmp_path))
    assert (stub.name, stub.version, stub.metadata) == (facts.name, facts.version, facts.metadata)
    assert wheels.fits(stub, PYTHON)
