import pytest

from tholos.access.heads import header, is_navigation, own_token
from tholos.gateway.model import RequestHead


def _head(method="GET", upgrade="", **headers):
    return RequestHead(
        method, "/", "app.localhost:8080",
        [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()], "", upgrade,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("head", "is_one"),
    [
        (_head(accept="text/html,*/*"), True),
        (_head("HEAD", accept="text/html"), True),
        (_head(sec_fetch_mode="navigate"), True),
        (_head(sec_fetch_mode="cors", accept="text/html"), False),
        (_head(sec_fetch_mode="no-cors"), False),
        (_head("POST", accept="text/html", sec_fetch_mode="navigate"), False),
        (_head(upgrade="websocket", accept="text/html"), False),
        (_head(accept="*/*"), False),
        (_head(), False),
    ],
)
def test_only_a_browser_that_goes_to_a_page_is_led_to_the_sign_in(head, is_one):
    assert is_navigation(head) is is_one


@pytest.mark.parametrize(
    ("sent", "token"),
    [
        ("Bearer tholos_x", "tholos_x"),
        ("key tholos_x", "tholos_x"),
        ("Bearer sk-1", ""),
        ("Basic tholos_x", ""),
        ("", ""),
    ],
)
def test_a_token_that_is_not_ours_is_the_apps(sent, token):
    assert own_token(_head(authorization=sent)) == token


def test_of_two_lines_neither_is_believed_alone():
    twice = [(b"origin", b"https://own"), (b"origin", b"https://other"), (b"accept", b"*/*")]
    head = RequestHead("POST", "/", "app.localhost:8080", twice, "", "")
    assert header(head, b"origin") == "https://own,https://other"
    assert header(head, b"accept") == "*/*"
    assert header(head, b"cookie") is None
