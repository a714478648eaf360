"""Whether memory is left for one more instance, and what is said where it is not."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.accounts.quotas import Most, QuotaReached
from tholos.instances.quotas import _check_memory

APP = SimpleNamespace(name="sales")
LIMITED = st.integers(1, 500)


def may(running, wanted, allowed):
    try:
        _check_memory(APP, running, wanted, Most(memory_mb=allowed))
    except QuotaReached:
        return False
    return True


@given(st.lists(LIMITED, max_size=4), LIMITED, st.integers(1, 1000))
def test_what_runs_and_what_is_wanted_fit_together_or_are_refused(running, wanted, allowed):
    assert may(running, wanted, allowed) == (sum(running) + wanted <= allowed)


@given(st.lists(LIMITED, max_size=4), st.integers(1, 1000))
def test_who_may_have_any_amount_is_taken_to_have_all(running, allowed):
    assert may(running, 0, allowed) == (not running)
    assert not may([*running, 0], 1, allowed)


@given(st.lists(st.integers(0, 500), max_size=4), st.integers(0, 500))
def test_without_a_quota_anything_fits(running, wanted):
    assert may(running, wanted, 0)


@pytest.mark.parametrize(
    ("running", "wanted", "said"),
    [
        ([100, 1000], 200, "may have 200 MB of memory, its owner's other instances 1,100 MB, and 250 MB"),
        ([], 300, "may have 300 MB of memory, its owner's other instances 0 MB, and"),
        ([100], 0, "may have any amount of memory, its owner's other instances 100 MB, and"),
        ([100, 0], 100, "may have 100 MB of memory, its owner's other instances any amount, and"),
    ],
)
def test_it_says_what_stands_against_what(running, wanted, said):
    with pytest.raises(QuotaReached, match=said):
        _check_memory(APP, running, wanted, Most(memory_mb=250))
