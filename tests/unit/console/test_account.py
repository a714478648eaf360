"""What is typed into the forms of one's own account."""

import pytest

from tholos.accounts.models import Scope
from tholos.console.account import DAYS, SCOPES, _days, _number


@pytest.mark.parametrize(
    ("typed", "days"), [("30", 30), ("", 0), ("x", 0), ("-1", 0), ("9" * 6, 0), ("²", 0), ("٣", 3)]
)
def test_days_as_typed(typed, days):
    assert _days(typed) == days


@pytest.mark.parametrize(
    ("typed", "version"), [("3", 3), ("", None), ("x", None), ("9" * 18, None), ("9" * 17, 10**17 - 1)]
)
def test_versions_as_sent(typed, version):
    assert _number(typed) == version


def test_every_scope_is_offered_in_words():
    assert {scope for scope, _ in SCOPES} == set(Scope)
    assert all(_days(days) for days, _ in DAYS)
