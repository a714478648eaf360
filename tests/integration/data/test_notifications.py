"""What was done becomes deliveries exactly once; webhooks, preferences and inboxes."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from tholos.accounts import service as accounts
from tholos.accounts.errors import RoleTooLow, ScopeTooNarrow
from tholos.accounts.models import Group, Membership, Role, Scope
from tholos.apps import service as apps
from tholos.apps.errors import AppNotFound
from tholos.apps.models import AppState
from tholos.audit import service as audit
from tholos.audit.models import Action, AuditEntry
from tholos.kit.outgoing import AddressRefused
from tholos.kit.paging import CursorInvalid
from tholos.kit.sealing import Sealer
from tholos.kit.versions import EditedMeanwhile
from tholos.notifications import outbox
from tholos.notifications import service as notifications
from tholos.notifications.errors import (
    DeliveryNotFound,
    DeliveryWaits,
    PreferenceInvalid,
    TooManyWebhooks,
    WebhookInvalid,
    WebhookNotFound,
)
from tholos.notifications.models import Cursor, Delivery, DeliveryState, Webhook
from tholos.notifications.outbox import Setup
from tholos.notifications.service import Wish
from tholos.server.sealed import COLUMNS
from tholos.sharing import service as sharing
from tholos.sharing.models import Level, PrincipalKind
from tholos.testing.rows import add_live_app, new_release
from tholos.variables import resealing

SETUP = Setup(can_mail=True, url="https://tholos.example.org")
HOOK = "https://hooks.example.org/T0/secret"


@pytest.fixture
def sealer(tmp_path) -> Sealer:
    return Sealer(tmp_path / "keys")


@pytest.fixture
def told(database, clock, people):
    """Plans all that is new, as the messenger does, and gives the deliveries there are."""
    with database.write() as db:
        outbox.begin(db)
        for name in ("ada", "bob", "vic"):
            accounts.get_account(db, getattr(people, name).account_id).email = f"{name}@example.org"

    def tell(setup=SETUP) -> list[Delivery]:
        has_more = True
        while has_more:
            with database.write() as db:
                has_more = outbox.plan_next(db, setup, clock.now())
        with database.read() as db:
            return list(db.scalars(select(Delivery).order_by(Delivery.id)))

    return tell


@pytest.fixture
def webhook(database, clock, people, sealer):
    def make(actor="ada", app="", wish=None) -> Webhook:
        with database.write() as db:
            return notifications.create_webhook(
                db, sealer, getattr(people, actor), app, wish or Wish(HOOK), (), clock.now()
            )[0]

    return make


@pytest.fixture
def app(database, clock, people):
    return add_live_app(database, people.ada, "sales", clock.now())[0]


def record(database, clock, action, app, *, doer=audit.ITSELF, **options) -> None:
    with database.write() as db:
        audit.record(db, doer, action, apps.subject_of(app), clock.now(), **options)


def summary(found) -> list[tuple[str, str, str]]:
    return sorted((one.action, one.channel, one.target or one.account_id or "") for one in found)


def test_a_failing_app_is_told_to_its_owner_once_for_each_time(database, clock, people, app, told):
    def become(state) -> int:
        with database.write() as db:
            apps.set_state(db, app.id, state, "because", clock.now())
        return len([one for one in told() if one.action == "app.failing"])

    assert become(AppState.FAILING) == 2
    assert summary(told()) == [
        ("app.failing", "inbox", people.ada.account_id), ("app.failing", "mail", "ada@example.org"),
    ]  # fmt: skip
    assert become(AppState.STARTING) == 2
    assert become(AppState.FAILING) == 2, "it has not served since"
    assert become(AppState.SERVING) == 2
    assert become(AppState.FAILING) == 4


def test_a_failed_publish_is_told_to_its_author_and_to_the_owner(database, clock, people, app, told):
    with database.write() as db:
        bob = sharing.get_principal(db, app.organization_id, PrincipalKind.ACCOUNT, "bob")
        shared = sharing.Shared("app", app.id, app.organization_id)
        sharing.grant(db, None, shared, bob, Level.EDITOR, clock.now())
        release = apps.create_release(
            db, people.bob, apps.get_app(db, app.id), new_release("b" * 64), clock.now()
        )
        number = release.number
    record(database, clock, Action.RELEASE_FAILED, app, after={"release": number}, note="no such package")
    assert summary(told()) == [
        ("release.failed", "inbox", people.ada.account_id), ("release.failed", "inbox", people.bob.account_id),
        ("release.failed", "mail", "ada@example.org"), ("release.failed", "mail", "bob@example.org"),
    ]  # fmt: skip


@pytest.fixture
def teams(database, clock, people, app):
    """The app's editors: bob himself, cleo and dora by a group, of whom dora is disabled; vic may open it."""
    now = clock.now()
    with database.write() as db:
        group = Group(
            id="grp_team", organization_id=app.organization_id, name="team", note="", created_at=now
        )
        db.add(group)
        made = {
            name: accounts.create_account(db, people.admin, name, Role.PUBLISHER, now)[0]
            for name in ("cleo", "dora")
        }
        db.flush()
        for account in (*made.values(), accounts.get_account(db, people.vic.account_id)):
            db.add(Membership(group_id=group.id, account_id=account.id, created_at=now))
        made["dora"].is_disabled = True
        shared = sharing.Shared("app", app.id, app.organization_id)
        for kind, name in ((PrincipalKind.ACCOUNT, "bob"), (PrincipalKind.GROUP, "team")):
            principal = sharing.get_principal(db, app.organization_id, kind, name)
            sharing.grant(db, None, shared, principal, Level.EDITOR, now)
    return {name: account.id for name, account in made.items()}


@pytest.mark.parametrize(
    "action",
    [Action.RELEASE_FAILED, Action.APP_FAILING, Action.ACCESS_REQUESTED],
)
def test_editors_are_told_with_the_owner(database, clock, people, app, told, teams, action):
    """Each once, whatever they are besides; groups count, and a viewer's role is no editor's."""
    with database.write() as db:
        number = apps.create_release(
            db, people.bob, apps.get_app(db, app.id), new_release("b" * 64), clock.now()
        ).number
    record(database, clock, action, app, doer=people.vic, after={"release": number}, note="no such package")
    inboxes = [one.account_id for one in told() if one.channel == "inbox" and one.action == action]
    expected = [people.ada.account_id, people.bob.account_id, teams["cleo"]]
    assert sorted(inboxes) == sorted(expected)


@pytest.mark.parametrize("action", [Action.ACTIVATION_FAILED, Action.RESTART_FAILED])
def test_a_failed_switch_is_told_to_who_asked_and_to_who_looks_after_the_app(
    database, clock, people, app, told, teams, action
):
    after = {"release": 1, "operation": "op_1"}
    record(database, clock, action, app, doer=people.bob, after=after, note="no such package")
    found = [one for one in told() if one.channel == "inbox"]
    assert {one.account_id for one in found} == {people.ada.account_id, people.bob.account_id, teams["cleo"]}
    assert {one.body["link"] for one in found} == {"/operations/op_1"}


def test_who_left_an_app_is_not_told_of_it(database, clock, people, app, told, teams):
    """Neither an editor that was, nor the author of a release who may not see the app any more."""
    with database.write() as db:
        number = apps.create_release(
            db, people.bob, apps.get_app(db, app.id), new_release("b" * 64), clock.now()
        ).number
        bob = sharing.get_principal(db, app.organization_id, PrincipalKind.ACCOUNT, "bob")
        sharing.revoke(db, app.id, bob)
    record(database, clock, Action.RELEASE_FAILED, app, after={"release": number}, note="no such package")
    inboxes = [one.account_id for one in told() if one.channel == "inbox"]
    assert sorted(inboxes) == sorted([people.ada.account_id, teams["cleo"]])


def test_an_administrator_is_told_of_their_own_publish(database, clock, people, app, told):
    with database.write() as db:
        release = apps.create_release(
            db, people.admin, apps.get_app(db, app.id), new_release("b" * 64), clock.now()
        )
        number = release.number
    record(database, clock, Action.RELEASE_FAILED, app, after={"release": number}, note="no such package")
    inboxes = [one.account_id for one in told() if one.channel == "inbox"]
    assert sorted(inboxes) == sorted([people.ada.account_id, people.admin.account_id])


@pytest.mark.parametrize("after", [None, {}, {"release": 99}, {"release": "x"}])
def test_a_failed_publish_of_an_unknown_release_is_told_to_the_owner(
    database, clock, people, app, told, after
):
    record(database, clock, Action.RELEASE_FAILED, app, after=after)
    assert summary(told(Setup(can_mail=False, url=""))) == [
        ("release.failed", "inbox", people.ada.account_id)
    ]


def test_requests_go_to_the_owner_and_answers_to_who_asked(database, clock, people, app, told):
    record(database, clock, Action.ACCESS_REQUESTED, app, doer=people.vic, note="for the report")
    (inbox, mail) = told()
    assert (inbox.account_id, mail.target) == (people.ada.account_id, "ada@example.org")
    assert mail.body["subject"] == "vic asks for access to sales"
    assert "for the report" in mail.body["text"]
    record(
        database,
        clock,
        Action.ACCESS_GRANTED,
        app,
        doer=people.ada,
        after={"account_id": people.vic.account_id},
    )
    record(database, clock, Action.ACCESS_REFUSED, app, doer=people.ada, after={"account": "bob"})
    record(database, clock, Action.ACCESS_REFUSED, app, doer=people.ada, after={"account": "nobody"})
    assert summary(told())[:4] == [
        ("access.granted", "inbox", people.vic.account_id), ("access.granted", "mail", "vic@example.org"),
        ("access.refused", "inbox", people.bob.account_id), ("access.refused", "mail", "bob@example.org"),
    ]  # fmt: skip


def test_who_is_disabled_is_told_nothing(database, clock, people, app, told):
    with database.write() as db:
        accounts.get_account(db, people.ada.account_id).is_disabled = True
    record(database, clock, Action.APP_FAILING, app)
    assert told() == []


def test_what_was_done_before_the_first_start_is_not_told(database, clock, people, app):
    record(database, clock, Action.APP_FAILING, app)
    with database.read() as db:
        assert outbox.has_news(db)
    with database.write() as db:
        assert not outbox.plan_next(db, SETUP, clock.now())
    with database.read() as db:
        assert not outbox.has_news(db)
        assert db.scalar(select(func.count()).select_from(Delivery)) == 0


def test_a_plan_that_breaks_off_leaves_nothing_and_is_made_again(database, clock, people, app, told):
    """Cursor and deliveries are one transaction: neither is there without the other."""
    told()
    record(database, clock, Action.APP_FAILING, app)

    class Stop(Exception):
        pass

    def break_off() -> None:
        with database.write() as db:
            outbox.plan_next(db, SETUP, clock.now())
            raise Stop

    with pytest.raises(Stop):
        break_off()
    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(Delivery)) == 0
        assert outbox.has_news(db)
    assert len(told()) == 2
    assert len(told()) == 2


def test_many_deeds_are_read_in_parts(database, clock, people, app, told):
    told()
    with database.write() as db:
        for _ in range(450):
            audit.record(db, audit.ITSELF, Action.APP_FAILING, apps.subject_of(app), clock.now())
            audit.record(db, audit.ITSELF, Action.APP_SERVING, apps.subject_of(app), clock.now())
    assert len(told(Setup(can_mail=False, url=""))) == 450
    with database.read() as db:
        assert db.get(Cursor, outbox.DEEDS).position == db.scalar(select(func.max(AuditEntry.id)))


def test_a_webhook_is_told_what_it_asked_for(database, clock, people, app, told, webhook):
    other = add_live_app(database, people.bob, "other", clock.now())[0]
    mine, everything = webhook(app="sales"), webhook("admin")
    some = webhook("admin", wish=Wish(HOOK, actions=["secret.set"]))
    off = webhook("admin", wish=Wish(HOOK, is_active=False))
    told()
    record(database, clock, Action.RELEASE_ACTIVATED, app)
    record(database, clock, Action.RELEASE_ACTIVATED, other)
    record(database, clock, Action.SECRET_SET, app)
    found = [one for one in told() if one.channel == "webhook" and one.action != "app.made"]
    assert sorted((one.webhook_id, one.action) for one in found) == sorted([
        (mine.id, "release.activated"), (everything.id, "release.activated"), (everything.id, "release.activated"),
        (some.id, "secret.set"),
    ])  # fmt: skip
    assert off.id not in {one.webhook_id for one in found}


def test_deliveries_are_tried_again_and_given_up_and_the_owner_is_told_once(
    database, clock, people, app, told, webhook, sealer
):
    hook = webhook(app="sales")
    told()
    for _ in range(2):
        record(database, clock, Action.RELEASE_MADE, app)
    told()
    for attempt in range(1, 7):
        for _ in range(2):
            with database.read() as db:
                due, _ = outbox.take_due(db, sealer, clock.now(), frozenset(), 10)
            ((one,)) = [one for one in due if one.delivery.webhook_id == hook.id]
            assert one.secrets.url == HOOK
            with database.write() as db:
                outbox.note_failed(db, one.delivery.id, 500, "it answered 500", clock.now())
        with database.read() as db:
            due, _ = outbox.take_due(db, sealer, clock.now(), frozenset(), 10)
            rows = list(db.scalars(select(Delivery).where(Delivery.webhook_id == hook.id)))
        assert [one for one in due if one.delivery.webhook_id] == []
        assert {one.attempts for one in rows} == {attempt}
        clock.move(timedelta(hours=13))
    assert {(one.state, one.next_at, one.last_status) for one in rows} == {
        (DeliveryState.GIVEN_UP, None, 500)
    }
    given_up = [one for one in told() if one.action == "webhook.given_up"]
    assert summary(given_up) == [
        ("webhook.given_up", "inbox", people.ada.account_id), ("webhook.given_up", "mail", "ada@example.org"),
    ]  # fmt: skip
    with database.read() as db:
        assert db.get(Webhook, hook.id).failing_since is not None
    with database.write() as db:
        test = notifications.send_test(db, people.ada, hook.id, "", clock.now())
    with database.write() as db:
        outbox.note_delivered(db, test.id, 200, clock.now())
    with database.read() as db:
        found = db.get(Webhook, hook.id)
        assert (found.failing_since, found.given_up_at) == (None, None)
        assert db.get(Delivery, test.id).state == DeliveryState.DELIVERED


def test_of_each_lane_one_is_due_and_busy_lanes_wait(database, clock, people, app, told, webhook, sealer):
    one, other = webhook(app="sales"), webhook(app="sales")
    told()
    for _ in range(3):
        record(database, clock, Action.RELEASE_MADE, app)
    told()
    with database.read() as db:
        due, _ = outbox.take_due(db, sealer, clock.now(), frozenset(), 10)
        assert sorted(each.delivery.lane for each in due) == sorted([one.id, other.id])
        due, _ = outbox.take_due(db, sealer, clock.now(), {one.id}, 10)
        assert [each.delivery.lane for each in due] == [other.id]
        due, next_at = outbox.take_due(db, sealer, clock.now(), {one.id, other.id}, 10)
        assert (due, next_at) == ([], None)


def test_a_secret_that_cannot_be_opened_is_a_failure_of_that_delivery(
    database, clock, people, app, told, webhook, tmp_path
):
    webhook(app="sales")
    told()
    record(database, clock, Action.RELEASE_MADE, app)
    told()
    with database.read() as db:
        ((due,), _) = outbox.take_due(db, Sealer(tmp_path / "other"), clock.now(), frozenset(), 10)
    assert due.secrets is None
    assert "sealed" in due.problem
    assert not due.is_pointless


def test_tokens_that_end_soon_are_told_once(database, clock, people, told):
    with database.write() as db:
        ada = accounts.get_account(db, people.ada.account_id)
        accounts.create_token(db, ada, "nightly", 30, clock.now())
        accounts.create_token(db, ada, "short", 5, clock.now())
        gone, _ = accounts.create_token(db, ada, "gone", 30, clock.now())
        accounts.revoke_token(db, people.ada, gone.id, clock.now())

    def look() -> list[str]:
        with database.write() as db:
            outbox.look_daily(db, clock.now())
        return [one.body["text"] for one in told(Setup(can_mail=False, url=""))]

    assert look() == []
    clock.move(timedelta(days=22))
    assert look() == []
    clock.move(timedelta(days=1, hours=1))
    assert look() == ["Your token nightly ends soon"]
    clock.move(timedelta(days=1))
    assert look() == ["Your token nightly ends soon"]


def test_what_is_long_over_is_forgotten(database, clock, people, app, told, webhook):
    hook = webhook(app="sales")
    told()
    record(database, clock, Action.APP_FAILING, app)
    assert len(told()) == 3
    clock.move(timedelta(days=91))
    with database.write() as db:
        outbox.look_daily(db, clock.now())
    assert sorted(one.channel for one in told()) == ["mail", "webhook"], "what is still to be sent stays"
    with database.write() as db:
        for one in db.scalars(select(Delivery)):
            outbox.note_failed(db, one.id, None, "no", clock.now(), is_final=True)
        apps.remove_app(db, app.id)
    with database.write() as db:
        outbox.look_daily(db, clock.now())
    with database.read() as db:
        assert db.get(Webhook, hook.id) is None


# Webhooks


def test_a_webhook_keeps_its_address_and_secret_sealed(database, people, app, webhook, sealer):
    hook = webhook(app="sales")
    assert hook.url == "https://hooks.example.org/…"
    assert "secret" not in hook.sealed
    assert notifications.open_secrets(sealer, hook).url == HOOK
    with database.read() as db:
        entry = db.scalar(select(AuditEntry).where(AuditEntry.action == Action.WEBHOOK_MADE))
    assert "T0" not in str(entry.after)
    assert "whsec" not in str(entry.after)


@pytest.mark.parametrize(
    ("wish", "error", "where"),
    [
        (Wish(""), AddressRefused, "url"),
        (Wish("http://127.0.0.1/"), AddressRefused, "url"),
        (Wish("ftp://example.org/"), AddressRefused, "url"),
        (Wish(HOOK, form="xml"), WebhookInvalid, "form"),
        (Wish(HOOK, actions=["app.exploded"]), WebhookInvalid, "actions"),
    ],
)
def test_what_is_no_webhook_is_refused_at_its_field(database, people, app, webhook, wish, error, where):
    with pytest.raises(error) as caught:
        webhook(app="sales", wish=wish)
    assert caught.value.where == where
    assert caught.value.fix


def test_an_app_has_twenty_webhooks_at_most(people, app, webhook):
    for _ in range(20):
        webhook(app="sales")
    with pytest.raises(TooManyWebhooks):
        webhook(app="sales")


def test_webhooks_are_for_those_who_edit_the_app(database, clock, people, app, webhook):
    hook, whole = webhook(app="sales"), webhook("admin")
    with pytest.raises(AppNotFound):
        webhook("bob", app="sales")
    with pytest.raises(RoleTooLow):
        webhook("ada")
    with database.read() as db:
        for actor in (people.bob, people.vic):
            with pytest.raises(WebhookNotFound):
                notifications.get_webhook(db, actor, hook.id)
        with pytest.raises(WebhookNotFound):
            notifications.get_webhook(db, people.ada, whole.id)
        assert [one.id for one in notifications.list_webhooks(db, people.ada)] == [hook.id]
        assert {one.id for one in notifications.list_webhooks(db, people.admin)} == {hook.id, whole.id}
        with pytest.raises(RoleTooLow):
            notifications.list_of_installation(db, people.ada)


def test_an_administrators_narrow_token_reaches_no_webhook_of_the_installation(
    database, people, app, webhook
):
    whole = webhook("admin")
    for narrow in (replace(people.admin, scope=Scope.PUBLISH), replace(people.admin, object_id=app.id)):
        with database.read() as db:
            with pytest.raises(WebhookNotFound):
                notifications.get_webhook(db, narrow, whole.id)
            with pytest.raises(ScopeTooNarrow):
                notifications.list_of_installation(db, narrow)


def test_of_two_who_change_a_webhook_the_second_is_told(database, clock, people, app, webhook, sealer):
    hook = webhook(app="sales")
    secret = notifications.open_secrets(sealer, hook).secret

    def change(wish, seen) -> Webhook:
        with database.write() as db:
            return notifications.change_webhook(db, sealer, people.ada, hook.id, wish, seen, (), clock.now())

    changed = change(Wish("https://new.example.org/x", label="  build   bot "), 1)
    assert (changed.version, changed.label, changed.url) == (2, "build bot", "https://new.example.org/…")
    opened = notifications.open_secrets(sealer, changed)
    assert (opened.url, opened.secret) == ("https://new.example.org/x", secret)
    with pytest.raises(EditedMeanwhile):
        change(Wish(label="late"), 1)
    assert change(Wish(is_active=False), None).label == "build bot"


def test_what_is_still_to_be_sent_is_given_up_with_its_webhook(database, clock, people, app, told, webhook):
    hook = webhook(app="sales")
    told()
    record(database, clock, Action.RELEASE_MADE, app)
    told()
    with database.write() as db:
        notifications.remove_webhook(db, people.ada, hook.id, clock.now())
    (delivery,) = [one for one in told() if one.channel == "webhook"]
    assert (delivery.state, delivery.next_at) == (DeliveryState.GIVEN_UP, None)


def test_a_delivery_is_repeated_once_it_has_ended(database, clock, people, app, told, webhook):
    hook, other = webhook(app="sales"), webhook(app="sales")
    told()
    record(database, clock, Action.RELEASE_MADE, app)
    (first, _) = [one for one in told() if one.webhook_id in {hook.id, other.id}]
    with database.write() as db, pytest.raises(DeliveryWaits):
        notifications.repeat_delivery(db, people.ada, str(first.webhook_id), first.id, clock.now())
    with database.write() as db:
        outbox.note_delivered(db, first.id, 200, clock.now())
    with database.write() as db:
        again = notifications.repeat_delivery(db, people.ada, str(first.webhook_id), first.id, clock.now())
    assert again.id != first.id
    assert (again.body, again.audit_id, again.state) == (first.body, first.audit_id, DeliveryState.QUEUED)
    wrong = other.id if first.webhook_id == hook.id else hook.id
    with database.write() as db, pytest.raises(DeliveryNotFound):
        notifications.repeat_delivery(db, people.ada, wrong, first.id, clock.now())


def test_deliveries_are_listed_page_by_page(database, clock, people, app, webhook):
    hook = webhook(app="sales")
    with database.write() as db:
        made = [notifications.send_test(db, people.ada, hook.id, "", clock.now()).id for _ in range(5)]
    seen, cursor = [], ""
    with database.read() as db:
        while True:
            page = notifications.list_deliveries(db, people.ada, hook.id, cursor, "", 2)
            seen += [one.id for one in page.items]
            cursor = page.next
            if not cursor:
                break
        assert sorted(seen) == sorted(made)
        assert len(seen) == 5
        assert notifications.list_deliveries(db, people.ada, hook.id, "", "given_up", 2).items == []
        with pytest.raises(CursorInvalid):
            notifications.list_deliveries(db, people.ada, hook.id, "nonsense", "", 2)


def test_secrets_are_sealed_anew_with_a_new_key(database, clock, people, app, webhook, sealer):
    """The list of what is sealed names ours as it was sealed."""
    hook = webhook(app="sales")
    before = notifications.open_secrets(sealer, hook)
    sealer.add_key()
    with database.write() as db:
        assert resealing.reseal_some(db, sealer, COLUMNS) == 1
    with database.write() as db:
        assert resealing.drop_keys(db, sealer, COLUMNS)
    with database.read() as db:
        assert notifications.open_secrets(sealer, db.get(Webhook, hook.id)) == before


# Inbox and preferences


def test_an_inbox_is_read_by_its_owner_only(database, clock, people, app, told):
    record(database, clock, Action.APP_FAILING, app)
    told()
    with database.read() as db:
        (notice,) = notifications.list_inbox(db, people.ada, "", 10).items
        assert notifications.count_unseen(db, people.ada) == 1
        assert notifications.list_inbox(db, people.bob, "", 10).items == []
    with database.write() as db:
        assert notifications.mark_seen(db, people.bob, notice.id, clock.now()) == 0
        assert notifications.mark_seen(db, people.ada, "dlv_0", clock.now()) == 0
        assert notifications.mark_seen(db, people.ada, notice.id, clock.now()) == 1
        assert notifications.mark_seen(db, people.ada, "", clock.now()) == 0
    with database.read() as db:
        assert notifications.count_unseen(db, people.ada) == 0


def test_what_is_muted_is_told_no_more_and_then_again(database, clock, people, app, told):
    def fail(*wanted) -> list[str]:
        with database.write() as db:
            notifications.set_preferences(db, people.ada, wanted, clock.now())
            before = db.scalar(select(func.count()).select_from(Delivery))
        record(database, clock, Action.APP_FAILING, app)
        record(database, clock, Action.APP_SERVING, app)
        return [one.channel for one in told()[before:]]

    assert fail(("app.failing", "mail", True)) == ["inbox"]
    assert fail(("app.failing", "inbox", True)) == []
    assert sorted(fail(("app.failing", "inbox", False), ("app.failing", "mail", False))) == ["inbox", "mail"]
    with database.read() as db:
        chosen = (
            select(AuditEntry).where(AuditEntry.action == Action.PREFERENCE_CHANGED).order_by(AuditEntry.id)
        )
        entries = db.scalars(chosen).all()
    assert [entry.after for entry in entries] == [
        {"muted": ["app.failing by mail"]}, {"muted": ["app.failing by inbox", "app.failing by mail"]}, {"muted": []},
    ]  # fmt: skip


@pytest.mark.parametrize("wanted", [("session.opened", "mail"), ("app.failing", "webhook"), ("x", "y")])
def test_what_nobody_is_told_cannot_be_muted(database, clock, people, wanted):
    with database.write() as db, pytest.raises(PreferenceInvalid):
        notifications.set_preferences(db, people.ada, [(*wanted, True)], clock.now())
