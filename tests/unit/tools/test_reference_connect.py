"""What the page says of Connect's features is shown by tests that are there."""

import ast
from pathlib import Path

import pytest
from tools.reference.connect import FEATURES, State

ROOT = Path(__file__).parents[3]
NAMED = sorted({test for feature in FEATURES for test in feature.tests})


@pytest.mark.parametrize("test", NAMED)
def test_a_test_that_is_named_is_there(test):
    path, *names = test.split("::")
    found = ast.parse((ROOT / path).read_text("utf-8")).body
    for name in names:
        held = [one for one in found if getattr(one, "name", "") == name]
        assert held, f"{path} has no {name}"
        found = getattr(held[0], "body", [])
    assert names[-1].startswith("test_")


def test_what_is_here_is_shown_by_a_test():
    here = {State.WORKS, State.DIFFERS}
    assert [one.name for one in FEATURES if one.state in here and not one.tests] == []


def test_what_is_not_there_names_no_test():
    assert [one.name for one in FEATURES if one.state is State.NOT_PLANNED and one.tests] == []


def test_every_feature_is_there_once_and_says_how():
    names = [one.name for one in FEATURES]
    assert len(names) == len(set(names)) == 52
    assert all(one.text.endswith(".") for one in FEATURES)
