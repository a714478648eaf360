"""What the page says of attacks is tried by tests that are there, in the ways that it names."""

import ast
from pathlib import Path

import pytest
from tools.reference.attacks import BY_TENANTS, ON_ACCESS

ROOT = Path(__file__).parents[3]
ALL = (*ON_ACCESS, *BY_TENANTS)
NAMED = sorted({test for attack in ALL for test in attack.tests})


@pytest.mark.parametrize("test", NAMED)
def test_a_test_that_is_named_is_there(test):
    path, _, name = test.partition("::")
    found = ast.parse((ROOT / path).read_text("utf-8")).body
    assert name in {getattr(one, "name", "") for one in found}, f"{path} has no {name}"


def test_both_ways_are_tried_where_the_page_says_so():
    for attack in ALL:
        texts = {test.partition("::")[0]: "" for test in attack.tests}
        texts = {path: (ROOT / path).read_text("utf-8") for path in texts}
        both = [
            path
            for path, text in texts.items()
            if '("door", "gateway")' in text or '["door", "gateway"]' in text
        ]
        with_proxy = [path for path in texts if "/proxy/" in path]
        by_door = [path for path in texts if "/gateway/test_carrier" in path]
        assert attack.ways in {"", "door", "gateway", "both"}
        assert attack.ways != "both" or both or (with_proxy and by_door), attack.tried


def test_every_attack_is_tried():
    assert (len(ON_ACCESS), len(BY_TENANTS)) == (15, 11)
    assert all(attack.tests and attack.becomes.endswith(".") for attack in ALL)
