"""What the access log says of a request, and what it does not."""

import logging

import pytest

from tholos.access.access_log import AccessLog
from tholos.gateway.model import Answer, Carry, Ended, RequestHead
from tholos.kit.log import ACCESS

OF_APP = Carry(
    "unix:/a", "ins_1",
    details={"app": "sales", "release": "3", "account": "ada", "app_id": "app_1", "account_id": "acc_1"},
)  # fmt: skip


@pytest.fixture
def logged(caplog):
    caplog.set_level(logging.INFO, ACCESS)

    def log(decision, target="/x", *, with_accounts=True):
        caplog.clear()
        head = RequestHead("GET", target, "sales.localhost", (), "", upgrade=False)
        AccessLog(with_accounts=with_accounts)(Ended(head, decision, 200, 1, 2, 0.123456))
        (record,) = caplog.records
        return record.keys

    return log


def test_a_request_to_an_app_says_which_release_answered_whom(logged):
    assert logged(OF_APP, "/report?month=3") == {
        "method": "GET", "host": "sales.localhost", "path": "/report", "status": 200, "received": 1, "sent": 2,
        "seconds": 0.1235, "by": "app", "app": "sales", "release": "3", "instance": "ins_1", "account": "acc_1",
    }  # fmt: skip


def test_nobody_is_named_where_visits_name_nobody(logged):
    assert "account" not in logged(OF_APP, with_accounts=False)


def test_codes_in_a_path_are_left_out(logged):
    assert logged(Carry("unix:/c", "console"), "/invitations/s3cret")["path"] == "/invitations/"


@pytest.mark.parametrize(
    ("decision", "by"),
    [(Carry("unix:/c", "console"), "console"), (Answer(303, (), b""), "door"), (None, "door")],
)
def test_who_answered_is_said(logged, decision, by):
    assert logged(decision)["by"] == by
