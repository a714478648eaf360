"""Other people's accounts on both databases: who sees what, and what making, changing, disabling and enabling do."""

from dataclasses import replace

import pytest

from tholos.accounts import people as people_of
from tholos.accounts import service as accounts
from tholos.accounts.errors import (
    AccountDisabled,
    AccountInvalid,
    AccountNotFound,
    AccountTaken,
    LastAdministrator,
    LinkSpent,
    LinkUnknown,
    NotOneself,
    ProfileInvalid,
    RoleTooLow,
    ScopeTooNarrow,
)
from tholos.accounts.models import Account, AccountKind, Role
from tholos.accounts.people import Change, New, PeopleFilter
from tholos.audit.models import AuditEntry
from tholos.kit.paging import CursorInvalid
from tholos.kit.versions import EditedMeanwhile


class House:
    """One installation, and its use cases as somebody."""

    def __init__(self, database, people, clock) -> None:
        self.database, self.people, self.clock = database, people, clock

    def actor(self, who):
        return getattr(self.people, who)

    def list(self, who="admin", *, cursor="", limit=100, **wanted):
        with self.database.read() as db:
            return people_of.list_people(
                db, self.actor(who), PeopleFilter(**wanted), cursor=cursor, limit=limit
            )

    def names(self, who="admin", **wanted):
        return [one.account.name for one in self.list(who, **wanted).page.items]

    def get(self, who, name):
        with self.database.read() as db:
            return people_of.get_person(db, self.actor(who), name)

    def create(self, name, who="admin", **more):
        with self.database.write() as db:
            return people_of.create(db, self.actor(who), New(name, **more), self.clock.now())

    def change(self, name, who="admin", seen=None, **wish):
        with self.database.write() as db:
            return people_of.change(db, self.actor(who), name, Change(**wish), seen, self.clock.now())

    def do(self, verb, name, who="admin", seen=None):
        with self.database.write() as db:
            return getattr(people_of, verb)(db, self.actor(who), name, seen, self.clock.now())

    def sign_out(self, name, who="admin", *, with_tokens=False):
        with self.database.write() as db:
            return people_of.sign_out(db, self.actor(who), name, self.clock.now(), with_tokens=with_tokens)

    def link(self, name):
        with self.database.write() as db:
            return people_of.make_link(db, self.people.admin, name, self.clock.now())

    def sign_in(self, name):
        """A session's and a token's secret."""
        with self.database.write() as db:
            account = accounts.get_account(db, self.actor(name).account_id)
            session = accounts.open_session(db, account, self.clock.now())
            _, token = accounts.create_token(db, account, "", 9, self.clock.now())
        return session, token

    def stands(self, session="", token=""):
        with self.database.read() as db:
            return accounts.find_actor(db, self.clock.now(), session=session, token=token) is not None

    def account(self, name):
        with self.database.read() as db:
            return accounts.find_account(db, "org_default", name)

    def deeds(self, subject):
        with self.database.read() as db:
            rows = db.query(AuditEntry).order_by(AuditEntry.id)
            return [row for row in rows if row.subject_name == subject]


@pytest.fixture
def house(database, people, clock):
    return House(database, people, clock)


class TestWhoSeesWhom:
    def test_the_administrator_sees_everybody_and_all_of_it(self, house):
        house.change("ada", email="Ada@Example.org", full_name="Ada  Lovelace")
        known = house.list().page.items[0]
        assert [one.account.name for one in house.list().page.items] == ["ada", "admin", "bob", "vic"]
        assert (known.account.email, known.account.full_name) == ("ada@example.org", "Ada Lovelace")
        assert known.is_whole

    def test_a_publisher_sees_who_may_sign_in_and_no_more(self, house):
        house.change("vic", email="hidden@example.org")
        house.do("disable", "bob")
        found = house.list("ada").page.items
        assert [one.account.name for one in found] == ["ada", "admin", "vic"]
        assert not any(one.is_whole for one in found)
        assert house.names("ada", text="hidden") == []  # nobody tries addresses out by searching for them
        assert house.names("admin", text="hidden") == ["vic"]
        assert house.names("ada", is_disabled=True) == ["ada", "admin", "vic"]
        with pytest.raises(AccountNotFound):
            house.get("ada", "bob")

    def test_a_viewer_sees_oneself(self, house):
        assert house.get("vic", "vic").is_whole
        with pytest.raises(RoleTooLow):
            house.list("vic")
        for name in ("ada", "nobody"):  # the same, whether it is there or not
            with pytest.raises(RoleTooLow):
                house.get("vic", name)

    def test_a_token_for_one_app_sees_nobody(self, house):
        narrow = replace(house.people.admin, object_id="app_1")
        with house.database.read() as db:
            with pytest.raises(ScopeTooNarrow):
                people_of.list_people(db, narrow, PeopleFilter())
            with pytest.raises(ScopeTooNarrow):
                people_of.get_person(db, narrow, "admin")

    @pytest.mark.parametrize(
        ("wanted", "names"),
        [
            ({"text": "A"}, ["ada", "admin"]),
            ({"text": " lovelace "}, ["ada"]),
            ({"text": "%"}, []),
            ({"text": "_"}, []),
            ({"text": "a\\"}, []),
            ({"role": "publisher"}, ["ada", "bob"]),
            ({"kind": "service"}, ["robot"]),
            ({"is_disabled": True}, ["bob"]),
            ({"is_disabled": False, "role": "publisher"}, ["ada"]),
            ({"text": "x" * 500}, []),
        ],
    )
    def test_what_is_looked_for(self, house, wanted, names):
        house.change("ada", full_name="Ada Lovelace")
        house.do("disable", "bob")
        house.create("robot", kind="service")
        assert house.names(**wanted) == names
        assert house.list(**wanted).total == len(names)

    def test_pages_leave_nobody_out(self, house):
        for number in range(7):
            house.create(f"p{number}")
        seen, cursor = [], ""
        while True:
            found = house.list(cursor=cursor, limit=3)
            assert found.total == 11
            seen += [one.account.name for one in found.page.items]
            cursor = found.page.next
            if not cursor:
                break
        assert seen == sorted(seen)
        assert len(seen) == 11
        with pytest.raises(CursorInvalid):
            house.list(cursor="nonsense")


class TestMaking:
    def test_a_person_comes_in_by_a_link(self, house):
        account, code = house.create("cleo", role="publisher", full_name="Cleo", email="C@x.org")
        assert (account.kind, account.role, account.email) == ("person", "publisher", "c@x.org")
        with house.database.write() as db:
            assert accounts.spend_link(db, code, house.clock.now()).id == account.id
        assert house.deeds("cleo")[0].after == {"role": "publisher", "kind": "person"}

    def test_a_program_has_no_link(self, house):
        account, code = house.create("robot", kind="service", role="publisher")
        assert (account.kind, code) == (AccountKind.SERVICE, "")
        with pytest.raises(AccountInvalid):
            house.link("robot")

    @pytest.mark.parametrize(
        ("fields", "error"),
        [
            ({"name": "ada"}, AccountTaken),
            ({"name": "Ada"}, AccountInvalid),
            ({"name": ""}, AccountInvalid),
            ({"name": "a" * 41}, AccountInvalid),
            ({"name": "new", "role": "king"}, AccountInvalid),
            ({"name": "new", "kind": "group"}, AccountInvalid),
            ({"name": "new", "email": "no address"}, ProfileInvalid),
            ({"name": "new", "email": "a@b\r\nBcc: c@d"}, ProfileInvalid),
            ({"name": "new", "full_name": "x" * 121}, ProfileInvalid),
        ],
    )
    def test_what_is_refused_leaves_nothing(self, house, fields, error):
        before = house.names()
        with pytest.raises(error):
            house.create(**fields)
        assert house.names() == before

    def test_it_is_for_administrators(self, house):
        for who in ("ada", "vic"):
            with pytest.raises(RoleTooLow):
                house.create("new", who=who)


class TestChanging:
    def test_what_is_not_named_stays(self, house):
        house.change("ada", full_name="Ada", email="ada@x.org")
        changed = house.change("ada", role="viewer")
        assert (changed.full_name, changed.email, changed.role) == ("Ada", "ada@x.org", "viewer")
        assert changed.version == 3
        deed = house.deeds("ada")[-1]
        assert deed.before["role"] == "publisher"
        assert deed.after["role"] == "viewer"

    def test_nothing_changed_is_no_deed(self, house):
        before = len(house.deeds("ada"))
        assert house.change("ada", role="publisher", full_name="", email="").version == 1
        assert len(house.deeds("ada")) == before

    def test_a_lower_role_holds_at_once(self, house):
        _, token = house.sign_in("ada")
        house.change("ada", role="viewer")
        with house.database.read() as db:
            assert accounts.find_actor(db, house.clock.now(), token=token).role == Role.VIEWER

    def test_an_administrator_vouches_for_a_new_address_only(self, house):
        with house.database.write() as db:
            account = db.get_one(Account, house.people.ada.account_id)
            account.email, account.is_email_unchecked = "ada@x.org", True
        assert house.change("ada", email="ada@x.org", full_name="Ada").is_email_unchecked
        assert not house.change("ada", email="ada@y.org").is_email_unchecked

    def test_the_second_is_told(self, house):
        house.change("ada", full_name="One", seen=1)
        for verb in (
            lambda: house.change("ada", full_name="Two", seen=1),
            lambda: house.do("disable", "ada", seen=1),
            lambda: house.do("enable", "ada", seen=1),
        ):
            with pytest.raises(EditedMeanwhile):
                verb()
        assert house.account("ada").full_name == "One"

    @pytest.mark.parametrize("wish", [{"role": "king"}, {"role": ""}])
    def test_bad_roles(self, house, wish):
        with pytest.raises(AccountInvalid):
            house.change("ada", **wish)

    def test_it_is_for_administrators_and_about_somebody(self, house):
        with pytest.raises(RoleTooLow):
            house.change("ada", who="ada", role="administrator")
        with pytest.raises(AccountNotFound):
            house.change("nobody", role="viewer")


class TestTheLastAdministrator:
    def test_stays_one(self, house):
        for role in ("viewer", "publisher"):
            with pytest.raises(LastAdministrator):
                house.change("admin", role=role)
        house.change("ada", role="administrator")
        assert house.change("admin", role="viewer").role == "viewer"
        with pytest.raises(LastAdministrator):
            house.change("ada", who="admin", role="viewer")

    def test_a_program_or_a_disabled_person_looks_after_nothing(self, house):
        house.create("robot", kind="service", role="administrator")
        house.change("ada", role="administrator")
        house.do("disable", "ada")
        with pytest.raises(LastAdministrator):
            house.change("admin", role="viewer")

    def test_is_not_disabled(self, house):
        house.change("ada", role="administrator")
        with pytest.raises(NotOneself):
            house.do("disable", "admin")
        house.do("disable", "ada")
        assert not house.account("admin").is_disabled

    def test_two_at_once_cannot_demote_each_other(self, house, at_once):
        """Writers follow one another, so the second sees that nobody else is left."""
        house.change("ada", role="administrator")
        results = at_once(
            lambda: house.change("ada", role="viewer"), lambda: house.change("admin", role="viewer")
        )
        assert sum(isinstance(one, LastAdministrator) for one in results) == 1


class TestDisabling:
    def test_sessions_tokens_and_links_end(self, house):
        session, token = house.sign_in("ada")
        code = house.link("ada")
        ended = house.do("disable", "ada")
        assert (ended.sessions, ended.tokens) == (1, 1)
        assert not house.stands(session=session)
        assert not house.stands(token=token)
        with house.database.read() as db, pytest.raises(LinkUnknown):
            accounts.check_link(db, code, house.clock.now())
        assert [row.action for row in house.deeds("ada")][-2:] == ["session.all_ended", "account.disabled"]

    def test_enabling_brings_nothing_back(self, house):
        session, token = house.sign_in("ada")
        code = house.link("ada")
        house.do("disable", "ada")
        assert not house.do("enable", "ada").is_disabled
        assert not house.stands(session=session)
        assert not house.stands(token=token)
        with house.database.read() as db, pytest.raises(LinkSpent):
            accounts.check_link(db, code, house.clock.now())
        again, _ = house.sign_in("ada")
        assert house.stands(session=again)
        assert house.deeds("ada")[-1].action in {"token.made", "session.opened", "account.enabled"}

    def test_twice_is_once(self, house):
        house.do("disable", "ada")
        deeds = len(house.deeds("ada"))
        assert house.do("disable", "ada").sessions == 0
        house.do("enable", "ada")
        house.do("enable", "ada")
        assert len(house.deeds("ada")) == deeds + 1

    def test_no_link_while_disabled(self, house):
        house.do("disable", "ada")
        with pytest.raises(AccountDisabled):
            house.link("ada")

    @pytest.mark.parametrize("verb", ["disable", "enable"])
    def test_it_is_for_administrators(self, house, verb):
        for who in ("bob", "vic", "ada"):
            with pytest.raises(RoleTooLow):
                house.do(verb, "ada", who=who)


class TestSigningOut:
    def test_sessions_only_or_tokens_too(self, house):
        session, token = house.sign_in("ada")
        other, _ = house.sign_in("bob")
        assert house.sign_out("ada").tokens == 0
        assert not house.stands(session=session)
        assert house.stands(token=token)
        assert house.sign_out("ada", with_tokens=True).tokens == 1
        assert not house.stands(token=token)
        assert house.stands(session=other)
        with pytest.raises(RoleTooLow):
            house.sign_out("ada", who="bob")
