import json
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
    assert error_page(NotFound(), "req_1", "/").refresh_s == 0


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

    def test_what_is_not_there_just_now_says_when_to_ask_again(self, render):
        assert dict(render(self._head(b"*/*"), Unavailable()).headers)[b"retry-after"].isdigit()
