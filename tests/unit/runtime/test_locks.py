from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.runtime import locks
from tholos.runtime.locks import Lock
from tholos.runtime.uv_failures import BadRequirement, Origin

HASH = "--hash=sha256:" + "0" * 64


def read(text: str) -> locks.Wish:
    return locks.read(text, Origin("requirements.txt", lines=text.splitlines()))


@pytest.mark.parametrize(
    "line",
    [
        "-e .", "--editable=./x", "-e git+https://example.org/x.git", "./x", "../x", ".", "/srv/x", "~/x", "x @ file:///x",
        "x @ ../x", "x@ ${HOME}/x", "x[a] @ git+file:///x", "git+file:///x", "..[extra]", "folder/", "x @ C:\\x", "file:///x", "x-1.0-py3-none-any.whl", "dist/x-1.0.tar.gz", "-r other.txt", "-c constraints.txt",
        "--requirement=other.txt", "--find-links /etc", "-f ./wheels", "--index-url file:///x", "--extra-index-url=/x",
    ],
)  # fmt: skip
def test_nothing_of_the_servers_files_can_be_named(line):
    with pytest.raises(BadRequirement) as caught:
        read(f"flask\n\n{line}\n")
    assert caught.value.where == "requirements.txt:3"
    assert caught.value.fix


@pytest.mark.parametrize(
    "line",
    [
        "flask",
        "flask[async]>=2 ; python_version < '3.9'",
        "x @ https://example.org/x-1.0-py3-none-any.whl",
        "e-mail",
    ],
)
def test_packages_and_addresses_are_fine(line):
    assert not read(line).is_empty


def test_lines_that_name_indexes_are_kept():
    options = "--extra-index-url https://download.example.org/cpu", "-i https://example.org/simple"
    assert read("\n".join([*options, "torch"])).options == options


def test_a_lock_is_one_only_if_every_line_has_a_version_and_a_hash():
    assert read(
        f"flask==3.0 \\\n    {HASH} \\\n    {HASH}\n# via x\nclick==8 ; python_version<'4' {HASH}"
    ).is_locked
    assert not read(f"flask==3.0 {HASH}\nclick==8").is_locked
    assert not read("").is_locked


def test_version_control_and_source_options_show():
    wish = read("a @ git+https://example.org/a.git@main\nb\n--no-binary b\n")
    assert wish.vcs == ("a @ git+https://example.org/a.git@main",)
    assert wish.wants_source


def test_a_lock_survives_json():
    lock = Lock("flask==3", is_shared=False, notes=("a", "b"))
    assert Lock.from_json(json.loads(json.dumps(lock.to_json()))) == lock
    with pytest.raises((TypeError, KeyError)):
        Lock.from_json({"text": 1, "form": "", "notes": []})


def test_what_may_be_shared_is_part_of_the_id():
    assert Lock("x").id != Lock("x", is_shared=False).id
    assert Lock("x").id == Lock("x", notes=("n",)).id


@given(st.text())
def test_any_text_has_lines_within_it(text):
    numbers = [number for number, _ in locks.logical_lines(text)]
    assert numbers == sorted(set(numbers))
    assert all(1 <= number <= len(text.splitlines()) for number in numbers)


@given(st.text())
def test_no_line_that_names_a_file_is_read(tail):
    with pytest.raises(BadRequirement):
        read(f"./x{tail.replace(chr(92), '')}")
