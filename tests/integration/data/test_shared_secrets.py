"""Shared secrets: whose they are, who may refer to them, change and share them, and which apps use them."""

from dataclasses import replace

import pytest

from tholos.accounts.errors import ScopeTooNarrow
from tholos.apps import service as apps
from tholos.kit.sealing import Sealer
from tholos.kit.versions import EditedMeanwhile
from tholos.sharing.errors import GrantInvalid, GrantNotFound, PrincipalUnknown
from tholos.sharing.models import Grant, Level, PrincipalKind
from tholos.testing.rows import add_live_app
from tholos.variables import shared
from tholos.variables.errors import (
    SecretInUse,
    SecretNameInvalid,
    SecretNameTaken,
    SecretNotFound,
    SecretNotYours,
    TooManySecrets,
    ValueInvalid,
)
from tholos.variables.shared import Rank

ACCOUNT = PrincipalKind.ACCOUNT


class Safe:
    def __init__(self, database, people, clock, sealer):
        self.database, self.people, self.clock, self.sealer = database, people, clock, sealer

    def make(self, actor, name="warehouse", value="correct-horse"):
        with self.database.write() as db:
            return shared.create_secret(db, self.sealer, actor, name, value, "for reports", self.clock.now())

    def set(self, actor, value=None, note=None, seen=None):
        with self.database.write() as db:
            now = self.clock.now()
            return shared.change_secret(db, self.sealer, actor, "warehouse", value, note, seen, now)

    def share(self, actor, name, level=Level.VIEWER):
        with self.database.write() as db:
            shared.share_secret(db, actor, "warehouse", ACCOUNT, name, level, self.clock.now())

    def unshare(self, actor, name):
        with self.database.write() as db:
            shared.unshare_secret(db, actor, "warehouse", ACCOUNT, name, self.clock.now())

    def remove(self, actor, *, force=False):
        with self.database.write() as db:
            return shared.remove_secret(db, actor, "warehouse", self.clock.now(), force=force)

    def get(self, actor):
        with self.database.read() as db:
            return shared.get_secret(db, actor, "warehouse")

    def use(self, actor, app_name):
        app, release = add_live_app(self.database, actor, app_name, self.clock.now())
        with self.database.write() as db:
            secret = shared.get_secret(db, self.people.admin, "warehouse").secret
            apps.get_release(db, release.id).settings = {"variables": {"DB": secret.id}}
        return app


@pytest.fixture
def safe(database, people, clock, tmp_path):
    return Safe(database, people, clock, Sealer(tmp_path / "keys"))


def test_ranks(safe, people):
    safe.make(people.ada)
    with pytest.raises(SecretNotFound):
        safe.get(people.bob)
    assert (safe.get(people.ada).rank, safe.get(people.admin).rank) == (Rank.OWNER, Rank.OWNER)
    safe.share(people.ada, "bob")
    assert safe.get(people.bob).rank == Rank.USER
    safe.share(people.ada, "bob", Level.EDITOR)
    assert safe.get(people.bob).rank == Rank.EDITOR
    safe.unshare(people.ada, "bob")
    with pytest.raises(SecretNotFound):
        safe.get(people.bob)


def test_each_rank_may_do_its_part_only(safe, people):
    safe.make(people.ada)
    safe.share(people.ada, "bob")
    for deed in (
        lambda: safe.set(people.bob, value="other-horse"),
        lambda: safe.share(people.bob, "vic"),
        lambda: safe.unshare(people.bob, "bob"),
        lambda: safe.remove(people.bob),
    ):
        with pytest.raises(SecretNotYours):
            deed()
    safe.share(people.ada, "bob", Level.EDITOR)
    assert safe.set(people.bob, value="other-horse").secret.changed_by == "bob"
    with pytest.raises(SecretNotYours):
        safe.remove(people.bob)


def test_a_list_has_those_that_one_may_refer_to(safe, people):
    safe.make(people.ada, "b")
    safe.make(people.ada, "a")
    safe.make(people.bob, "c")
    with safe.database.read() as db:
        assert [one.secret.name for one in shared.list_secrets(db, people.ada)] == ["a", "b"]
        assert [one.secret.name for one in shared.list_secrets(db, people.admin)] == ["a", "b", "c"]


def test_a_token_for_one_app_reaches_no_shared_secret(safe, people):
    safe.make(people.ada)
    narrow = replace(people.ada, object_id="app_1")
    with pytest.raises(ScopeTooNarrow):
        safe.get(narrow)
    with pytest.raises(ScopeTooNarrow):
        safe.make(narrow, "other")


def test_a_name_is_one_secret(safe, people):
    safe.make(people.ada)
    for actor in (people.ada, people.bob):
        with pytest.raises(SecretNameTaken):
            safe.make(actor)


def test_bad_names_and_values_are_refused(safe, people):
    with pytest.raises(SecretNameInvalid):
        safe.make(people.ada, "../x")
    with pytest.raises(ValueInvalid):
        safe.make(people.ada, value="")
    safe.make(people.ada)
    with pytest.raises(ValueInvalid):
        safe.set(people.ada, value="")
    assert safe.get(people.ada).secret.version == 1


def test_there_are_only_so_many(safe, people, monkeypatch):
    monkeypatch.setattr(shared, "MOST_SECRETS", 1)
    safe.make(people.ada)
    with pytest.raises(TooManySecrets):
        safe.make(people.ada, "second")
    safe.make(people.bob, "other")


def test_the_second_of_two_who_edit_is_told(safe, people):
    safe.make(people.ada)
    safe.set(people.ada, note="new", seen=1)
    with pytest.raises(EditedMeanwhile):
        safe.set(people.ada, value="other-horse", seen=1)
    changed = safe.set(people.ada, value="other-horse", seen=2).secret
    assert (changed.version, changed.note) == (3, "new")
    assert safe.sealer.open(changed.sealed, changed.id) == "other-horse"


def test_one_that_is_used_is_removed_only_on_purpose(safe, people):
    safe.make(people.ada)
    safe.share(people.ada, "bob")
    safe.use(people.ada, "shop")
    safe.use(people.bob, "sales")
    assert [app.name for app in safe.get(people.ada).uses] == ["sales", "shop"]
    with pytest.raises(SecretInUse, match="sales and shop use it") as caught:
        safe.remove(people.ada)
    assert caught.value.details["apps"] == ["sales", "shop"]
    assert [app.name for app in safe.remove(people.ada, force=True)] == ["sales", "shop"]
    with safe.database.read() as db:
        assert db.query(Grant).count() == 0
    with pytest.raises(SecretNotFound):
        safe.get(people.ada)


def test_one_that_only_an_older_release_names_is_not_used(safe, people, clock):
    safe.make(people.ada)
    app = safe.use(people.ada, "shop")
    with safe.database.write() as db:
        for pointer in apps.queries.list_pointers(db, app.id):
            db.delete(pointer)
    assert safe.get(people.ada).uses == []
    assert safe.remove(people.ada) == []


def test_sharing_says_what_is_wrong(safe, people):
    safe.make(people.ada)
    with pytest.raises(PrincipalUnknown):
        safe.share(people.ada, "nobody")
    with pytest.raises(GrantInvalid):
        safe.share(people.ada, "vic", Level.EDITOR)
    with pytest.raises(GrantNotFound):
        safe.unshare(people.ada, "bob")
    safe.share(people.ada, "vic")
    with safe.database.read() as db:
        found = [(who.name, grant.level) for grant, who in shared.list_access(db, people.ada, "warehouse")]
    assert found == [("vic", "viewer")]


def test_all_that_somebody_owns_is_handed_over(safe, people):
    safe.make(people.ada)
    with safe.database.write() as db:
        assert shared.hand_over(db, people.ada.account_id, people.bob.account_id) == 1
    assert safe.get(people.bob).rank == Rank.OWNER
    with pytest.raises(SecretNotFound):
        safe.get(people.ada)
