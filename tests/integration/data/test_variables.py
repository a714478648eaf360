"""An app's variables: what a change makes of them, what a release reveals, and what the database shows of them."""

from dataclasses import replace

import pytest

from tholos.apps import service as apps
from tholos.audit.models import AuditEntry
from tholos.kit.db import Base
from tholos.kit.sealing import Sealer
from tholos.sharing.models import Level, PrincipalKind
from tholos.testing.rows import add_live_app, new_release
from tholos.variables import service as variables
from tholos.variables import shared
from tholos.variables.errors import (
    NameInvalid,
    NothingReleased,
    SaidTwice,
    SecretNotFound,
    TooMany,
    VariableNotFound,
    VariableUnavailable,
)
from tholos.variables.former import MOST_FORMER
from tholos.variables.models import FormerSecret, Secret, Value
from tholos.variables.service import Change, Kind


class Shop:
    """An app whose every change becomes a live release, as publishing would do it."""

    def __init__(self, database, people, clock, sealer):
        self.database, self.people, self.clock, self.sealer = database, people, clock, sealer
        self.app, _ = add_live_app(database, people.ada, "shop", clock.now())

    def change(self, actor=None, **said):
        actor = actor or self.people.ada
        with self.database.write() as db:
            app = apps.get_app(db, self.app.id)
            changed = variables.change(db, self.sealer, actor, app, Change(**said), self.clock.now())
            if changed.settings is not None:
                new = replace(new_release(), settings=changed.settings, message=changed.message)
                release = apps.create_release(db, actor, app, new, self.clock.now())
                apps.switch(db, release.id, self.clock.now())
            return changed

    def live(self, db):
        return apps.find_live(db, self.app.id)

    def revealed(self, number=None):
        with self.database.read() as db:
            release = apps.get_release_numbered(db, self.app.id, number) if number else self.live(db)
            return variables.reveal(db, self.sealer, release)

    def listed(self):
        with self.database.read() as db:
            return {
                one.name: one for one in variables.list_variables(db, self.sealer, self.live(db).settings)
            }


@pytest.fixture
def sealer(tmp_path):
    return Sealer(tmp_path / "keys")


@pytest.fixture
def shop(database, people, clock, sealer):
    return Shop(database, people, clock, sealer)


def test_both_kinds_are_revealed_to_what_starts_the_app(shop):
    changed = shop.change(plain={"LIMIT": "5"}, secrets={"DB_PASSWORD": "correct-horse"})
    assert changed.message == "Variables: set DB_PASSWORD, LIMIT"
    assert shop.revealed() == variables.Revealed({"LIMIT": "5"}, {"DB_PASSWORD": "correct-horse"})


def test_plain_values_are_readable_and_secrets_are_not(shop):
    shop.change(plain={"LIMIT": "5"}, secrets={"DB_PASSWORD": "correct-horse"})
    listed = shop.listed()
    assert (listed["LIMIT"].kind, listed["LIMIT"].value, listed["LIMIT"].by) == (Kind.PLAIN, "5", "ada")
    assert (listed["DB_PASSWORD"].kind, listed["DB_PASSWORD"].value) == (Kind.SECRET, None)
    assert listed["DB_PASSWORD"].since == shop.clock.now()
    assert "correct-horse" not in repr(listed) + repr(shop.revealed())


def test_an_older_release_keeps_its_plain_values_and_gets_the_present_secrets(shop):
    shop.change(plain={"LIMIT": "5"}, secrets={"DB_PASSWORD": "first-value"})
    shop.change(plain={"LIMIT": "6"})
    changed = shop.change(secrets={"DB_PASSWORD": "second-value"})
    assert (changed.settings, changed.rotated) == (None, ["DB_PASSWORD"])
    assert shop.revealed(2) == variables.Revealed({"LIMIT": "5"}, {"DB_PASSWORD": "second-value"})
    assert shop.revealed(3).plain == {"LIMIT": "6"}


def test_what_is_as_it_was_makes_no_release(shop):
    shop.change(plain={"LIMIT": "5"})
    changed = shop.change(plain={"LIMIT": "5"})
    assert (changed.settings, changed.rotated, changed.message) == (None, [], "")


def test_removing_makes_a_release_and_rolling_back_brings_it_back(shop):
    shop.change(plain={"LIMIT": "5"}, secrets={"DB_PASSWORD": "first-value"})
    changed = shop.change(remove=["LIMIT", "DB_PASSWORD"])
    assert changed.settings == {"variables": {}}
    assert changed.message == "Variables: remove DB_PASSWORD, LIMIT"
    assert shop.revealed() == variables.Revealed()
    assert shop.revealed(2) == variables.Revealed({"LIMIT": "5"}, {"DB_PASSWORD": "first-value"})


def test_a_secret_may_become_plain_and_a_plain_one_secret(shop):
    shop.change(plain={"A": "1"}, secrets={"B": "long-enough"})
    shop.change(plain={"B": "2"}, secrets={"A": "hidden-now"})
    assert shop.revealed() == variables.Revealed({"B": "2"}, {"A": "hidden-now"})
    shop.change(secrets={"B": "again-secret"})
    assert shop.revealed(2).secrets == {"B": "again-secret"}  # the secret of that name is one and the same


def test_other_settings_stay(shop):
    with shop.database.write() as db:
        shop.live(db).settings = {"limits": {"open_files": 100}}
    assert shop.change(plain={"A": "1"}).settings["limits"] == {"open_files": 100}


def test_each_change_is_a_new_version_of_the_app(shop):
    def version():
        with shop.database.read() as db:
            return apps.get_app(db, shop.app.id).version

    before = version()
    shop.change(secrets={"A": "first-value"})
    shop.change(secrets={"A": "second-value"})
    assert version() == before + 2
    shop.change(remove=["A"])
    assert version() == before + 3


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"plain": {"1A": "x"}}, NameInvalid),
        ({"secrets": {"PATH": "x"}}, NameInvalid),
        ({"refer": {"THOLOS_X": "db"}}, NameInvalid),
        ({"plain": {"A": "1"}, "secrets": {"A": "2"}}, SaidTwice),
        ({"plain": {"A": "1"}, "remove": ["A"]}, SaidTwice),
        ({"remove": ["A", "A"]}, SaidTwice),
        ({"remove": ["NEVER"]}, VariableNotFound),
        ({"refer": {"A": "nowhere"}}, SecretNotFound),
        ({"plain": {f"A{n}": "" for n in range(201)}}, TooMany),
        ({"plain": {f"A{n}": "x" * 65_536 for n in range(9)}}, TooMany),
    ],
)
def test_what_does_not_do_changes_nothing(shop, said, error):
    with pytest.raises(error):
        shop.change(**{**said, "plain": {"KEPT": "1", **said.get("plain", {})}})
    assert shop.listed() == {}


def test_an_app_of_which_nothing_was_published_is_given_those_of_its_first_release(shop):
    with shop.database.write() as db:
        shop.app = apps.create_app(db, shop.people.ada, "empty", shop.clock.now())
    with shop.database.write() as db, pytest.raises(NothingReleased, match="published yet"):
        variables.find_base(db, shop.app)
    assert variables.references(shop.change(plain={"A": "1"}).settings).keys() == {"A"}


def test_a_first_release_that_failed_can_be_given_its_variables(shop):
    with shop.database.write() as db:
        shop.app = apps.create_app(db, shop.people.ada, "failed", shop.clock.now())
        release = apps.create_release(db, shop.people.ada, shop.app, new_release(), shop.clock.now())
        apps.fail_release(db, release.id)
    assert shop.change(plain={"A": "1"}).settings is not None


def test_a_shared_secret_is_used_by_reference(shop):
    with shop.database.write() as db:
        shared.create_secret(
            db, shop.sealer, shop.people.ada, "warehouse", "first-value", "", shop.clock.now()
        )
    shop.change(refer={"DB_PASSWORD": "warehouse"})
    listed = shop.listed()["DB_PASSWORD"]
    assert (listed.kind, listed.secret, listed.value) == (Kind.SHARED, "warehouse", None)
    with shop.database.write() as db:
        shared.change_secret(
            db, shop.sealer, shop.people.ada, "warehouse", "second-value", None, None, shop.clock.now()
        )
    assert shop.revealed().secrets == {"DB_PASSWORD": "second-value"}


def test_only_those_whom_it_is_shared_with_refer_to_a_secret(shop):
    people, now = shop.people, shop.clock.now()
    with shop.database.write() as db:
        shared.create_secret(db, shop.sealer, people.bob, "bobs", "first-value", "", now)
    with pytest.raises(SecretNotFound):
        shop.change(refer={"A": "bobs"})
    with shop.database.write() as db:
        shared.share_secret(db, people.bob, "bobs", PrincipalKind.ACCOUNT, "ada", Level.VIEWER, now)
    assert shop.change(refer={"A": "bobs"}).settings


def test_a_secret_that_was_removed_is_told_by_the_variable(shop):
    now = shop.clock.now()
    with shop.database.write() as db:
        shared.create_secret(db, shop.sealer, shop.people.ada, "warehouse", "first-value", "", now)
    shop.change(refer={"DB_PASSWORD": "warehouse"})
    with shop.database.write() as db:
        shared.remove_secret(db, shop.people.ada, "warehouse", now, force=True)
    with pytest.raises(VariableUnavailable, match="variable DB_PASSWORD refers to a secret that was removed"):
        shop.revealed()
    assert shop.listed()["DB_PASSWORD"].is_missing
    shop.change(secrets={"DB_PASSWORD": "set-again"})
    assert shop.revealed().secrets == {"DB_PASSWORD": "set-again"}


def test_a_key_that_is_missing_is_told_by_the_variable(shop, tmp_path):
    shop.change(plain={"LIMIT": "5"})
    shop.sealer = Sealer(tmp_path / "others")
    with pytest.raises(VariableUnavailable, match=r"variable LIMIT .* key"):
        shop.revealed()
    assert (shop.listed()["LIMIT"].value, shop.listed()["LIMIT"].is_missing) == (None, True)


def test_the_masker_of_a_release_hides_its_secrets_and_no_plain_values(shop):
    shop.change(plain={"LIMIT": "plain-value"}, secrets={"DB_PASSWORD": "correct-horse"})
    with shop.database.read() as db:
        masker = variables.masker_for(db, shop.sealer, shop.live(db))
    assert masker.mask("plain-value correct-horse") == "plain-value ••••"


def masked(shop, text, number=None):
    with shop.database.read() as db:
        release = apps.get_release_numbered(db, shop.app.id, number) if number else shop.live(db)
        return variables.masker_for(db, shop.sealer, release).mask(text)


def test_what_a_secret_was_before_is_masked_too(shop):
    """What runs may have it yet, and what has run has printed it."""
    shop.change(secrets={"DB_PASSWORD": "correct-horse"})
    shop.change(secrets={"DB_PASSWORD": "other-horse"})
    assert masked(shop, "correct-horse other-horse") == "•••• ••••"
    shop.change(plain={"LIMIT": "5"}, remove=["DB_PASSWORD"])
    shop.change(secrets={"DB_PASSWORD": "third-horse"})
    assert masked(shop, "correct-horse third-horse", 2) == "•••• ••••"


def test_the_last_values_of_a_secret_are_kept(shop):
    """The same one set again, as by a script at each publish, is no other one."""
    shop.change(secrets={"DB_PASSWORD": "horse-number-0"})
    for n in range(1, MOST_FORMER + 2):
        shop.clock.move(1)
        shop.change(secrets={"DB_PASSWORD": f"horse-number-{n}"})
        shop.change(secrets={"DB_PASSWORD": f"horse-number-{n}"})
    with shop.database.read() as db:
        assert db.query(FormerSecret).count() == MOST_FORMER
    shown = masked(shop, " ".join(f"horse-number-{n}" for n in range(MOST_FORMER + 2)))
    assert shown == " ".join(["horse-number-0", *["••••"] * (MOST_FORMER + 1)])


def test_a_shared_secret_that_was_removed_is_masked_as_long_as_a_release_names_it(shop):
    now = shop.clock.now()
    with shop.database.write() as db:
        shared.create_secret(db, shop.sealer, shop.people.ada, "warehouse", "first-value", "", now)
    shop.change(refer={"DB_PASSWORD": "warehouse"})
    with shop.database.write() as db:
        shared.change_secret(db, shop.sealer, shop.people.ada, "warehouse", "second-value", None, None, now)
        shared.remove_secret(db, shop.people.ada, "warehouse", now, force=True)
        variables.remove_unnamed(db)
    assert masked(shop, "first-value second-value") == "•••• ••••"
    with shop.database.write() as db:
        shop.live(db).settings = {}
        db.flush()
        variables.remove_unnamed(db)
        assert db.query(FormerSecret).count() == 0


def test_former_values_go_with_their_app(shop):
    shop.change(secrets={"DB_PASSWORD": "correct-horse"})
    shop.change(secrets={"DB_PASSWORD": "other-horse"})
    with shop.database.write() as db:
        variables.remove_of_app(db, shop.app.id)
        assert db.query(FormerSecret).count() == 0


def test_nothing_of_a_value_stands_in_any_table(shop):
    shop.change(plain={"LIMIT": "plain-value-one"}, secrets={"DB_PASSWORD": "correct-horse"})
    shop.change(secrets={"DB_PASSWORD": "other-horse"})
    with shop.database.read() as db:
        for table in Base.metadata.sorted_tables:
            for row in db.execute(table.select()):
                assert "horse" not in str(row), table.name
                assert "plain-value-one" not in str(row), table.name


def test_the_record_of_deeds_names_variables_only(shop):
    shop.change(plain={"LIMIT": "5"}, secrets={"DB_PASSWORD": "correct-horse"})
    shop.change(remove=["LIMIT"])
    with shop.database.read() as db:
        deeds = [(one.action, one.after) for one in db.query(AuditEntry).order_by(AuditEntry.id)][-3:]
    assert deeds == [
        ("variable.set", {"names": ["LIMIT"]}),
        ("secret.set", {"names": ["DB_PASSWORD"]}),
        ("variable.removed", {"names": ["LIMIT"]}),
    ]


def test_what_no_release_names_is_cleared_away(shop):
    shop.change(plain={"A": "1"}, secrets={"B": "first-value"})
    shop.change(plain={"A": "2"}, remove=["B"])
    with shop.database.write() as db:
        assert variables.remove_unnamed(db) == 0
        apps.get_release_numbered(db, shop.app.id, 2).settings = {}
        db.flush()
        assert variables.remove_unnamed(db) == 2
    assert shop.revealed().plain == {"A": "2"}


def test_an_app_that_ends_takes_its_values_with_it(shop):
    shop.change(plain={"A": "1"}, secrets={"B": "first-value"})
    with shop.database.write() as db:
        variables.remove_of_app(db, shop.app.id)
        apps.remove_app(db, shop.app.id)
    with shop.database.read() as db:
        assert (db.query(Value).count(), db.query(Secret).count()) == (0, 0)
