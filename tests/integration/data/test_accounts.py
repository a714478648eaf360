"""Use cases of accounts on both databases."""

from datetime import timedelta

import pytest

from tholos.accounts import errors
from tholos.accounts import service as accounts
from tholos.accounts.models import Account, Role, SignInLink, Token
from tholos.accounts.passwords import Passwords, hash_password
from tholos.testing.rows import sign_in

MINUTE = timedelta(minutes=1)


@pytest.fixture
def code(database, people, clock) -> str:
    """A link for ada."""
    with database.write() as db:
        return accounts.create_link(db, accounts.get_account(db, people.ada.account_id), clock.now())


@pytest.fixture
def token(database, people, clock) -> str:
    with database.write() as db:
        account = accounts.get_account(db, people.ada.account_id)
        return accounts.create_token(db, account, "laptop", 30, clock.now())[1]


def _disable(database, actor):
    with database.write() as db:
        db.get_one(Account, actor.account_id).is_disabled = True


class TestAccounts:
    def test_the_first_administrator_is_made_once(self, database, people, clock):
        with database.write() as db:
            accounts.ensure_organization(db, clock.now())
            again = accounts.ensure_administrator(db, "another", clock.now())
        assert (again.id, again.name) == (people.admin.account_id, "admin")

    def test_a_new_account_comes_with_a_link_that_signs_it_in(self, database, people, clock):
        with database.write() as db:
            account, code = accounts.create_account(db, people.admin, "cleo", "viewer", clock.now())
        clock.move(timedelta(days=6))
        with database.write() as db:
            assert accounts.spend_link(db, code, clock.now()).id == account.id

    @pytest.mark.parametrize("who", ["ada", "vic"])
    def test_only_administrators_make_accounts(self, database, people, clock, who):
        with pytest.raises(errors.RoleTooLow), database.write() as db:
            accounts.create_account(db, getattr(people, who), "cleo", "viewer", clock.now())

    @pytest.mark.parametrize(
        "name", ["", "Cleo", "1cleo", "cle o", "ä", "c" * 41, "cleo\n", "\x00", "\ud800"]
    )
    def test_names_have_a_form(self, database, people, clock, name):
        with pytest.raises(errors.AccountInvalid) as caught, database.write() as db:
            accounts.create_account(db, people.admin, name, "viewer", clock.now())
        assert caught.value.where == "name"

    def test_roles_are_of_the_list(self, database, people, clock):
        with pytest.raises(errors.AccountInvalid) as caught, database.write() as db:
            accounts.create_account(db, people.admin, "cleo", "king", clock.now())
        assert caught.value.where == "role"
        assert "publisher" in caught.value.fix

    def test_a_taken_name_is_refused(self, database, people, clock):
        with pytest.raises(errors.AccountTaken), database.write() as db:
            accounts.create_account(db, people.admin, "ada", "viewer", clock.now())

    def test_of_two_who_take_a_name_at_once_one_gets_it(self, database, people, clock, at_once):
        def make():
            with database.write() as db:
                return accounts.create_account(db, people.admin, "cleo", "viewer", clock.now())[0].id

        results = at_once(make, make)
        assert sorted(type(one) for one in results if not isinstance(one, str)) == [errors.AccountTaken]

    def test_names_of_accounts(self, database, people):
        with database.read() as db:
            assert accounts.account_names(db, [people.ada.account_id, "acc_none"]) == {
                people.ada.account_id: "ada"
            }
            assert accounts.account_names(db, []) == {}


class TestLinks:
    def test_a_link_signs_in_once(self, database, people, clock, code):
        with database.write() as db:
            assert accounts.spend_link(db, code, clock.now()).name == "ada"
        with pytest.raises(errors.LinkSpent) as caught, database.write() as db:
            accounts.spend_link(db, code, clock.now())
        assert caught.value.fix

    def test_typed_in_lower_case_with_blanks_it_works_too(self, database, clock, code):
        with database.write() as db:
            assert accounts.spend_link(db, f"  {code.lower()} ", clock.now()).name == "ada"

    def test_looking_does_not_spend(self, database, clock, code):
        with database.read() as db:
            assert accounts.check_link(db, code, clock.now()).account.name == "ada"
            assert accounts.check_link(db, code, clock.now()).spent_at is None

    def test_it_expires(self, database, clock, code):
        clock.move(accounts.LINK_LIFE)
        with database.read() as db:
            accounts.check_link(db, code, clock.now())
        clock.move(0.001)
        with pytest.raises(errors.LinkExpired), database.write() as db:
            accounts.spend_link(db, code, clock.now())

    @pytest.mark.parametrize("unknown", ["", "AAAAA-AAAAA-AAAAA-AAAAA", "x" * 200, "\x00", "é"])
    def test_unknown_ones(self, database, clock, code, unknown):
        with pytest.raises(errors.LinkUnknown), database.write() as db:
            accounts.spend_link(db, unknown, clock.now())

    def test_one_of_a_disabled_account_is_unknown(self, database, people, clock, code):
        _disable(database, people.ada)
        with pytest.raises(errors.LinkUnknown), database.write() as db:
            accounts.spend_link(db, code, clock.now())

    def test_spending_rolled_back_is_not_spent(self, database, clock, code):
        with pytest.raises(errors.PasswordTooShort), database.write() as db:  # noqa: PT012 - it is the transaction that raises
            account = accounts.spend_link(db, code, clock.now())
            accounts.set_password(db, account.id, hash_password("short"))
        with database.write() as db:
            accounts.spend_link(db, code, clock.now())

    def test_of_several_at_once_one_gets_in(self, database, clock, code, at_once):
        def spend():
            with database.write() as db:
                return accounts.spend_link(db, code, clock.now()).name

        results = at_once(*[spend] * 4)
        assert [one for one in results if one == "ada"] == ["ada"]
        assert {type(one) for one in results if one != "ada"} == {errors.LinkSpent}

    def test_only_the_hash_is_kept(self, database, code):
        with database.read() as db:
            kept = [link.code_hash for link in db.query(SignInLink)]
        assert accounts.hash_secret(code) in kept
        assert code not in kept


class TestPasswords:
    PASSWORD = "correct horse"

    @pytest.fixture
    def with_password(self, database, people):
        with database.write() as db:
            accounts.set_password(db, people.ada.account_id, hash_password(self.PASSWORD))

    @pytest.fixture
    def check(self, database, clock):
        return lambda name, password: Passwords().check(database, name, password, "", clock.now())

    def test_name_and_password_belong_together(self, people, with_password, check):
        assert check(" Ada ", self.PASSWORD).account_id == people.ada.account_id

    @pytest.mark.parametrize(
        ("name", "password"),
        [("ada", "wrong"), ("ada", ""), ("bob", ""), ("bob", "correct horse"), ("nobody", "correct horse")],
    )
    def test_others_do_not_and_look_alike(self, with_password, check, name, password):
        with pytest.raises(errors.WrongPassword) as caught:
            check(name, password)
        assert caught.value.message == errors.WrongPassword().message

    def test_a_disabled_account_does_not_sign_in(self, database, people, with_password, check):
        checked = check("ada", self.PASSWORD)
        _disable(database, people.ada)
        with pytest.raises(errors.WrongPassword):
            check("ada", self.PASSWORD)
        with pytest.raises(errors.WrongPassword), database.read() as db:
            accounts.get_checked(db, checked)

    def test_who_has_one_gives_it_to_change_it(self, database, people, clock, with_password, check):
        new = hash_password("another horse")
        with pytest.raises(errors.WrongPassword), database.write() as db:
            accounts.change_password(db, people.ada, None, new, clock.now())
        checked = check("ada", self.PASSWORD)
        with database.write() as db:
            accounts.change_password(db, people.ada, checked, new, clock.now())
        assert check("ada", "another horse").account_id == people.ada.account_id
        with (
            pytest.raises(errors.WrongPassword),
            database.write() as db,
        ):  # it was changed since it was checked
            accounts.change_password(db, people.ada, checked, new, clock.now())

    def test_somebody_elses_does_not_change_ones_own(self, database, people, clock, with_password, check):
        with database.write() as db:
            accounts.set_password(db, people.bob.account_id, hash_password("another horse"))
        with pytest.raises(errors.WrongPassword), database.write() as db:
            accounts.change_password(
                db, people.bob, check("ada", self.PASSWORD), hash_password("x" * 10), clock.now()
            )

    def test_who_has_none_sets_one_in_a_browser(self, database, people, clock, check):
        bob, _ = sign_in(database, people.bob, clock.now())
        with pytest.raises(errors.PasswordNeedsBrowser), database.write() as db:
            accounts.change_password(db, people.bob, None, hash_password("a stolen token"), clock.now())
        with database.write() as db:
            accounts.change_password(db, bob, None, hash_password("another horse"), clock.now())
        assert check("bob", "another horse").account_id == people.bob.account_id

    def test_short_ones_are_refused(self):
        with pytest.raises(errors.PasswordTooShort):
            hash_password("x" * 9)

    def test_changing_it_ends_ones_other_sessions(self, database, people, clock, with_password, check):
        here, there = (sign_in(database, people.ada, clock.now())[0] for _ in range(2))
        bob, _ = sign_in(database, people.bob, clock.now())
        checked = check("ada", self.PASSWORD)
        with database.write() as db:
            accounts.change_password(db, here, checked, hash_password("another horse"), clock.now())
        with database.read() as db:
            assert accounts.find_session_actor(db, there.credential, clock.now()) is None
            assert accounts.find_session_actor(db, here.credential, clock.now()) is not None
            assert accounts.find_session_actor(db, bob.credential, clock.now()) is not None


class TestSessions:
    def test_a_session_is_an_actor_until_it_ends(self, database, people, clock):
        actor, secret = sign_in(database, people.ada, clock.now())
        assert (actor.account_id, actor.role) == (people.ada.account_id, Role.PUBLISHER)
        assert actor.credential.startswith("ses_")
        with database.write() as db:
            accounts.end_session(db, actor.credential, clock.now())
        with database.read() as db:
            assert accounts.find_actor(db, clock.now(), session=secret) is None
            assert accounts.find_session_actor(db, actor.credential, clock.now()) is None

    def test_ending_twice_keeps_the_first_time(self, database, people, clock):
        actor, _ = sign_in(database, people.ada, clock.now())
        for _ in range(2):
            with database.write() as db:
                accounts.end_session(db, actor.credential, clock.now())
            clock.move(MINUTE)
        with database.write() as db:
            accounts.end_session(db, "ses_none", clock.now())

    def test_it_expires(self, database, people, clock):
        _, secret = sign_in(database, people.ada, clock.now())
        clock.move(accounts.SESSION_LIFE + MINUTE)
        with database.read() as db:
            assert accounts.find_actor(db, clock.now(), session=secret) is None

    def test_a_disabled_account_is_nobody(self, database, people, clock, token):
        _, secret = sign_in(database, people.ada, clock.now())
        _disable(database, people.ada)
        with database.read() as db:
            assert accounts.find_actor(db, clock.now(), session=secret) is None
            assert accounts.find_actor(db, clock.now(), token=token) is None

    @pytest.mark.parametrize("secret", ["", "x", "ses_1", "\x00"])
    def test_other_texts_are_nobody(self, database, people, clock, secret):
        with database.read() as db:
            assert accounts.find_actor(db, clock.now(), session=secret) is None
            assert accounts.find_actor(db, clock.now(), token=secret) is None


class TestTokens:
    def test_a_token_is_an_actor_until_it_is_revoked(self, database, people, clock, token):
        with database.read() as db:
            actor = accounts.find_actor(db, clock.now(), token=token)
            assert accounts.find_actor(db, clock.now(), session=token) is None
        assert actor.name == "ada"
        with database.write() as db:
            accounts.revoke_token(db, actor, "current", clock.now())
        with database.read() as db:
            assert accounts.find_actor(db, clock.now(), token=token) is None
            assert accounts.list_tokens(db, people.ada) == []

    def test_it_expires(self, database, clock, token):
        clock.move(timedelta(days=30, seconds=1))
        with database.read() as db:
            assert accounts.find_actor(db, clock.now(), token=token) is None

    @pytest.mark.parametrize("days", [0, -1, 366, 10**9])
    def test_lives_are_bounded(self, database, people, clock, days):
        with pytest.raises(errors.AccountInvalid) as caught, database.write() as db:  # noqa: PT012 - it is the transaction that raises
            account = accounts.get_account(db, people.ada.account_id)
            accounts.create_token(db, account, "", days, clock.now())
        assert caught.value.where == "days"

    def test_only_ones_own_are_listed_and_revoked(self, database, people, clock, token):
        with database.read() as db:
            (found,) = accounts.list_tokens(db, people.ada)
            assert accounts.list_tokens(db, people.bob) == accounts.list_tokens(db, people.admin) == []
        for stranger in (people.bob, people.admin):
            with pytest.raises(errors.TokenNotFound), database.write() as db:
                accounts.revoke_token(db, stranger, found.id, clock.now())
        with database.write() as db:
            accounts.revoke_token(db, people.ada, found.id, clock.now())
        with pytest.raises(errors.TokenNotFound), database.write() as db:
            accounts.revoke_token(db, people.ada, found.id, clock.now())

    def test_one_that_a_token_made_ends_with_it(self, database, people, clock, token):
        session, _ = sign_in(database, people.ada, clock.now())
        with database.write() as db:
            account = accounts.get_account(db, people.ada.account_id)
            maker = accounts.find_actor(db, clock.now(), token=token)
            made, _ = accounts.create_token(db, account, "", 365, clock.now(), maker)
            shorter, _ = accounts.create_token(db, account, "", 1, clock.now(), maker)
            by_session, _ = accounts.create_token(db, account, "", 365, clock.now(), session)
        assert made.expires_at == clock.now() + timedelta(days=30)
        assert shorter.expires_at == clock.now() + timedelta(days=1)
        assert by_session.expires_at == clock.now() + timedelta(days=365)

    def test_a_session_has_no_current_token(self, database, people, clock):
        actor, _ = sign_in(database, people.ada, clock.now())
        with pytest.raises(errors.TokenNotFound), database.write() as db:
            accounts.revoke_token(db, actor, "current", clock.now())

    def test_its_last_use_is_kept(self, database, people, clock, token):
        with database.read() as db:
            (found,) = accounts.list_tokens(db, people.ada)
        clock.move(MINUTE)
        with database.write() as db:
            accounts.touch_token(db, found.id, people.ada.account_id, clock.now())
            accounts.touch_token(db, found.id, people.bob.account_id, clock.now() + MINUTE)
        with database.read() as db:
            assert db.get_one(Token, found.id).last_used_at == clock.now()

    def test_a_label_is_cut_and_never_empty(self, database, people, clock):
        with database.write() as db:
            account = accounts.get_account(db, people.ada.account_id)
            labels = [
                accounts.create_token(db, account, one, 1, clock.now())[0].label for one in ("  ", "x" * 99)
            ]
        assert labels == ["token", "x" * 80]


def test_who_was_found_in_an_earlier_transaction_is_seen_too(database, people, clock):
    with database.read() as db:
        found = accounts.get_account(db, people.ada.account_id)
    with database.write() as db:
        accounts.open_session(db, found, clock.now())
    with database.read() as db:
        assert accounts.get_account(db, people.ada.account_id).seen_at == clock.now()
