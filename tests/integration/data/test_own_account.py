"""Tokens, sessions and what one says of oneself, on both databases."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tholos.accounts import errors, profile, sessions, tokens
from tholos.accounts import service as accounts
from tholos.accounts.models import Account, AccountKind, Role, Scope
from tholos.accounts.profile import Profile
from tholos.accounts.tokens import NewToken
from tholos.audit.models import AuditEntry
from tholos.kit.versions import EditedMeanwhile
from tholos.testing.rows import add_live_app, sign_in


def actions(database):
    with database.read() as db:
        return [one.action for one in db.query(AuditEntry).order_by(AuditEntry.id)]


def actor_by(database, secret, now):
    with database.read() as db:
        return accounts.find_actor(db, now, token=secret)


@pytest.fixture
def robot(database, people, clock) -> str:
    """Name of a program's account."""
    with database.write() as db:
        account, _ = accounts.create_account(db, people.admin, "robot", Role.PUBLISHER, clock.now())
        account.kind = AccountKind.SERVICE
    return "robot"


class TestTokens:
    def make(self, database, actor, now, **new):
        with database.write() as db:
            return tokens.make(db, actor, NewToken(**new), now)

    def test_scope_and_app_are_what_its_actor_has(self, database, people, clock):
        app, _ = add_live_app(database, people.ada, "sales", clock.now())
        made, secret = self.make(
            database, people.ada, clock.now(), label="ci", scope=Scope.READ, object_id=app.id
        )
        actor = actor_by(database, secret, clock.now())
        assert (actor.scope, actor.object_id, actor.credential) == (Scope.READ, app.id, made.id)

    @pytest.mark.parametrize("scope", [Scope.OPEN, Scope.READ, Scope.PUBLISH])
    def test_a_narrow_token_makes_none(self, database, people, clock, scope):
        """Not even one as narrow: tokens are no business of theirs."""
        narrow = replace(people.ada, scope=scope)
        with pytest.raises(errors.ScopeTooNarrow):
            self.make(database, narrow, clock.now(), scope=Scope.OPEN)

    def test_a_token_for_one_app_makes_none(self, database, people, clock):
        with pytest.raises(errors.ScopeTooNarrow):
            self.make(database, replace(people.ada, object_id="app_1"), clock.now(), object_id="app_1")

    def test_what_a_token_makes_ends_with_it(self, database, people, clock):
        _, secret = self.make(database, people.ada, clock.now(), days=10)
        maker = actor_by(database, secret, clock.now())
        made, _ = self.make(database, maker, clock.now(), days=300)
        assert made.expires_at == clock.now() + timedelta(days=10)

    def test_a_token_ends_itself_whatever_its_scope_and_no_other(self, database, people, clock):
        other, _ = self.make(database, people.ada, clock.now())
        _, secret = self.make(database, people.ada, clock.now(), scope=Scope.OPEN)
        actor = actor_by(database, secret, clock.now())
        with pytest.raises(errors.ScopeTooNarrow), database.write() as db:
            tokens.revoke(db, actor, other.id, clock.now())
        with database.write() as db:
            tokens.revoke(db, actor, "current", clock.now())
        assert actor_by(database, secret, clock.now()) is None
        with database.read() as db:
            assert [one.id for one in tokens.list_of(db, people.ada.account_id)] == [other.id]

    def test_administrators_make_list_and_revoke_those_of_programs(self, database, people, clock, robot):
        with database.write() as db:
            account = tokens.find_account(db, people.admin, " Robot ")
            made, secret = tokens.make_of(
                db, people.admin, account, NewToken("ci", scope=Scope.PUBLISH), clock.now()
            )
        actor = actor_by(database, secret, clock.now())
        assert (actor.name, actor.scope) == (robot, Scope.PUBLISH)
        with database.write() as db:
            account = tokens.find_account(db, people.admin, robot)
            assert [one.label for one in tokens.list_of(db, account.id)] == ["ci"]
            tokens.revoke_of(db, people.admin, account, made.id, clock.now())
            with pytest.raises(errors.TokenNotFound):
                tokens.revoke_of(db, people.admin, account, made.id, clock.now())
        assert actor_by(database, secret, clock.now()) is None

    def test_of_people_nobody_else_makes_one_but_administrators_revoke_them(self, database, people, clock):
        made, _ = self.make(database, people.ada, clock.now())
        with database.write() as db:
            ada = tokens.find_account(db, people.admin, "ada")
            with pytest.raises(errors.NoServiceAccount):
                tokens.make_of(db, people.admin, ada, NewToken(), clock.now())
            for stranger in (people.bob, people.vic):
                with pytest.raises(errors.RoleTooLow):
                    tokens.make_of(db, stranger, ada, NewToken(), clock.now())
                with pytest.raises(errors.RoleTooLow):
                    tokens.revoke_of(db, stranger, ada, made.id, clock.now())
            tokens.revoke_of(db, people.admin, ada, made.id, clock.now())
            assert tokens.list_of(db, ada.id) == []

    def test_no_such_account(self, database, people):
        with database.read() as db, pytest.raises(errors.AccountNotFound):
            tokens.find_account(db, people.admin, "nobody")


class TestSessions:
    def test_the_newest_first_and_only_those_that_are_good(self, database, people, clock):
        first, _ = sign_in(database, people.ada, clock.now())
        clock.move(60)
        second, _ = sign_in(database, people.ada, clock.now())
        sign_in(database, people.bob, clock.now())
        with database.read() as db:
            found = [one.id for one in sessions.list_of(db, people.ada.account_id, clock.now())]
        assert found == [second.credential, first.credential]
        clock.move(accounts.SESSION_LIFE - timedelta(seconds=30))
        with database.read() as db:
            found = [one.id for one in sessions.list_of(db, people.ada.account_id, clock.now())]
        assert found == [second.credential]

    def test_one_is_ended_and_the_others_go_on(self, database, people, clock):
        first, first_secret = sign_in(database, people.ada, clock.now())
        second, second_secret = sign_in(database, people.ada, clock.now())
        with database.write() as db:
            sessions.end(db, second, first.credential, clock.now())
            with pytest.raises(errors.SessionNotFound):
                sessions.end(db, second, first.credential, clock.now())
        with database.read() as db:
            assert accounts.find_actor(db, clock.now(), session=first_secret) is None
            assert accounts.find_actor(db, clock.now(), session=second_secret)
        with database.write() as db:
            sessions.end(db, second, "current", clock.now())
        with database.read() as db:
            assert accounts.find_actor(db, clock.now(), session=second_secret) is None

    def test_somebody_elses_is_as_if_it_were_not_there(self, database, people, clock):
        mine, _ = sign_in(database, people.ada, clock.now())
        with database.write() as db:
            for stranger in (people.bob, people.admin):
                with pytest.raises(errors.SessionNotFound):
                    sessions.end(db, stranger, mine.credential, clock.now())

    @pytest.mark.parametrize("with_tokens", [True, False])
    def test_everywhere(self, database, people, clock, with_tokens):
        signed = [sign_in(database, people.ada, clock.now())[1] for _ in range(3)]
        _, bobs = sign_in(database, people.bob, clock.now())
        with database.write() as db:
            _, token = tokens.make(db, people.ada, NewToken(), clock.now())
        with database.write() as db:
            ended = sessions.end_all(db, people.ada, clock.now(), with_tokens=with_tokens)
        assert ended == sessions.Ended(3, 1 if with_tokens else 0)
        with database.read() as db:
            assert not any(accounts.find_actor(db, clock.now(), session=one) for one in signed)
            assert accounts.find_actor(db, clock.now(), session=bobs)
        assert (actor_by(database, token, clock.now()) is None) == with_tokens
        assert "session.all_ended" in actions(database)


class TestProfile:
    def change(self, database, actor, now, seen=None, **wish):
        with database.write() as db:
            return profile.change(db, actor, Profile(**wish), seen, now)

    def test_name_and_mail_are_tidied(self, database, people, clock):
        account = self.change(
            database, people.ada, clock.now(), full_name="  Ada   Lovelace ", email=" Ada@Example.ORG "
        )
        assert (account.full_name, account.email, account.version) == ("Ada Lovelace", "ada@example.org", 2)
        account = self.change(database, people.ada, clock.now(), email="")
        assert (account.full_name, account.email) == ("Ada Lovelace", None)

    def test_what_changes_nothing_is_no_version_and_no_deed(self, database, people, clock):
        self.change(database, people.ada, clock.now(), full_name="Ada")
        before = actions(database)
        assert self.change(database, people.ada, clock.now(), full_name=" Ada").version == 2
        assert actions(database) == before

    def test_who_comes_second_is_told(self, database, people, clock):
        self.change(database, people.ada, clock.now(), seen=1, full_name="Ada")
        with pytest.raises(EditedMeanwhile):
            self.change(database, people.ada, clock.now(), seen=1, full_name="Countess")
        with database.read() as db:
            assert db.get_one(Account, people.ada.account_id).full_name == "Ada"

    @pytest.mark.parametrize(
        "email",
        ["ada", "ada@", "@example.org", "a b@example.org", "ada@example.org\nbcc: x@y.z", "ada@exa..mple.org",
         "ada@" + "e" * 300, "\x00@example.org", "a@b, c@d", "ädä@example.org"],
    )  # fmt: skip
    def test_what_is_no_mail_address(self, database, people, clock, email):
        with pytest.raises(errors.ProfileInvalid) as caught:
            self.change(database, people.ada, clock.now(), email=email)
        assert caught.value.where == "email"

    @pytest.mark.parametrize("name", ["x" * 121, "a\x00b", "a\u202eb", "\ud800"])
    def test_what_is_no_name(self, database, people, clock, name):
        with pytest.raises(errors.ProfileInvalid) as caught:
            self.change(database, people.ada, clock.now(), full_name=name)
        assert caught.value.where == "full_name"
