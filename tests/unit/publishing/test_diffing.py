"""Differences of texts: right by what ``patch`` makes of them, and quick whatever the texts are."""

import re
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tholos.publishing.diffing import compare

WORDS = st.lists(st.sampled_from(["a", "b", "c", "", " x", "@@", "-y", "+z"]), max_size=30)
TEXTS = st.builds(lambda words, end: "\n".join(words) + end, WORDS, st.sampled_from(["", "\n"]))


MARK = "\n\\ No newline at end of file"


def _apply(before: str, lines) -> str:
    """What a difference makes of a text, by its own line numbers."""
    old = re.findall(r"[^\n]*\n|[^\n]+", before)
    result, at = [], 0
    for line in lines:
        text = line.text.removesuffix(MARK) + ("" if line.text.endswith(MARK) else "\n")
        if line.mark == "@":
            found = re.match(r"@@ -(\d+)(?:,(\d+))? ", line.text)
            start = int(found[1]) - (0 if found[2] == "0" else 1)
            result += old[at:start]
            at = start
        elif line.mark == "+":
            result.append(text)
        else:
            assert old[at] == text
            at += 1
            result += [text] if line.mark == " " else []
    return "".join(result + old[at:])


@given(TEXTS, TEXTS)
@settings(max_examples=400)
def test_applied_to_the_one_it_gives_the_other(before, after):
    assert _apply(before, compare(before, after).lines) == after


@given(TEXTS)
def test_equal_texts_do_not_differ(text):
    assert compare(text, text).lines == ()


def test_lines_have_the_numbers_of_both_texts():
    found = compare("1\n2\n3\n4\n5\n6\n", "1\n2\n3\n4\nfive\n6\n")
    assert [(line.mark, line.text, line.before, line.after) for line in found.lines] == [
        ("@", "@@ -2,5 +2,5 @@", 2, 2),
        (" ", "2", 2, 2),
        (" ", "3", 3, 3),
        (" ", "4", 4, 4),
        ("-", "5", 5, 0),
        ("+", "five", 0, 5),
        (" ", "6", 6, 6),
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [("", "a\nb\n"), ("a\n", ""), ("a", "a\n"), ("a\nb\nc\n", "a\nx\nc"), ("x\n" * 50, "x\n" * 49 + "y\n")],
)
def test_patch_reads_it(before, after, tmp_path):
    (tmp_path / "f").write_text(before)
    text = "--- f\n+++ f\n" + compare(before, after).unified()
    subprocess.run(["patch", "-s", "f"], input=text, text=True, cwd=tmp_path, check=True, timeout=10)
    left = tmp_path / "f"
    assert (left.read_text() if left.exists() else "") == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a\n" * 500_000, "a\nb\n" * 250_000),
        ("".join(f"{n}\n" for n in range(150_000)), "".join(f"{n}\n" for n in reversed(range(150_000)))),
        ("a\nb\n" * 250_000, "b\na\n" * 250_000),
        ("".join(f"{n % 7}\n" for n in range(500_000)), "".join(f"{n % 11}\n" for n in range(400_000))),
    ],
)
def test_texts_made_to_be_slow_are_not(before, after):
    """Compared line by line with all others they would take hours: the run's own limit on a test would end it."""
    found = compare(before, after)
    assert len(found.lines) <= 5_000
    assert found.left_out > 0
