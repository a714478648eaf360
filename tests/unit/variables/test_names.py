"""Names and values that a process can be given."""

import pytest

from tholos.variables.errors import (
    NameInvalid,
    SecretNameInvalid,
    TooMany,
    ValueInvalid,
)
from tholos.variables.names import (
    check_amount,
    check_name,
    check_secret_name,
    check_value,
    parse_env_text,
)


@pytest.mark.parametrize(
    "name", ["A", "_", "DATABASE_URL", "http_proxy", "A" * 128, "HOME", "LD_LIBRARY_PATH", "ENV"]
)
def test_a_name_may_be(name):
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "A=B", "Ä", "A\n", "A" * 129, "A.B", "\0"])
def test_a_name_has_a_form(name):
    with pytest.raises(NameInvalid, match="letters, digits and underscores"):
        check_name(name)


@pytest.mark.parametrize("name", ["THOLOS_APP", "THOLOS_", "tholos_x"])
def test_our_own_names_are_ours(name):
    with pytest.raises(NameInvalid, match="Tholos itself"):
        check_name(name)


@pytest.mark.parametrize(
    ("name", "why"),
    [("PATH", "packages of the release"), ("LD_PRELOAD", "foreign code"), ("PYTHONPATH", "pyproject"), ("PYTHONHOME", "library")],
)  # fmt: skip
def test_what_breaks_a_process_is_refused_with_the_reason(name, why):
    with pytest.raises(NameInvalid, match=why):
        check_name(name)


@pytest.mark.parametrize("name", ["db", "Db.main-1_x", "a" * 80])
def test_a_shared_secret_may_be_called(name):
    assert check_secret_name(name) == name


@pytest.mark.parametrize("name", ["", "1a", "a/b", "../x", "a b", "a" * 81, "é"])
def test_a_shared_secret_may_not_be_called(name):
    with pytest.raises(SecretNameInvalid):
        check_secret_name(name)


@pytest.mark.parametrize("value", ["hunter2\0hunter2", "hunter2\ud800", "hunter2" * 10_000])
def test_a_value_that_no_process_takes_is_refused_without_telling_it(value):
    with pytest.raises(ValueInvalid) as caught:
        check_value(value, "TOKEN")
    assert "hunter2" not in str(caught.value.to_json())
    assert caught.value.where == "TOKEN"


def test_a_value_may_be_empty_and_of_any_characters():
    for value in ("", "x" * 65536, "zwei\nZeilen\t✓"):
        assert check_value(value, "A") == value


def test_there_are_only_so_many():
    check_amount((f"A{n}", 1) for n in range(200))
    with pytest.raises(TooMany, match="201, at most 200"):
        check_amount((f"A{n}", 1) for n in range(201))
    with pytest.raises(TooMany, match="bytes"):
        check_amount((f"A{n}", 65536) for n in range(9))


def test_a_text_of_names_and_values_is_read():
    assert parse_env_text("A=1\nB='x'") == {"A": "1", "B": "x"}


@pytest.mark.parametrize("text", ["PATH=/bin", "9A=1", "THOLOS_X=1"])
def test_names_of_a_text_are_checked(text):
    with pytest.raises(NameInvalid):
        parse_env_text(text)


def test_values_of_a_text_are_checked():
    with pytest.raises(ValueInvalid):
        parse_env_text("A=" + "x" * 65_537)
