"""What of two releases differs, and that no secret shows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.publishing.comparing import (
    Change,
    Entry,
    Side,
    Variable,
    compare,
    looks_like_text,
    packages,
)
from tholos.runtime.locks import OwnPackage

LOCK = """--index-url https://pypi.org/simple
flask==3.0.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
Typing_Extensions[x] == 4.1 ; python_version < "3.13" --hash=sha256:cc
tool @ git+https://example.org/tool@0123abc
# a comment
"""
PYLOCK = """lock-version = "1.0"
[[packages]]
name = "Flask"
version = "3.0.0"
[[packages]]
name = "tool"
vcs = { type = "git", url = "https://example.org/tool" }
"""


def _side(**more):
    return Side(**{"files": {}, "lock": "", "manifest": {}, "python": "3.12.1", **more})


def _differences(before, after, is_text=lambda change: True):
    return compare(before, after, is_text)


def test_files_by_path():
    before = {"a": Entry(1, "x"), "b": Entry(2, "y"), "c": Entry(3, "z"), "d": Entry(1, "x")}
    after = {"b": Entry(5, "w"), "c": Entry(3, "z", executable=True), "d": Entry(1, "x"), "e": Entry(1, "n")}
    found = _differences(_side(files=before), _side(files=after)).files
    assert [(one.path, one.change, one.is_mode_only) for one in found] == [
        ("a", "removed", False), ("b", "changed", False), ("c", "changed", True), ("e", "added", False),
    ]  # fmt: skip


def test_packages_among_the_files_are_told_apart_by_what_they_are_made_of():
    before, after = (OwnPackage("libs/own", sha * 64, "own", "0.1", is_folder=True).line for sha in "01")
    assert packages(f"{before}\n{LOCK}")["own"] == "0.1"
    assert _differences(_side(lock=before), _side(lock=after)).packages == (
        Change(
            "own", "changed", f"0.1 of file:./libs/own, {'0' * 12}", f"0.1 of file:./libs/own, {'1' * 12}"
        ),
    )


def test_packages_of_a_lock():
    assert packages(LOCK) == {
        "flask": "3.0.0", "typing-extensions": "4.1", "tool": "git+https://example.org/tool@0123abc",
    }  # fmt: skip
    assert packages(PYLOCK) == {"flask": "3.0.0", "tool": "https://example.org/tool"}
    assert packages("") == {}
    assert packages('lock-version = "1.0"\n[[[') == {}


def test_packages_side_by_side():
    found = _differences(_side(lock="a==1\nb==1\n"), _side(lock="b==2\nc==1\n")).packages
    assert found == (
        Change("a", "removed", "1", ""), Change("b", "changed", "1", "2"), Change("c", "added", "", "1"),
    )  # fmt: skip


def test_variables_by_name_and_secrets_never_by_value():
    before = {
        "SAME": Variable("val_1", is_secret=False, value="x"),
        "PLAIN": Variable("val_2", is_secret=False, value="old"),
        "KEY": Variable("sec_1", is_secret=True, value="never"),
        "TURNED": Variable("val_3", is_secret=False, value="shown before"),
    }
    after = {
        "SAME": Variable("val_9", is_secret=False, value="x"),
        "PLAIN": Variable("val_4", is_secret=False, value="new"),
        "KEY": Variable("sec_2", is_secret=True, value="never"),
        "TURNED": Variable("sec_3", is_secret=True, value="never"),
        "MORE": Variable("sec_4", is_secret=True, value="never"),
    }
    found = {one.name: one for one in _differences(_side(variables=before), _side(variables=after)).variables}
    assert set(found) == {"PLAIN", "KEY", "TURNED", "MORE"}
    assert (found["PLAIN"].before, found["PLAIN"].after) == ("old", "new")
    assert (found["KEY"].change, found["KEY"].after, found["MORE"].before) == ("changed", "a secret", "")
    assert "never" not in repr(found)


def test_values_that_cannot_be_read_are_told_apart_by_id():
    def lost(identity):
        return Variable(identity, is_secret=False, value=None)

    before = {
        "SAME": lost("val_1"),
        "OTHER": lost("val_2"),
        "READ": Variable("val_3", is_secret=False, value=""),
    }
    after = {"SAME": lost("val_1"), "OTHER": lost("val_4"), "READ": lost("val_5")}
    found = _differences(_side(variables=before), _side(variables=after)).variables
    assert [one.name for one in found] == ["OTHER", "READ"]


def test_settings_in_words():
    before = _side(manifest={"kind": "wsgi", "entrypoint": "a:app", "keep": [], "paths": [""], "python": ""})
    after = _side(
        manifest={"kind": "wsgi", "entrypoint": "b:app", "keep": ["data"], "paths": ["web", ""], "python": ">=3.12"},
        python="3.13.0", limits={"memory": 512},
    )  # fmt: skip
    assert [(one.name, one.before, one.after) for one in _differences(before, after).settings] == [
        ("Entry point", "a:app", "b:app"), ("Keep", "", "data"), ("Import paths", ".", "web, ."),
        ("Python", "3.12.1", "3.13.0"), ("Asks for Python", "", ">=3.12"), ("Limit: memory", "", "512"),
    ]  # fmt: skip


def test_the_same_is_the_same():
    side = _side(files={"a": Entry(1, "x")}, lock=LOCK, manifest={"kind": "wsgi"})
    assert _differences(side, side).is_same


@given(st.text(max_size=300))
def test_no_lock_breaks_it(text):
    assert all(isinstance(version, str) for version in packages(text).values())
    assert all(isinstance(version, str) for version in packages(f"lock-version = '1'\n{text}").values())


@pytest.mark.parametrize(
    ("head", "is_text"),
    [
        (b"", True),
        ("grün".encode(), True),
        ("grün".encode()[:3], True),
        (b"\xff\xfe", False),
        (b"a\0b", False),
        (b"\x80" * 10, False),
        (("x" * 7_999 + "ü").encode(), True),
    ],
)
def test_what_can_be_shown_as_lines(head, is_text):
    assert looks_like_text(head) is is_text
