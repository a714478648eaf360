from datetime import UTC, datetime, timedelta

import pytest

from tholos.accounts import errors, passwords
from tholos.accounts.passwords import WRONG_AT_MOST, WRONG_WITHIN, Attempts, Passwords

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def _try(attempts, *keys, times=WRONG_AT_MOST, now=NOW):
    for _ in range(times):
        attempts.begin(keys, now)


def test_after_so_many_wrong_ones_one_has_to_wait():
    attempts = Attempts()
    _try(attempts, "name:ada")
    with pytest.raises(errors.TooManyAttempts) as caught:
        attempts.begin(["name:ada"], NOW + timedelta(minutes=5))
    assert 590 < caught.value.details["retry_after_s"] <= 601
    attempts.begin(["name:bob"], NOW)
    attempts.begin(["name:ada"], NOW + WRONG_WITHIN)


def test_an_address_that_tries_many_names_has_to_wait_too():
    attempts = Attempts()
    for number in range(WRONG_AT_MOST):
        attempts.begin([f"name:{number}", "address:1"], NOW)
    with pytest.raises(errors.TooManyAttempts):
        attempts.begin(["name:other", "address:1"], NOW)
    attempts.begin(["name:other", "address:2"], NOW)


def test_right_ones_do_not_count_and_wrong_ones_stay_counted():
    attempts = Attempts()
    _try(attempts, "name:ada", times=WRONG_AT_MOST - 1)
    for number in range(5):
        now = NOW + timedelta(seconds=number + 1)
        attempts.begin(["name:ada"], now)
        attempts.succeed(["name:ada"], now)
    _try(attempts, "name:ada", times=1)
    with pytest.raises(errors.TooManyAttempts):
        attempts.begin(["name:ada"], NOW)


def test_what_is_kept_is_bounded(monkeypatch):
    monkeypatch.setattr(passwords, "_COUNTED_AT_MOST", 20)
    attempts = Attempts()
    for number in range(100):
        attempts.begin([f"name:{number}"], NOW)
    assert len(attempts._at) <= 20


def test_whoever_would_take_a_thread_too_many_is_refused():
    busy = Passwords()
    for _ in range(passwords.WAITING_AT_MOST):
        busy._waiting.acquire()
    with pytest.raises(errors.TooBusy):
        busy.hash("x" * 10)
    busy._waiting.release()
    with pytest.raises(errors.PasswordTooShort):
        busy.hash("x")
