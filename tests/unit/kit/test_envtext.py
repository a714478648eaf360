"""Text of the form of ``.env`` files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.kit.envtext import EnvTextInvalid, parse

NAMES = st.from_regex(r"[A-Z_][A-Z0-9_]{0,20}", fullmatch=True)
VALUES = st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=80)

TEXT = r"""
# what the shop needs
export DATABASE_URL=postgres://db/shop   # the replica
EMPTY=
SPACED =  two words
SINGLE='as $it is \n # here'   # told
DOUBLE="a \"quoted\"\tword\\ and \$1 \q"
LINES="first
second"
HASH=#no#comment
PEM='-----BEGIN-----
abc
-----END-----'
EQUALS=a=b=c
SINGLE_AGAIN=1
SINGLE_AGAIN=2
"""


def test_a_text_is_read():
    assert parse(TEXT) == {
        "DATABASE_URL": "postgres://db/shop",
        "EMPTY": "",
        "SPACED": "two words",
        "SINGLE": r"as $it is \n # here",
        "DOUBLE": 'a "quoted"\tword\\ and $1 \\q',
        "LINES": "first\nsecond",
        "HASH": "#no#comment",
        "PEM": "-----BEGIN-----\nabc\n-----END-----",
        "EQUALS": "a=b=c",
        "SINGLE_AGAIN": "2",
    }


def test_a_text_of_another_system_is_read():
    assert parse("\ufeffA=1\r\nB='x\r\ny'\r\n") == {"A": "1", "B": "x\ny"}


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("A=1\nhunter2\n", 2, "form NAME=value"),
        ("A=1\n\n# c\n=hunter2", 4, "form NAME=value"),
        ("A='hunter2", 1, "not closed"),
        ('A="hunter2\n\n', 1, "not closed"),
        ("A='x' hunter2", 1, "follows the closing"),
        ('A=1\nB="x\ny"z hunter2', 3, "follows the closing"),
    ],
)
def test_what_cannot_be_read_is_told_by_its_line_and_without_it(text, line, why):
    with pytest.raises(EnvTextInvalid, match=why) as caught:
        parse(text)
    assert caught.value.where == f"line {line}"
    assert "hunter2" not in str(caught.value.to_json())


@given(st.dictionaries(NAMES, VALUES.filter(lambda value: "'" not in value), max_size=6))
def test_what_stands_in_single_quotes_comes_back_as_it_is(found):
    assert parse("\n".join(f"{name}='{value}'" for name, value in found.items())) == found


@given(st.dictionaries(NAMES, VALUES, max_size=6))
def test_what_is_escaped_in_double_quotes_comes_back(found):
    def quoted(value):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'

    assert parse("\n".join(f"{name}={quoted(value)} # c" for name, value in found.items())) == found


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    try:
        found = parse(text)
    except EnvTextInvalid:
        return
    assert all(name and "=" not in name for name in found)


@pytest.mark.parametrize("text", ["A=" + " #" * 50_000, "B=1\n" * 50_000, "\n" * 100_000])
def test_a_long_text_is_read_in_no_time(text):
    assert set(parse(text)) <= {"A", "B"}


@pytest.mark.parametrize("text", ["'" * 100_000, 'A="' + "\\" * 100_001, "\n" * 100_000 + "x"])
def test_a_long_text_is_refused_in_no_time(text):
    with pytest.raises(EnvTextInvalid):
        parse(text)
