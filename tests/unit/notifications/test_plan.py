"""Who is told of a deed, in which words, and when a failure is tried again."""

from datetime import UTC, datetime, timedelta

import pytest

from tholos.audit.models import Action
from tholos.notifications.models import Channel, Form
from tholos.notifications.plan import PERSONAL, Deed, Facts, Reader, Receiver, next_try, tell, words_for

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
URL = "https://tholos.example.org"
ADA = Reader("acc_ada", "ada", "ada@example.org", "the owner of sales")


def a_deed(action=Action.APP_FAILING, **changes) -> Deed:
    values = {
        "id": 7, "at": AT, "action": action, "actor_id": "", "actor_name": "Tholos", "subject_kind": "app",
        "subject_id": "app_1", "subject_name": "sales", "before": None, "after": None, "note": "exit code 1",
    }  # fmt: skip
    return Deed(**{**values, **changes})


def a_receiver(**changes) -> Receiver:
    values = {"id": "whk_1", "app_id": "", "host": "x.example", "form": Form.PLAIN, "actions": frozenset()}
    return Receiver(**{**values, **changes})


def facts(*readers, **changes) -> Facts:
    return Facts(readers, **{"can_mail": True, "url": URL, **changes})


def channels(messages) -> list[Channel]:
    return [one.channel for one in messages]


def test_an_owner_is_told_here_and_by_mail():
    inbox, mail = tell(a_deed(), facts(ADA), [])
    assert (inbox.channel, inbox.account_id) == (Channel.INBOX, "acc_ada")
    assert inbox.body == {
        "text": "sales fails", "detail": "exit code 1", "link": "/apps/sales/logs#traceback", "next": "tholos why sales",
    }  # fmt: skip
    assert (mail.channel, mail.target) == (Channel.MAIL, "ada@example.org")
    assert mail.body["subject"] == "sales fails"
    assert "exit code 1" in mail.body["text"]
    assert "    tholos why sales" in mail.body["text"]
    assert f"{URL}/apps/sales/logs#traceback" in mail.body["text"]
    assert f"{URL}/account/notifications" in mail.body["text"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"can_mail": False}, [Channel.INBOX]),
        ({"muted": {("acc_ada", "app.failing", "mail")}}, [Channel.INBOX]),
        ({"muted": {("acc_ada", "app.failing", "inbox")}}, [Channel.MAIL]),
        ({"muted": {("acc_ada", "app.failing", "inbox"), ("acc_ada", "app.failing", "mail")}}, []),
        ({"muted": {("acc_bob", "app.failing", "mail"), ("acc_ada", "release.failed", "mail")}}, [Channel.INBOX, Channel.MAIL]),
        ({"is_repeated": True}, []),
    ],
)  # fmt: skip
def test_what_is_muted_is_not_sent(changes, expected):
    assert channels(tell(a_deed(), facts(ADA, **changes), [])) == expected


def test_who_has_no_address_gets_no_mail():
    assert channels(tell(a_deed(), facts(Reader("acc_ada", "ada", "", "")), [])) == [Channel.INBOX]


@pytest.mark.parametrize(
    ("receiver", "deed", "is_told"),
    [
        (a_receiver(), a_deed(), True),
        (a_receiver(), a_deed(Action.SIGNED_IN, subject_kind="account"), False),
        (a_receiver(actions=frozenset({"session.opened"})), a_deed(Action.SIGNED_IN, subject_kind="account"), True),
        (a_receiver(actions=frozenset({"session.opened"})), a_deed(), False),
        (a_receiver(app_id="app_1"), a_deed(), True),
        (a_receiver(app_id="app_2"), a_deed(), False),
        (a_receiver(app_id="app_1", actions=frozenset({"account.made"})), a_deed(Action.ACCOUNT_MADE, subject_kind="account", subject_id="app_1"), False),
        (a_receiver(actions=frozenset({"webhook.given_up"})), a_deed(Action.WEBHOOK_GIVEN_UP, subject_kind="webhook", subject_id="whk_1"), False),
        (a_receiver(actions=frozenset({"webhook.given_up"})), a_deed(Action.WEBHOOK_GIVEN_UP, subject_kind="webhook", subject_id="whk_2"), True),
    ],
)  # fmt: skip
def test_which_webhook_is_told(receiver, deed, is_told):
    """The fifth but last: an app's webhook is told of that app only, whatever else has its id."""
    assert bool(tell(deed, facts(), [receiver])) == is_told


def test_programs_get_type_timestamp_and_data():
    (message,) = tell(a_deed(after={"release": 3}), facts(), [a_receiver()])
    assert message.lane == "whk_1"
    assert message.body == {
        "type": "app.failing",
        "timestamp": "2026-03-01T12:00:00Z",
        "data": {
            "id": 7, "text": "Tholos saw an app fail: sales", "actor": "Tholos",
            "subject": {"kind": "app", "id": "app_1", "name": "sales"},
            "before": None, "after": {"release": 3}, "note": "exit code 1", "url": f"{URL}/apps/sales",
        },
    }  # fmt: skip


def test_chats_get_a_line_in_which_nothing_is_markup():
    deed = a_deed(actor_name="<!channel>", note="a & b <https://evil.example|click>")
    (message,) = tell(deed, facts(), [a_receiver(form=Form.SLACK)])
    assert set(message.body) == {"text"}
    assert "&lt;!channel&gt;" in message.body["text"]
    assert "a &amp; b &lt;https://evil.example|click&gt;" in message.body["text"]
    assert message.body["text"].endswith(f"<{URL}/apps/sales>")


@pytest.mark.parametrize("action", PERSONAL)
def test_everything_that_people_are_told_has_words_and_a_link(action):
    said = words_for(a_deed(action, note="", actor_name="bob"), URL)
    assert "sales" in said.subject
    assert said.text
    assert said.link.startswith(URL)
    assert "{" not in said.subject + said.text + said.next


@pytest.mark.parametrize(
    ("action", "subject"),
    [
        (Action.RELEASE_FAILED, "A publish of sales failed"),
        (Action.ACTIVATION_FAILED, "Making another release of sales live failed"),
        (Action.RESTART_FAILED, "A restart of sales failed"),
    ],
)
def test_a_failure_is_told_with_its_cause_and_leads_to_its_operation(action, subject):
    deed = a_deed(
        action, after={"release": 3, "operation": "op_1"}, note="Cannot start: no flask. (app.py:1)"
    )
    inbox, mail = tell(deed, facts(ADA), [])
    assert inbox.body == {
        "text": subject, "detail": "Cannot start: no flask. (app.py:1)", "link": "/operations/op_1",
        "next": "tholos why sales",
    }  # fmt: skip
    assert "no flask" in mail.body["text"]
    assert f"{URL}/operations/op_1\n" in mail.body["text"]
    (hook,) = tell(deed, facts(), [a_receiver()])
    assert hook.body["data"]["url"] == f"{URL}/operations/op_1"


def test_what_only_names_an_operation_leads_to_its_subject():
    assert words_for(a_deed(after={"operation": "op_1"}), URL).link == f"{URL}/apps/sales/logs#traceback"


def test_names_are_no_templates():
    said = words_for(a_deed(subject_name="{actor}", actor_name="{name}", note=""), URL)
    assert said.subject == "{actor} fails"


def test_a_failure_is_tried_again_later_and_later_and_then_given_up():
    waits = [next_try(attempts, AT) for attempts in range(1, 7)]
    minutes = [(one - AT) / timedelta(minutes=1) for one in waits[:-1]]
    assert minutes == [1, 5, 30, 120, 720]
    assert waits[-1] is None
