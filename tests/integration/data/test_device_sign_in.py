"""Letting a terminal in from a browser: once, in time, and only where somebody said so."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tholos.accounts import device, errors
from tholos.accounts import service as accounts
from tholos.accounts.service import Origin
from tholos.audit.models import Action, AuditEntry
from tholos.testing.rows import sign_in

ORIGIN = Origin("tholos 1.0", "10.0.0.7", "req_1")


@pytest.fixture
def ada(database, people, clock):
    """In a browser."""
    return sign_in(database, people.ada, clock.now())[0]


@pytest.fixture
def begun(database, people, clock):
    with database.write() as db:
        return device.begin(db, "tholos on laptop", ORIGIN, clock.now())


@pytest.fixture
def decide(database, clock):
    def run(actor, code, *, is_approved=True):
        with database.write() as db:
            return device.decide(db, actor, code, clock.now(), is_approved=is_approved)

    return run


@pytest.fixture
def redeem(database, clock):
    def run(secret):
        with database.write() as db:
            return device.redeem(db, secret, clock.now())

    return run


def test_a_terminal_is_let_in(database, begun, ada, decide, redeem, clock):
    with pytest.raises(errors.AuthorizationPending):
        redeem(begun.secret)
    assert decide(ada, begun.code).label == "tholos on laptop"
    account, token, secret = redeem(begun.secret)
    assert (account.name, token.label, token.scope) == ("ada", "tholos on laptop", "full")
    with database.read() as db:
        assert accounts.find_actor(db, clock.now(), token=secret).account_id == ada.account_id
        (approved,) = db.query(AuditEntry).filter_by(action=Action.DEVICE_APPROVED)
    assert (approved.actor_name, approved.subject_name, approved.after) == (
        "ada", "tholos on laptop", {"address": "10.0.0.7"},
    )  # fmt: skip


def test_it_gets_one_token(begun, ada, decide, redeem, at_once):
    decide(ada, begun.code)
    results = at_once(*[lambda: redeem(begun.secret)] * 4)
    assert sum(isinstance(one, tuple) for one in results) == 1
    assert {type(one) for one in results} == {tuple, errors.DeviceExpired}


def test_a_refusal_is_the_end(begun, ada, decide, redeem):
    decide(ada, begun.code, is_approved=False)
    with pytest.raises(errors.DeviceRefused):
        redeem(begun.secret)
    with pytest.raises(errors.DeviceCodeUnknown):
        decide(ada, begun.code)


def test_a_decision_is_made_once(begun, ada, people, decide, database, clock):
    decide(ada, begun.code)
    bob = sign_in(database, people.bob, clock.now())[0]
    with pytest.raises(errors.DeviceCodeUnknown):
        decide(bob, begun.code)


def test_it_lasts_ten_minutes(begun, ada, decide, redeem, clock):
    clock.move(timedelta(minutes=10))
    with pytest.raises(errors.DeviceCodeUnknown):
        decide(ada, begun.code)
    with pytest.raises(errors.DeviceExpired):
        redeem(begun.secret)


def test_what_was_approved_in_time_is_fetched_in_time(begun, ada, decide, redeem, clock):
    decide(ada, begun.code)
    clock.move(timedelta(minutes=10))
    with pytest.raises(errors.DeviceExpired):
        redeem(begun.secret)


@pytest.mark.parametrize("secret", ["", "x", "BCDF-GHJK", "\udcff", "x" * 1000])
def test_another_secret_is_none(begun, redeem, secret):
    with pytest.raises(errors.DeviceExpired):
        redeem(secret)


def test_the_code_is_no_secret_and_the_secret_is_no_code(begun, ada, decide, redeem):
    with pytest.raises(errors.DeviceExpired):
        redeem(begun.code)
    with pytest.raises(errors.DeviceCodeUnknown):
        decide(ada, begun.secret)
    assert begun.secret not in repr(begun)


def test_a_token_lets_no_terminal_in(begun, people, decide):
    """It would outlive itself by that."""
    for credential in ("tok_1", ""):
        with pytest.raises(errors.DeviceNeedsBrowser):
            decide(replace(people.ada, credential=credential), begun.code)


def test_who_was_disabled_meanwhile_lets_nobody_in(database, begun, ada, decide, redeem):
    decide(ada, begun.code)
    with database.write() as db:
        accounts.get_account(db, ada.account_id).is_disabled = True
    with pytest.raises(errors.DeviceRefused, match="disabled"):
        redeem(begun.secret)


def test_codes_are_read_as_people_type_them(database, begun, clock):
    plain = begun.code.replace("-", "")
    for typed in (
        begun.code,
        plain,
        plain.lower(),
        f" {plain[:3]} {plain[3:]} ",
        f"{plain[:4]}\u2013{plain[4:]}",
    ):
        with database.read() as db:
            assert device.find_waiting(db, typed, clock.now()).label == "tholos on laptop"


@pytest.mark.parametrize("typed", ["", "-", "AAAA-AAAA", "BCDF", "x" * 5000, "\0", "İİİİ-İİİİ"])
def test_what_is_no_code_finds_nothing(database, begun, clock, typed):
    with database.read() as db, pytest.raises(errors.DeviceCodeUnknown):
        device.find_waiting(db, typed, clock.now())


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("", "tholos 1.0"), ("a\u202eb\nc\0d", "a b c d"), ("x" * 200, "x" * 80), ("  spaces   in  it ", "spaces in it"),
    ],
)  # fmt: skip
def test_what_a_terminal_says_of_itself_is_shown_plainly(database, people, clock, said, shown):
    with database.write() as db:
        begun = device.begin(db, said, ORIGIN, clock.now())
        assert device.find_waiting(db, begun.code, clock.now()).label == shown


def test_codes_are_of_letters_that_nobody_misreads(database, people, clock):
    with database.write() as db:
        codes = [device.begin(db, "x", ORIGIN, clock.now()).code for _ in range(50)]
    assert len(set(codes)) == 50
    assert set("".join(codes)) <= set("BCDFGHJKLMNPQRSTVWXZ-")
    assert {len(code) for code in codes} == {9}


def test_neither_code_nor_secret_is_kept(database, begun):
    with database.read() as db:
        kept = str(db.connection().exec_driver_sql("select * from device_sign_ins").all())
    assert begun.code not in kept
    assert begun.secret not in kept


def test_who_asks_too_often_is_told_and_may_ask_again(clock):
    pulse = device.Pulse()
    pulse.take("a", clock.now())
    pulse.take("a", clock.move(1))
    with pytest.raises(errors.SlowDown):
        pulse.take("a", clock.move(0.5))
    pulse.take("b", clock.now())
    for _ in range(20):
        pulse.take("a", clock.move(device.INTERVAL_S))


def test_what_has_ended_is_removed(database, begun, clock):
    clock.move(timedelta(minutes=11))
    with database.write() as db:
        device.remove_expired(db, clock.now())
    with database.read() as db:
        assert db.connection().exec_driver_sql("select count(*) from device_sign_ins").scalar() == 0
