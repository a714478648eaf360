from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tholos.cli.names import NameInvalid, check_name, fit_name

NAME = re.compile(r"[a-z][a-z0-9-]{1,39}")


@settings(deadline=None, max_examples=100)
@given(st.text())
def test_any_title_has_a_name_that_is_a_host_label(title):
    name = fit_name(title)
    assert NAME.fullmatch(name)
    assert not name.endswith("-")
    assert "--" not in name
    assert check_name(name) == name


@settings(deadline=None, max_examples=100)
@given(st.from_regex(NAME, fullmatch=True).filter(lambda name: not name.endswith("-") and "--" not in name))
def test_a_name_that_fits_is_left_alone(name):
    assert fit_name(name) == name


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Sales API", "sales-api"),
        ("2024_report", "app-2024-report"),
        ("Übersicht", "ubersicht"),
        ("x", "app-x"),
        ("図", "app"),
        ("", "app"),
        ("a" * 60, "a" * 40),
    ],
)
def test_examples(title, name):
    assert fit_name(title) == name


@pytest.mark.parametrize("name", ["", "a", "Sales", "1st", "a" * 41, "a_b", "a.b", "-a", "ä1"])
def test_other_names_are_refused_with_one_that_fits(name):
    with pytest.raises(NameInvalid) as caught:
        check_name(name)
    assert NAME.fullmatch(caught.value.fix.removeprefix("--name "))
