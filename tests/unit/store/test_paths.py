import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.store import paths
from tholos.store.errors import BadPath

BAD = {
    "": "empty",
    "/etc/passwd": "absolute",
    "a//b": "empty",
    "a/": "empty",
    ".": "'.'",
    "a/./b": "'.'",
    "..": "'..'",
    "../a": "'..'",
    "a/../b": "'..'",
    "a\0b": "control",
    "a\nb": "control",
    "a\x7fb": "control",
    "a\x85b": "control",
    "a\\b": "backslash",
    "e\u0301": "normal form C",
    "a\udcff": "UTF-8",
    "x" * 256: "255",
    "/".join(["abcdefghi"] * 110): "1024",
}


@pytest.mark.parametrize(("path", "reason"), BAD.items(), ids=range(len(BAD)))
def test_refuses(path, reason):
    with pytest.raises(BadPath, match=reason) as caught:
        paths.check(path)
    caught.value.message.encode()


@pytest.mark.parametrize(
    "path", ["a", ".hidden", "a b/c", "...", "a/..b", "é/日本", "x" * 255, "a:b", "-", "~"]
)
def test_takes(path):
    assert paths.check(path) == path


@given(st.text(max_size=40))
def test_what_passes_is_safe_to_join(path):
    try:
        paths.check(path)
    except BadPath:
        return
    parts = path.split("/")
    assert all(part not in {"", ".", ".."} for part in parts)
    assert unicodedata.is_normalized("NFC", path)
    assert "\0" not in path
    assert "\\" not in path


@given(st.text("ab./-_0", max_size=30))
def test_the_short_way_agrees_with_the_rules(path):
    fault = paths.find_fault(path)
    if fault:
        with pytest.raises(BadPath):
            paths.check(path)
    else:
        assert paths.check(path) == path


def test_finds_conflicts():
    assert not paths.find_conflict(["a", "b/c", "b/d"])
    assert "twice" in paths.find_conflict(["a", "a"])
    assert "'b' is both" in paths.find_conflict(["b/c/d", "b"])


def test_finds_case_twins():
    assert paths.find_case_twins(["A/x", "a/y", "z"]) == [("A", "a")]
    assert paths.find_case_twins(["straße", "STRASSE"]) == [("straße", "STRASSE")]
