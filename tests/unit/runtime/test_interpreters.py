from __future__ import annotations

import pytest

from tholos.runtime import interpreters
from tholos.runtime.interpreters import Interpreter, PythonNotFound, choose


def python(version: str, **changes) -> Interpreter:
    facts = {
        "implementation": "cpython",
        "path": f"/opt/{version}/bin/python3",
        "platform": "linux-x86_64-glibc",
    }
    return Interpreter(version=version, **{**facts, **changes})


INSTALLED = [python(version) for version in ("3.6.15", "3.9.18", "3.11.2", "3.11.7", "3.13.0", "3.14.0rc1")]


@pytest.mark.parametrize(
    ("specifier", "expected", "why"),
    [
        (">=3.11", "3.13.0", 'requires-python ">=3.11", newest installed'),
        (">=3.10,<3.13", "3.11.7", 'requires-python ">=3.10,<3.13", newest installed'),
        ("3.11", "3.11.7", 'requires-python "3.11", newest installed'),
        ("3.11.2", "3.11.2", 'requires-python "3.11.2", installed'),
        ("==3.11.2", "3.11.2", 'requires-python "==3.11.2", installed'),
        ("3.11.9", "3.11.7", 'requires-python "3.11.9" is not installed, the nearest that is'),
        ("3.14", "3.14.0rc1", 'requires-python "3.14", newest installed'),
        ("~=3.9.1", "3.9.18", 'requires-python "~=3.9.1", newest installed'),
        ("", "3.13.0", "no version is asked for, newest installed"),
    ],
)
def test_the_newest_final_release_that_fits_is_chosen_with_its_reason(specifier, expected, why):
    choice = choose(INSTALLED, specifier)
    assert (choice.interpreter.version, choice.why) == (expected, why)


def test_the_flag_stands_instead_of_what_the_app_says():
    choice = choose(INSTALLED, ">=3.13", "3.9")
    assert (choice.interpreter.version, choice.why) == ("3.9.18", "--python 3.9, newest installed")


@pytest.mark.parametrize(
    ("specifier", "nearest"),
    [(">=3.15", "3.14.0rc1"), ("==3.10.*", "3.11.7"), ("<3.8", "3.9.18"), ("3.12.1", "3.13.0")],
)
def test_what_is_not_installed_names_those_found_the_nearest_and_the_flag(specifier, nearest):
    with pytest.raises(PythonNotFound) as caught:
        choose(INSTALLED, specifier)
    assert "3.14.0rc1, 3.13.0, 3.11.7" in caught.value.message.replace(
        "3.13.0, 3.11.7, 3.11.2, 3.9.18, 3.14.0rc1", "3.14.0rc1, 3.13.0, 3.11.7"
    )
    assert f"({nearest})" in caught.value.fix
    assert "--python 3." in caught.value.fix


def test_an_interpreter_too_old_for_the_guest_is_never_chosen():
    with pytest.raises(PythonNotFound, match=r"apps need 3\.8 or later, installed: 3\.6\.15"):
        choose([python("3.6.15")], "")


def test_nonsense_is_told_as_such():
    with pytest.raises(PythonNotFound, match="no version and no specifier"):
        choose(INSTALLED, "latest")


def test_cpython_with_its_lock_comes_before_others_of_the_same_version():
    odd = [python("3.13.1", is_threaded=True), python("3.13.2", implementation="pypy"), python("3.13.0")]
    assert choose(odd, ">=3.13").interpreter.version == "3.13.0"
    assert str(choose(odd[:2], ">=3.13").interpreter) == "3.13.1t"
    assert str(choose(odd[1:2], ">=3.13").interpreter) == "pypy 3.13.2"


def test_builds_of_one_version_have_different_identities():
    names = {
        found.identity
        for found in (python("3.13.0"), python("3.13.0", is_threaded=True), python("3.13.0", path="/b"))
    }
    assert len(names) == 3


def test_only_names_of_interpreters_are_looked_at():
    assert all(map(interpreters.is_python, ("python3", "python3.8", "python3.13t", "pypy3.10")))
    assert not any(
        map(interpreters.is_python, ("python3.8-config", "python", "python3-pasteurize", "ipython3"))
    )


def test_a_program_that_is_none_is_passed_by(tmp_path):
    assert interpreters.probe("/bin/false") is None
    assert interpreters.probe(str(tmp_path / "python3")) is None
