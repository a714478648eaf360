"""Whose account somebody gets whom a provider vouches for."""

from datetime import timedelta

import pytest

from tholos.accounts import errors, groups, identities
from tholos.accounts import service as accounts
from tholos.accounts.identities import Sent
from tholos.accounts.models import DEFAULT_ORGANIZATION, AccountKind, Role
from tholos.accounts.openid import OpenIdClient, Person
from tholos.accounts.service import Origin
from tholos.audit.models import Action, AuditEntry

ISSUER = "https://login.example.org"
CLIENT = OpenIdClient(ISSUER, "tholos")
ORIGIN = Origin("Firefox on Linux", "10.0.0.7", "req_1")


def person(subject="u1", email="ada@example.org", *, verified=True, **said):
    return Person(ISSUER, subject, email, is_email_verified=verified, **said)


@pytest.fixture
def sign_in(database, people, clock):
    def run(who, client=CLIENT):
        with database.write() as db:
            return identities.sign_in(db, who, client, clock.now(), ORIGIN)

    return run


@pytest.fixture
def change(database):
    def run(actor, **values):
        with database.write() as db:
            account = accounts.get_account(db, actor.account_id)
            for name, value in values.items():
                setattr(account, name, value)

    return run


def deeds(database, action):
    with database.read() as db:
        return db.query(AuditEntry).filter_by(action=action).order_by(AuditEntry.id).all()


def test_who_is_new_gets_an_account(database, people, sign_in, clock):
    account = sign_in(person(name="Ada Lovelace", username="ada"))
    assert (account.name, account.role, account.email, account.full_name) == (
        "ada-2", Role.VIEWER, "ada@example.org", "Ada Lovelace",
    )  # fmt: skip
    assert account.password_hash is None
    made = deeds(database, Action.ACCOUNT_MADE)[-1]
    assert (made.subject_name, made.actor_name, made.address, made.request_id) == (
        "ada-2",
        "ada-2",
        "10.0.0.7",
        "req_1",
    )
    assert made.after == {"role": "viewer", "issuer": ISSUER}
    linked = deeds(database, Action.IDENTITY_LINKED)[-1]
    assert linked.after == {"issuer": ISSUER, "subject": "u1", "email": "ada@example.org"}


def test_the_subject_alone_decides_after_that(people, sign_in, change):
    first = sign_in(person())
    change(people.bob, email="new@example.org")
    assert sign_in(person(email="new@example.org")).id == first.id, "even where the new address is another's"
    assert sign_in(person(email="", verified=False)).id == first.id


def test_the_same_subject_elsewhere_is_somebody_else(people, sign_in):
    first = sign_in(person(email=""))
    other = Person("https://other.example.org", "u1")
    assert sign_in(other, OpenIdClient(other.issuer, "tholos")).id != first.id


def test_a_vouched_address_leads_to_its_account_once(people, sign_in, change):
    change(people.ada, email="ada@example.org")
    assert sign_in(person()).id == people.ada.account_id
    with pytest.raises(errors.IdentityChanged, match=r"ada@example\.org"):
        sign_in(person("u2"))


def test_an_address_that_was_taken_from_the_account_stays_known(people, sign_in, change):
    """Who had the address at the provider is not forgotten because the account has another one now."""
    change(people.ada, email="ada@example.org")
    sign_in(person())
    change(people.ada, email="other@example.org")
    with pytest.raises(errors.IdentityChanged):
        sign_in(person("u2"))


@pytest.mark.parametrize(
    "hindrance",
    [
        {"is_email_unchecked": True},
        {"kind": AccountKind.SERVICE},
        {"email": "eve@example.org"},
        {"email": None},
    ],
    ids=str,
)
def test_an_address_that_nobody_vouched_for_leads_nowhere(people, sign_in, change, hindrance):
    change(people.ada, **{"email": "ada@example.org", **hindrance})
    assert sign_in(person()).id != people.ada.account_id


def test_an_address_that_the_provider_does_not_vouch_for_leads_nowhere(people, sign_in, change):
    change(people.ada, email="ada@example.org")
    account = sign_in(person(verified=False))
    assert account.id != people.ada.account_id
    assert account.email is None


def test_an_address_of_several_leads_to_none(people, sign_in, change):
    change(people.ada, email="ada@example.org")
    change(people.bob, email="ada@example.org")
    with pytest.raises(errors.PersonRefused, match="several"):
        sign_in(person())


def test_the_providers_word_makes_an_address_vouched_for(database, people, sign_in, change):
    account = sign_in(person())
    with database.read() as db:
        assert not accounts.get_account(db, account.id).is_email_unchecked


def test_what_the_person_says_here_stays(database, people, sign_in, change):
    account = sign_in(person(name="Ada"))
    change(
        accounts.actor_for(account),
        full_name="Countess",
        email="private@example.org",
        is_email_unchecked=True,
    )
    again = sign_in(person(name="Ada"))
    assert (again.full_name, again.email, again.is_email_unchecked) == (
        "Countess",
        "private@example.org",
        True,
    )


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"username": "Ada.L"}, "ada.l"), ({"username": "ada@corp.example"}, "ada-2"),
        ({"email": "grace.hopper@example.org"}, "grace.hopper"), ({"name": "Ñandú Pérez"}, "nandu-perez"),
        ({"username": "007"}, "person"), ({"username": "李"}, "person"), ({"username": "x" * 90}, "x" * 40),
        ({"username": "-_.a..", "name": "Zoe"}, "a"), ({"username": "admin"}, "admin-2"), ({}, "person"),
    ],
    ids=str,
)  # fmt: skip
def test_names_are_made_of_what_the_provider_says(people, sign_in, said, name):
    assert sign_in(person(**{"email": "", **said})).name == name


def test_taken_names_are_counted_on(people, sign_in):
    made = [sign_in(person(f"u{number}", "", username="x" * 40)).name for number in range(11)]
    assert made[0] == "x" * 40
    assert made[1] == "x" * 38 + "-2"
    assert made[10] == "x" * 37 + "-11"


def test_nobody_is_made_where_that_is_not_wanted(people, sign_in, change):
    only_known = OpenIdClient(ISSUER, "tholos", may_create=False)
    with pytest.raises(errors.PersonRefused, match="no account here"):
        sign_in(person(), only_known)
    change(people.ada, email="ada@example.org")
    assert sign_in(person(), only_known).id == people.ada.account_id


@pytest.mark.parametrize(
    ("who", "is_in"),
    [
        (person(email="a@example.org"), True), (person(email="a@example.org", verified=False), False),
        (person(email="a@sub.example.org"), False), (person(email="a@example.org.evil"), False),
        (person(email="example.org"), False), (person(email=""), False),
    ],
    ids=lambda one: getattr(one, "email", str(one)),
)  # fmt: skip
def test_domains_are_compared_whole(people, sign_in, who, is_in):
    client = OpenIdClient(ISSUER, "tholos", allowed_domains=frozenset({"example.org"}))
    if is_in:
        assert sign_in(who, client).name
    else:
        with pytest.raises(errors.PersonRefused, match=r"at example\.org"):
            sign_in(who, client)


def test_the_domain_is_asked_for_at_every_sign_in(people, sign_in):
    sign_in(person())
    with pytest.raises(errors.PersonRefused):
        sign_in(person(), OpenIdClient(ISSUER, "tholos", allowed_domains=frozenset({"other.org"})))


def test_the_disabled_stay_out(database, people, sign_in, change):
    change(people.ada, email="ada@example.org", is_disabled=True)
    with pytest.raises(errors.PersonRefused, match="ada is disabled"):
        sign_in(person())
    assert deeds(database, Action.IDENTITY_LINKED) == [], "a refusal leaves nothing behind"


def test_a_refusal_is_recorded_with_whom_it_was_about(database, people, sign_in, clock):
    error = errors.PersonRefused("Cannot sign in: no.")
    with database.write() as db:
        identities.note_refusal(db, person(), error, clock.now(), ORIGIN)
    (deed,) = deeds(database, Action.SIGN_IN_REFUSED)
    assert (deed.actor_id, deed.subject_name, deed.address) == (None, "ada@example.org", "10.0.0.7")
    assert deed.after == {"why": "person_refused"}


def test_groups_are_those_of_the_provider(database, people, sign_in):
    client = OpenIdClient(ISSUER, "tholos", groups_claim="groups")
    account = sign_in(person(groups=("a", "b")), client)
    sign_in(person(groups=("b", "c")), client)
    with database.read() as db:
        assert [group.name for group in groups.list_of(db, account.id)] == ["b", "c"]
    sign_in(person(groups=("z",)), CLIENT)
    with database.read() as db:
        assert [group.name for group in groups.list_of(db, account.id)] == ["b", "c"], "it was not asked for"


def test_the_group_of_administrators_decides(database, people, sign_in, change):
    client = OpenIdClient(ISSUER, "tholos", groups_claim="groups", administrators_group="/admins")
    assert sign_in(person(groups=("/admins",)), client).role == Role.ADMINISTRATOR
    assert deeds(database, Action.ACCOUNT_CHANGED)[-1].after == {"role": "administrator"}
    assert sign_in(person(groups=("admins",)), client).role == Role.VIEWER
    change(people.ada, email="ada2@example.org")
    assert sign_in(person("u2", "ada2@example.org"), client).role == Role.PUBLISHER, (
        "a lower role is none of its business"
    )


def test_somebody_stays_to_administer(people, sign_in, change):
    client = OpenIdClient(ISSUER, "tholos", groups_claim="groups", administrators_group="admins")
    change(people.admin, email="admin@example.org")
    assert sign_in(person(email="admin@example.org"), client).role == Role.ADMINISTRATOR


def test_unlinking_is_for_administrators_and_lets_the_next_in(database, people, sign_in, change, clock):
    change(people.ada, email="ada@example.org")
    sign_in(person())
    with database.read() as db:
        (known,) = identities.list_identities(db, people.admin, "ada")
        with pytest.raises(errors.RoleTooLow):
            identities.list_identities(db, people.ada, "ada")
        with pytest.raises(errors.AccountNotFound):
            identities.list_identities(db, people.admin, "nobody")
    with database.write() as db, pytest.raises(errors.RoleTooLow):
        identities.unlink(db, people.ada, "ada", known.id, clock.now())
    with database.write() as db, pytest.raises(errors.IdentityNotFound):
        identities.unlink(db, people.admin, "bob", known.id, clock.now())
    with database.write() as db:
        identities.unlink(db, people.admin, "ada", known.id, clock.now())
    assert deeds(database, Action.IDENTITY_UNLINKED)[0].before["subject"] == "u1"
    assert sign_in(person("u2")).id == people.ada.account_id


def test_two_first_sign_ins_at_once_make_one_account(database, people, clock, at_once):
    def run():
        with database.write() as db:
            return identities.sign_in(db, person(), CLIENT, clock.now(), ORIGIN).id

    results = at_once(run, run, run)
    assert len(set(results)) == 1
    with database.read() as db:
        account = accounts.get_account(db, results[0])
        assert accounts.find_account(db, DEFAULT_ORGANIZATION, f"{account.name}-2") is None


def test_a_sign_in_comes_back_once_to_the_browser_that_began_it(database, people, clock):
    sent = Sent("nonce", "verifier", "/device", clock.now())
    with database.write() as db:
        identities.send(db, "state", "browser", sent)
    for state, browser in (("state", "another"), ("other", "browser"), ("", ""), ("state", "")):
        with database.write() as db, pytest.raises(errors.SignInLost):
            identities.take_back(db, state, browser, clock.now())
    with database.write() as db:
        assert identities.take_back(db, "state", "browser", clock.now()) == sent
    with database.write() as db, pytest.raises(errors.SignInLost):
        identities.take_back(db, "state", "browser", clock.now())


def test_a_sign_in_that_does_not_come_back_in_time_is_gone(database, people, clock):
    with database.write() as db:
        identities.send(db, "state", "browser", Sent("nonce", "verifier", "", clock.now()))
    clock.move(identities.LIFE + timedelta(seconds=1))
    with database.write() as db, pytest.raises(errors.SignInLost):
        identities.take_back(db, "state", "browser", clock.now())
    with database.write() as db:
        identities.remove_expired(db, clock.now())
    clock.move(-identities.LIFE)
    with database.write() as db, pytest.raises(errors.SignInLost):
        identities.take_back(db, "state", "browser", clock.now())
