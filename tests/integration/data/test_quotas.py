"""Quotas on both databases: whose holds, and what reaches it."""

from dataclasses import replace

import pytest

from tholos.accounts import quotas
from tholos.accounts.errors import RoleTooLow
from tholos.accounts.models import Role
from tholos.accounts.quotas import Most, QuotaReached
from tholos.apps import limits
from tholos.apps import service as apps
from tholos.apps.limits import Limits
from tholos.audit.models import AuditEntry
from tholos.instances import quotas as instance_quotas
from tholos.instances import service as instances
from tholos.instances.models import InstanceState
from tholos.runtime.layout import Layout
from tholos.testing.rows import add_live_app, add_release, new_release


def memory_of(settings):
    return limits.limits_of(settings).memory_mb or 100


@pytest.fixture
def say(database, people, clock):
    """Says what holds for ada, or with ``usual`` for all."""

    def tell(**most):
        with database.write() as db:
            quotas.change(db, people.admin, "ada", Most(**most), clock.now())

    def usual(**most):
        with database.write() as db:
            quotas.set_usual(db, Most(**most))

    tell.usual = usual
    return tell


@pytest.fixture
def starts(database, clock, tmp_path):
    """Asks for an instance of a release, and has it run."""

    def start(app, release, *, takes_over=False):
        with database.write() as db:
            instance_quotas.check_start(db, app, release, memory_of, takes_over=takes_over)
            made = instances.create_instance(db, app, release, Layout(tmp_path), clock.now())
            instances.set_state(db, made.id, InstanceState.READY, "", clock.now())
            return made.id

    return start


def test_an_accounts_own_comes_before_the_installations_and_administrators_have_none(database, people, say):
    say.usual(apps=3, memory_mb=100)
    say(apps=0, storage_mb=7)
    with database.read() as db:
        assert quotas.most_of(db, people.ada.account_id) == Most(0, 0, 100, 7)
        assert quotas.most_of(db, people.bob.account_id) == Most(3, 0, 100, 0)
        assert quotas.most_of(db, people.admin.account_id) == Most(0, 0, 0, 0)
    say()
    with database.read() as db:
        assert quotas.most_of(db, people.ada.account_id) == Most(3, 0, 100, 0)


def test_only_administrators_say_it_and_it_is_recorded(database, people, clock, say):
    with database.write() as db, pytest.raises(RoleTooLow):
        quotas.change(db, people.ada, "ada", Most(apps=100), clock.now())
    say(apps=2)
    say(apps=2)
    with database.read() as db:
        said = [one for one in db.query(AuditEntry) if (one.after or {}).get("quota")]
        assert [one.after["quota"]["apps"] for one in said] == [2]


def test_one_more_app_than_one_may_own_is_refused(database, people, clock, say):
    say(apps=2)
    for name in ("one", "two"):
        add_live_app(database, people.ada, name, clock.now())
    with database.write() as db, pytest.raises(QuotaReached, match="2 are as many as this account may own"):
        apps.create_app(db, people.ada, "three", clock.now())
    add_live_app(database, people.bob, "three", clock.now())


def test_files_count_once_and_those_that_are_there_are_no_more(database, people, clock, say):
    app, _ = add_live_app(database, people.ada, "sales", clock.now())
    say(storage_mb=2)
    with database.write() as db:
        apps.create_release(db, people.ada, app, replace(new_release("b" * 64), bytes=1_500_000), clock.now())
        apps.create_release(db, people.ada, app, replace(new_release("b" * 64), bytes=1_500_000), clock.now())
    with database.write() as db, pytest.raises(QuotaReached, match=r"take 1\.4 MB, and may take 2 MB"):
        # Whoever edits somebody's app fills the owner's.
        apps.create_release(db, people.bob, app, replace(new_release("c" * 64), bytes=1_000_000), clock.now())


def test_instances_are_counted_over_all_apps_and_a_new_release_takes_the_place_of_the_old(
    database, people, clock, say, starts
):
    sales, live = add_live_app(database, people.ada, "sales", clock.now())
    other, theirs = add_live_app(database, people.ada, "other", clock.now())
    say(instances=1)
    starts(sales, live)
    with pytest.raises(QuotaReached, match="1 instances of its owner's apps run, and 1 may"):
        starts(other, theirs)
    with pytest.raises(QuotaReached):
        starts(sales, live)
    with database.write() as db:
        after = add_release(db, people.ada, sales, clock.now())
    starts(sales, after, takes_over=True)
    with database.read() as db:
        assert instance_quotas.taken_by(db, people.ada.account_id, memory_of).instances == 2


def test_drafts_are_counted(database, people, clock, say, starts):
    sales, live = add_live_app(database, people.ada, "sales", clock.now())
    say(instances=2)
    starts(sales, live)
    with database.write() as db:
        first, second = (add_release(db, people.ada, sales, clock.now(), one * 64) for one in "bc")
    starts(sales, first, takes_over=True)
    starts(sales, second, takes_over=True)
    with database.write() as db:
        third = add_release(db, people.ada, sales, clock.now(), "d" * 64)
    with pytest.raises(QuotaReached):
        starts(sales, third, takes_over=True)


def test_memory_is_counted_by_the_limits(database, people, clock, say, starts):
    sales, live = add_live_app(database, people.ada, "sales", clock.now())
    other, theirs = add_live_app(database, people.ada, "other", clock.now())
    say(memory_mb=250)
    starts(sales, live)
    starts(other, theirs)
    with database.write() as db:
        big = add_release(db, people.ada, sales, clock.now())
        big.settings = limits.with_limits({}, Limits(memory_mb=200))
    with pytest.raises(
        QuotaReached, match="may have 200 MB of memory, its owner's other instances 100 MB, and 250 MB"
    ):
        starts(sales, big, takes_over=True)


def test_who_may_have_any_amount_is_taken_to_have_all(database, people, clock, say):
    sales, live = add_live_app(database, people.ada, "sales", clock.now())
    say(memory_mb=250)
    with database.read() as db:
        instance_quotas.check_start(db, sales, live, lambda _: 0, takes_over=False)
    assert people.ada.role == Role.PUBLISHER
