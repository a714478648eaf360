"""What is remembered of credentials, for how long, and how much of it."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from tholos.access import known as knowing
from tholos.access.known import Credential, Known, KnownCredentials
from tholos.access.service import Admission
from tholos.testing.clock import TestClock

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LIFE_S = 600.0
TOKEN = Credential("app_1", "token", "secret")


@pytest.fixture
def clock():
    return TestClock(NOW)


@pytest.fixture
def known(clock):
    return KnownCredentials(None, clock, SimpleNamespace(life_s=LIFE_S), None)


def fact(seconds=LIFE_S, epoch=0, access_version=1, expires_at=None):
    admission = Admission("acc_1", "ada", "ses_1", access_version, expires_at)
    return Known(admission, NOW.timestamp() + seconds, epoch)


def test_it_is_good_until_its_end(known, clock):
    known.remember(TOKEN, fact())
    assert known.find(TOKEN, 1) is not None
    clock.move(LIFE_S + 1)
    assert known.find(TOKEN, 1) is None


def test_it_is_looked_up_again_once_access_changed_anywhere_or_to_this_app(known):
    known.remember(TOKEN, fact())
    assert known.find(TOKEN, 2) is None
    assert known.find(TOKEN, 1) is not None
    known.epoch += 1
    assert known.find(TOKEN, 1) is None


def test_nothing_is_good_longer_than_what_it_came_from(known):
    soon, late = NOW + timedelta(seconds=5), NOW + timedelta(days=1)
    assert known.good_until(fact(expires_at=soon).admission) == soon.timestamp()
    assert known.good_until(fact(expires_at=late).admission) == NOW.timestamp() + LIFE_S
    assert known.good_until(fact(expires_at=soon).admission, NOW.timestamp() + 1) == NOW.timestamp() + 1


def test_only_so_many_are_remembered_and_what_is_good_for_nothing_goes_first(known, clock, monkeypatch):
    monkeypatch.setattr(knowing, "REMEMBERED_AT_MOST", 4)
    credentials = [Credential("app_1", "token", str(number)) for number in range(7)]
    for one, seconds in zip(credentials[:4], (100, 1, 100, 1), strict=True):
        known.remember(one, fact(seconds))
    clock.move(2)
    known.remember(credentials[4], fact(100))
    assert [known.find(one, 1) is not None for one in credentials[:5]] == [True, False, True, False, True]
    for one in credentials[5:]:
        known.remember(one, fact(100))
    found = [known.find(one, 1) is not None for one in credentials]
    assert found == [False, False, True, False, True, True, True], "then the oldest"


async def test_what_changed_during_the_look_is_looked_at_again(known, monkeypatch):
    seen = []

    def look_up(credential, epoch):
        seen.append(epoch)
        if len(seen) == 1:
            known.epoch += 1
        return fact(epoch=epoch)

    monkeypatch.setattr(known, "_look_up", look_up)
    found = await known.look_up(TOKEN)
    assert (seen, found.epoch) == ([0, 1], 1)
