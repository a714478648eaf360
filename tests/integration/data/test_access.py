"""The way to an app's host on both databases: hand-over codes, handles, tokens, and who is let in."""

import pytest

from tholos.access import service as access
from tholos.access.errors import NotShared
from tholos.access.models import Handle, HandoverCode
from tholos.accounts import service as accounts
from tholos.accounts.models import Account
from tholos.accounts.service import hash_secret
from tholos.kit.errors import Forbidden
from tholos.testing.rows import add_live_app, sign_in

TRANSACTION = "what the browser keeps"


@pytest.fixture
def app(database, people, clock):
    return add_live_app(database, people.ada, "sales", clock.now())[0]


@pytest.fixture
def ada(database, people, clock):
    """ada, signed in by a session."""
    return sign_in(database, people.ada, clock.now())[0]


@pytest.fixture
def code(database, app, ada, clock):
    with database.write() as db:
        return access.hand_over(db, ada, "sales", hash_secret(TRANSACTION), clock.now())


@pytest.fixture
def redeem(database, clock):
    def take(app_id, code, transaction=TRANSACTION):
        with database.write() as db:
            return access.redeem(db, app_id, code, transaction, clock.now())

    return take


def _rows(database):
    with database.read() as db:
        return db.query(HandoverCode).count(), db.query(Handle).count()


class TestHandOver:
    def test_a_code_makes_a_handle_once(self, database, app, ada, code, redeem, clock):
        handle, admission = redeem(app.id, code)
        assert (admission.account_id, admission.name, admission.session_id) == (
            ada.account_id, "ada", ada.credential,
        )  # fmt: skip
        assert admission.access_version == app.access_version
        assert redeem(app.id, code) is None
        with database.read() as db:
            assert access.admit_handle(db, app.id, handle, clock.now()) == admission
        assert _rows(database)[1] == 1

    def test_of_several_at_once_one_redeems(self, app, code, redeem, at_once):
        results = at_once(*[lambda: redeem(app.id, code)] * 5)
        assert len([one for one in results if one is not None]) == 1

    def test_it_expires(self, app, code, redeem, clock):
        clock.move(access.CODE_LIFE)
        clock.move(0.001)
        assert redeem(app.id, code) is None

    def test_it_is_good_at_its_app_only(self, database, app, code, redeem, people, clock):
        other, _ = add_live_app(database, people.ada, "stock", clock.now())
        assert redeem(other.id, code) is None
        assert redeem("app_none", code) is None
        assert redeem(app.id, code) is not None

    @pytest.mark.parametrize("transaction", ["", "another", TRANSACTION + "x", "\x00", "é"])
    def test_it_is_good_in_its_browser_only_and_not_burnt_elsewhere(self, app, code, redeem, transaction):
        assert redeem(app.id, code, transaction) is None
        assert redeem(app.id, code) is not None

    @pytest.mark.parametrize("unknown", ["", "x", "\x00", "%"])
    def test_other_texts_are_no_codes(self, app, code, redeem, unknown):
        assert redeem(app.id, unknown) is None

    def test_a_code_of_a_session_that_ended_is_no_good(self, database, app, ada, code, redeem, clock):
        with database.write() as db:
            accounts.end_session(db, ada.credential, clock.now())
        assert redeem(app.id, code) is None
        assert _rows(database)[1] == 0

    def test_only_hashes_are_kept(self, database, app, code, redeem):
        handle, _ = redeem(app.id, code)
        with database.read() as db:
            kept = [one.code_hash for one in db.query(HandoverCode)]
            kept += [one.secret_hash for one in db.query(Handle)]
        assert kept == [hash_secret(code), hash_secret(handle)]


class TestWho:
    @pytest.mark.parametrize("who", ["bob", "vic"])
    def test_a_stranger_is_told_to_ask_for_it(self, database, app, people, clock, who):
        stranger, _ = sign_in(database, getattr(people, who), clock.now())
        with pytest.raises(NotShared), database.write() as db:
            access.hand_over(db, stranger, "sales", hash_secret(TRANSACTION), clock.now())
        with database.read() as db:
            assert access.admit_session(db, app.id, stranger.credential, clock.now()) is None

    def test_an_administrator_sees_it_and_does_not_open_it(self, database, app, people, clock):
        admin, _ = sign_in(database, people.admin, clock.now())
        with pytest.raises(NotShared), database.write() as db:
            access.hand_over(db, admin, "sales", hash_secret(TRANSACTION), clock.now())
        with database.read() as db:
            assert access.admit_session(db, app.id, admin.credential, clock.now()) is None

    def test_an_api_token_is_not_handed_over(self, database, app, people, clock):
        """A code stands for a browser's session; who comes with a token sends that token to the app itself."""
        with database.write() as db:
            account = accounts.get_account(db, people.ada.account_id)
            _, secret = accounts.create_token(db, account, "", 1, clock.now())
        with database.read() as db:
            actor = accounts.find_actor(db, clock.now(), token=secret)
        with pytest.raises(Forbidden), database.write() as db:
            access.hand_over(db, actor, "sales", hash_secret(TRANSACTION), clock.now())
        assert _rows(database) == (0, 0)

    def test_a_token_opens_ones_own(self, database, app, people, clock):
        admissions = {}
        for actor in (people.ada, people.bob, people.admin):
            with database.write() as db:
                account = accounts.get_account(db, actor.account_id)
                _, secret = accounts.create_token(db, account, "", 1, clock.now())
            with database.read() as db:
                admissions[actor.name] = access.admit_token(db, app.id, secret, clock.now())
                assert access.admit_token(db, "app_none", secret, clock.now()) is None
        assert admissions["ada"].session_id == ""
        assert admissions["bob"] is None
        assert admissions["admin"] is None

    def test_handles_are_good_at_their_app_only(self, database, app, code, redeem, people, clock):
        handle, _ = redeem(app.id, code)
        other, _ = add_live_app(database, people.ada, "stock", clock.now())
        with database.read() as db:
            assert access.admit_handle(db, other.id, handle, clock.now()) is None
            assert access.admit_handle(db, app.id, "another", clock.now()) is None

    def test_signing_out_ends_handles(self, database, app, ada, code, redeem, clock):
        handle, _ = redeem(app.id, code)
        with database.write() as db:
            accounts.end_session(db, ada.credential, clock.now())
        with database.read() as db:
            assert access.admit_handle(db, app.id, handle, clock.now()) is None

    def test_a_disabled_account_is_let_in_nowhere(self, database, app, ada, code, redeem, clock):
        handle, _ = redeem(app.id, code)
        with database.write() as db:
            db.get_one(Account, ada.account_id).is_disabled = True
        with database.read() as db:
            assert access.admit_handle(db, app.id, handle, clock.now()) is None
            assert access.admit_session(db, app.id, ada.credential, clock.now()) is None


class TestRemoval:
    def test_no_row_is_left(self, database, app, ada, code, redeem, people, clock):
        redeem(app.id, code)
        add_live_app(database, people.ada, "stock", clock.now())
        with database.write() as db:
            access.hand_over(db, ada, "stock", hash_secret(TRANSACTION), clock.now())
        with database.write() as db:
            access.remove_of_app(db, app.id)
        assert _rows(database) == (1, 0)

    def test_codes_that_are_over_do_not_pile_up(self, database, app, ada, clock):
        for _ in range(3):
            with database.write() as db:
                access.hand_over(db, ada, "sales", hash_secret(TRANSACTION), clock.now())
            clock.move(access.CODE_LIFE * 2)
        assert _rows(database)[0] == 1
