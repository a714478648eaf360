import base64
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tholos.access.door import KEPT_PATH_AT_MOST, _is_navigation, _kept_path, _read_kept, _why_not
from tholos.gateway.model import RequestHead
from tholos.instances.serving import Serving

HERE = "http://app.localhost:8080/.tholos/callback"


def _pack(path: str) -> str:
    return base64.urlsafe_b64encode(path.encode()).decode()


def _stays_here(path):
    # Browsers drop tabs and line ends and take \ for / (WHATWG URL 4.4); what stays must be a path of this host.
    cleaned = (
        path.replace("\\", "/")
        .translate(dict.fromkeys(map(ord, "\t\r\n")))
        .strip("".join(map(chr, range(33))))
    )
    return urlsplit(urljoin(HERE, cleaned)).netloc == urlsplit(HERE).netloc


@given(st.one_of(st.text(), st.text("/\\.:@evil \t\r\n\0?#%")).map(lambda path: path))
@example("//evil.example/")
@example("/\\evil.example/")
@example("/\t/evil.example/")
@example("\\\\evil.example")
@example("http://evil.example/")
@example("javascript:alert(1)")
@example(" //evil.example")
@example("/ok\r\nset-cookie: a=b")
def test_nobody_is_led_to_another_host(path):
    found = _read_kept(_pack(path))
    assert found.startswith("/")
    assert _stays_here(found)
    assert not set(found) & set("\r\n\0\t\\ ")
    found.encode("ascii")


@given(st.text(st.characters(codec="latin-1")))
def test_any_cookie_can_be_read(kept):
    assert _stays_here(_read_kept(kept))


@given(st.from_regex(r"/[a-z0-9._~-]{1,20}(/[a-z]{1,5})*(\?[a-z=&%0-9]{0,20})?", fullmatch=True))
def test_a_path_of_this_host_is_returned_to(path):
    assert _read_kept(_pack(_kept_path(path))) == path


def test_a_path_that_no_cookie_holds_is_forgotten():
    assert _kept_path("/" + "x" * KEPT_PATH_AT_MOST) == "/"


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
    assert _is_navigation(head) is is_one


@pytest.mark.parametrize(
    ("release", "state", "reason", "part"),
    [(0, "", "", "no release"), (1, "starting", "", "is starting"), (1, "failed", "exited with code 1", "code 1"),
     (1, "", "", "no instance")],
)  # fmt: skip
def test_why_an_app_does_not_answer(release, state, reason, part):
    row = Serving("app_1", "sales", "acc_1", 1, release, "", "", state, reason)
    assert part in _why_not(row)
    assert "sales" in _why_not(row)
