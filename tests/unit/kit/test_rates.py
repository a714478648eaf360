"""Buckets: so many at once, and again as many within a time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.kit import rates
from tholos.kit.rates import Buckets, Rate, TooManyRequests

NOW = datetime(2026, 5, 4, tzinfo=UTC)
SECOND = timedelta(seconds=1)
FIVE_A_MINUTE = Rate(5, timedelta(minutes=1))


def took(buckets, key, now):
    try:
        buckets.take(key, now)
    except TooManyRequests:
        return False
    return True


def test_so_many_at_once_then_one_each_time_that_it_fills():
    buckets = Buckets(FIVE_A_MINUTE)
    assert [took(buckets, "ada", NOW) for _ in range(7)] == [True] * 5 + [False] * 2
    assert not took(buckets, "ada", NOW + 11 * SECOND)
    assert took(buckets, "ada", NOW + 12 * SECOND)
    assert not took(buckets, "ada", NOW + 12 * SECOND)


def test_it_never_holds_more_than_at_first():
    buckets = Buckets(FIVE_A_MINUTE)
    assert took(buckets, "ada", NOW)
    later = NOW + timedelta(days=1)
    assert [took(buckets, "ada", later) for _ in range(6)] == [True] * 5 + [False]


def test_each_key_has_its_own():
    buckets = Buckets(Rate(1, timedelta(minutes=1)))
    assert took(buckets, "ada", NOW)
    assert took(buckets, "bob", NOW)
    assert not took(buckets, "ada", NOW)


def test_who_comes_too_often_is_told_when_to_come_back():
    buckets = Buckets(Rate(1, timedelta(minutes=5)), "Cannot guess just now.")
    buckets.take("ada", NOW)
    with pytest.raises(TooManyRequests) as caught:
        buckets.take("ada", NOW + 10 * SECOND)
    assert caught.value.message == "Cannot guess just now."
    assert caught.value.details == {"retry_after_s": 290}
    assert caught.value.fix == "Try again in 5 minutes."
    buckets.take("ada", NOW + 300 * SECOND)


def test_checking_takes_nothing():
    buckets = Buckets(Rate(1, timedelta(minutes=1)))
    for _ in range(3):
        buckets.check("ada", NOW)
    buckets.take("ada", NOW)
    with pytest.raises(TooManyRequests):
        buckets.check("ada", NOW)


def test_a_clock_that_is_set_back_gives_nothing_away():
    buckets = Buckets(Rate(1, timedelta(minutes=1)))
    buckets.take("ada", NOW)
    assert not took(buckets, "ada", NOW - timedelta(days=1))


def test_of_very_many_keys_those_that_came_too_often_are_remembered(monkeypatch):
    monkeypatch.setattr(rates, "KEYS_AT_MOST", 10)
    buckets = Buckets(Rate(2, timedelta(days=1)))
    for _ in range(2):
        buckets.take("bad", NOW)
    for number in range(100):
        buckets.take(f"passing {number}", NOW)
    assert not took(buckets, "bad", NOW)


@given(st.integers(1, 50), st.lists(st.integers(0, 40), max_size=80))
def test_nobody_gets_more_than_the_rate_allows(most, pauses):
    """Over any stretch: what it began with, and what came to it meanwhile."""
    rate = Rate(most, timedelta(seconds=60))
    buckets, now, given_out = Buckets(rate), NOW, 0
    for pause in pauses:
        now += pause * SECOND
        given_out += took(buckets, "ada", now)
        assert given_out <= most + (now - NOW).total_seconds() / rate.each_s + 1e-6


@given(st.integers(1, 100), st.integers(1, 3600))
def test_coming_back_when_told_is_never_too_early(most, within_s):
    buckets = Buckets(Rate(most, timedelta(seconds=within_s)))
    for _ in range(most):
        buckets.take("ada", NOW)
    with pytest.raises(TooManyRequests) as caught:
        buckets.take("ada", NOW)
    buckets.take("ada", NOW + timedelta(seconds=int(str(caught.value.details["retry_after_s"]))))
