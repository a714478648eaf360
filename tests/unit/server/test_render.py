import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import tholos
from tholos.accounts.errors import WrongPassword
from tholos.apps.errors import AppNotFound, NameInvalid, NameTaken
from tholos.gateway.model import RequestHead
from tholos.instances.errors import AppNotServing, InstanceDied
from tholos.kit.errors import Conflict, Forbidden, Invalid, NotFound, NotSignedIn, TholosError, Unavailable
from tholos.kit.pages import Pages
from tholos.server.render import DoorErrors, error_json, error_page, status_of

FOLDERS = [Path(tholos.__file__).parent / "server" / "templates"]


@pytest.mark.parametrize(
    ("error", "status"),
    [(NotSignedIn, 401), (Forbidden, 403), (NotFound, 404), (Conflict, 409), (Invalid, 400), (Unavailable, 503),
     (TholosError, 500), (WrongPassword, 401), (AppNotFound, 404), (NameTaken, 409), (NameInvalid, 400),
     (AppNotServing, 503), (InstanceDied, 500)],
)  # fmt: skip
def test_the_kind_is_the_status(error, status):
    assert status_of(error()) == status


def test_json_has_one_shape():
    error = Invalid("Cannot.", where="name")
    assert error_json(error, "req_1") == {
        "error": {"code": "invalid", "message": "Cannot.", "where": "name"}, "request_id": "req_1",
    }  # fmt: skip


def test_a_page_of_an_app_that_starts_comes_back_by_itself():
    page = error_page(AppNotServing("It starts.", app="sales", state="starting"), "req_1", "/")
    assert (page.title, page.status) == ("sales is starting", 503)
    assert page.refresh_s > 0
    assert page.step
    assert error_page(NotFound(), "req_1", "/").refresh_s == 0


def test_only_an_app_that_starts_has_a_step_and_since_when():
    since = (datetime.now(UTC) - timedelta(seconds=12)).isoformat()
    told = {"app": "sales", "since": since, "page": "http://localhost:8080/apps/sales/logs"}
    starting = error_page(AppNotServing("It starts.", state="starting", **told), "req_1", "/")
    assert 12 <= starting.elapsed_s < 20
    assert (starting.link, starting.link_text) == (told["page"], "See its log")
    failing = error_page(AppNotServing("It fails.", state="failing", **told), "req_1", "/")
    assert (failing.step, failing.elapsed_s, failing.link) == ("", 0, told["page"])
    state = error_page(AppNotServing("It fails.", page="http://localhost:8080/apps/sales"), "req_1", "/")
    assert state.link_text == "See its state"


class TestDoor:
    @pytest.fixture
    def render(self):
        return DoorErrors(Pages(FOLDERS), "http://localhost:8080/")

    def _head(self, accept, upgrade=""):
        return RequestHead("GET", "/", "app.localhost", [(b"accept", accept)], "", upgrade)

    def test_browsers_get_a_page_without_a_hole(self, render):
        answer = render(self._head(b"text/html"), Forbidden("<script>alert(1)</script>"))
        assert answer.status == 403
        assert (b"content-type", b"text/html; charset=utf-8") in answer.headers
        assert b"<script>alert(1)" not in answer.body
        assert (b"cache-control", b"no-store") in answer.headers

    @pytest.mark.parametrize("head", [(b"*/*", ""), (b"text/html", "websocket")])
    def test_programs_get_json(self, render, head):
        answer = render(self._head(*head), NotSignedIn())
        assert json.loads(answer.body)["error"]["code"] == "not_signed_in"
        assert (b"www-authenticate", b'Bearer realm="tholos"') in answer.headers

    def test_a_start_is_told_as_one_and_not_as_a_number(self, render):
        since = (datetime.now(UTC) - timedelta(seconds=12)).isoformat()
        error = AppNotServing(
            "It starts.", app="sales", state="starting", since=since, page="http://localhost/x"
        )
        answer = render(self._head(b"text/html"), error)
        text = answer.body.decode()
        assert answer.status == 503
        assert ">503<" not in text
        assert 'role="status"' in text
        assert "12." in text
        assert '<a href="http://localhost/x">See its state</a>' in text
        assert '<p class="code">503</p>' in render(self._head(b"text/html"), Unavailable()).body.decode()

    def test_what_is_not_there_just_now_says_when_to_ask_again(self, render):
        assert dict(render(self._head(b"*/*"), Unavailable()).headers)[b"retry-after"].isdigit()
