from http.cookies import SimpleCookie

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.kit.http import CookieNames, bearer_token, is_own_request, read_cookies, set_cookie

OWN = "http://localhost:8080"


@pytest.mark.parametrize(
    ("origin", "site", "is_own"),
    [
        (OWN, "same-origin", True),
        (OWN, None, True),
        (OWN, "cross-site", True),
        ("null", "same-origin", False),
        ("", None, False),
        ("http://localhost:8080.evil.example", None, False),
        ("https://localhost:8080", None, False),
        ("http://app.localhost:8080", "same-site", False),
        (None, "same-origin", True),
        (None, "none", True),
        (None, "same-site", False),
        (None, "cross-site", False),
        (None, None, True),
    ],
)
def test_whose_request_it_is(origin, site, is_own):
    assert is_own_request(origin, site, OWN) is is_own


@given(st.text())
def test_no_other_origin_is_ours(origin):
    assert is_own_request(origin, "same-origin", OWN) is (origin == OWN)


def test_cookie_names_need_https_for_their_prefix():
    assert CookieNames.of(secure=False).session == "tholos_session"
    names = CookieNames.of(secure=True)
    assert {names.session, names.handle, names.app_pass, names.transaction} == {
        f"__Host-tholos_{name}" for name in ("session", "handle", "pass", "txn")
    }


def test_cookies_of_apps_under_paths_cannot_have_that_prefix():
    names = CookieNames.of(secure=True, has_paths=True)
    assert (names.session, names.app_pass) == ("__Host-tholos_session", "__Secure-tholos_pass")
    assert CookieNames.of(secure=False, has_paths=True) == CookieNames.of(secure=False)
    assert "; Path=/app/sales/;" in set_cookie("a", "b", secure=True, max_age=1, path="/app/sales/")


@pytest.mark.parametrize("secure", [True, False])
def test_a_cookie_is_ours_alone(secure):
    morsel = SimpleCookie(set_cookie("a", "b", secure=secure, max_age=60))["a"]
    assert (morsel.value, morsel["path"], morsel["max-age"], morsel["samesite"]) == ("b", "/", "60", "Lax")
    assert morsel["httponly"] is True
    assert bool(morsel["secure"]) is secure
    assert morsel["domain"] == ""


TOKEN = st.text(
    st.characters(codec="ascii", exclude_categories=["Cc"], exclude_characters='=; ,"\\'), min_size=1
)


@given(st.dictionaries(TOKEN, TOKEN))
def test_what_was_set_is_read(cookies):
    assert read_cookies("; ".join(f"{name}={value}" for name, value in cookies.items())) == cookies


@given(st.text())
def test_any_header_can_be_read(header):
    for name, value in read_cookies(header).items():
        assert ";" not in name + value
        assert "=" not in name


def test_of_a_name_sent_twice_the_first_wins():
    assert read_cookies("a=1; a=2;b=x=y; c; =d") == {"a": "1", "b": "x=y", "": "d"}


@pytest.mark.parametrize(
    ("header", "token"),
    [(None, ""), ("", ""), ("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("KEY abc", "abc"),
     ("Basic abc", ""), ("Bearer", ""), ("abc", "")],
)  # fmt: skip
def test_tokens_of_the_authorization_header(header, token):
    assert bearer_token(header) == token
