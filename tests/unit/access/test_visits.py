"""Which requests are visits."""

from datetime import UTC, datetime

import pytest

from tholos.access.visits import Visits
from tholos.gateway.model import Answer, Carry, Ended, RequestHead
from tholos.usage.service import Seen

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FIREFOX = b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
DETAILS = {"app": "sales", "app_id": "app_1", "release": "3", "account": "ada", "account_id": "acc_1"}
PAGE = ((b"sec-fetch-mode", b"navigate"), (b"user-agent", FIREFOX))


class Noted:
    """Stands for the recorder and the clock."""

    def __init__(self):
        self.seen = []

    def note(self, seen):
        self.seen.append(seen)

    def now(self):
        return NOW


def tell(head=None, decision=None, status=200):
    noted = Noted()
    head = head or RequestHead("GET", "/a/b?secret=1", "sales.localhost", PAGE, "127.0.0.1", "")
    decision = decision or Carry("unix:/x", "ins_1", details=DETAILS)
    Visits(noted, noted)(Ended(head, decision, status, 0, 10, 0.1))
    return noted.seen


@pytest.mark.parametrize("status", [200, 206, 304])
def test_a_page_that_an_app_answered_is_a_visit(status):
    assert tell(status=status) == [Seen("app_1", 3, "acc_1", NOW, "/a/b", "Firefox on Linux")]


def test_what_an_inroad_leads_to_is_counted_under_its_path_within_the_app():
    head = RequestHead("GET", "/content/x/a?secret=1", "localhost", PAGE, "127.0.0.1", "")
    carried = Carry("unix:/x", "ins_1", target="/a?secret=1", details=DETAILS)
    assert [one.path for one in tell(head, carried)] == ["/a"]


@pytest.mark.parametrize("status", [101, 301, 303, 401, 404, 499, 500, 502])
def test_what_was_not_answered_or_leads_elsewhere_is_none(status):
    assert tell(status=status) == []


@pytest.mark.parametrize(
    ("method", "headers", "upgrade"),
    [
        ("POST", PAGE, ""),
        ("HEAD", PAGE, ""),
        ("GET", ((b"sec-fetch-mode", b"cors"), (b"accept", b"text/html")), ""),
        ("GET", ((b"accept", b"image/png"),), ""),
        ("GET", PAGE, "websocket"),
    ],
)
def test_what_nobody_went_to_is_none(method, headers, upgrade):
    assert tell(RequestHead(method, "/", "sales.localhost", headers, "127.0.0.1", upgrade)) == []


def test_the_console_drafts_and_what_the_door_answers_are_none():
    draft = {key: value for key, value in DETAILS.items() if key != "app_id"}
    for decision in (Carry("unix:/x", "console"), Carry("unix:/x", "ins_1", details=draft), Answer(200)):
        assert tell(decision=decision) == []
