import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.accounts import oauth
from tholos.accounts.oauth import ClientUnknown, GrantRefused, OAuthInvalid

VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
BACK = "http://127.0.0.1:4711/callback"


def asked(**said):
    words = {
        "client_id": oauth.id_of("Posit CLI"), "redirect_uri": BACK, "response_type": "code", "challenge": CHALLENGE,
        "method": "S256", "state": "s",
    }  # fmt: skip
    return oauth.read(**{**words, **said})


@given(st.text(max_size=300))
def test_a_client_is_called_what_its_id_says(name):
    client_id = oauth.id_of(name)
    assert len(client_id) < 400
    shown = oauth.name_of(client_id)
    assert shown.isprintable()
    assert oauth.id_of(shown) == client_id


@given(st.text(max_size=60))
def test_what_is_no_id_of_a_client_is_none(text):
    try:
        name = oauth.name_of(text)
    except ClientUnknown:
        return
    assert oauth.id_of(name) == text


@pytest.mark.parametrize(
    "uri",
    [
        "https://127.0.0.1/x", "http://example.org/", "http://127.0.0.1.example.org/", "http://127.0.0.1@example.org/",
        "http://user@127.0.0.1/", "http://127.0.0.1/#x", "javascript:alert(1)", "", "http://127.0.0.1:99999/",
        "http://127.0.0.1\\@example.org/", "http://127.0.0.1/\r\nx: y", "//127.0.0.1/", "http://[::1/", "http://2130706433/",
    ],
)  # fmt: skip
def test_a_code_goes_to_this_machine_only(uri):
    with pytest.raises(OAuthInvalid):
        asked(redirect_uri=uri)


@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1/callback", BACK, "http://localhost:1/", "http://[::1]:8/x?y=1"]
)
def test_every_port_of_it_will_do(uri):
    assert asked(redirect_uri=uri).redirect_uri == uri


@pytest.mark.parametrize(
    "said",
    [
        {"response_type": "token"}, {"method": "plain"}, {"challenge": ""}, {"challenge": "x" * 42}, {"state": "s" * 501},
    ],
)  # fmt: skip
def test_what_is_not_asked_well_is_refused(said):
    with pytest.raises(OAuthInvalid):
        asked(**said)


def test_who_asked_proves_it():
    proof = oauth.redeemed(oauth.id_of("Posit CLI"), BACK, VERIFIER).proof
    assert proof == asked().proof
    for other in (
        oauth.redeemed(oauth.id_of("Other"), BACK, VERIFIER),
        oauth.redeemed(oauth.id_of("Posit CLI"), BACK + "2", VERIFIER),
        oauth.redeemed(oauth.id_of("Posit CLI"), BACK, "w" * 43),
    ):
        assert other.proof != proof
    with pytest.raises(GrantRefused):
        oauth.redeemed(oauth.id_of("Posit CLI"), BACK, "short")


@given(st.text(max_size=50), st.text(max_size=50))
def test_the_outcome_is_told_with_the_state(state, code):
    query = parse_qs(
        urlsplit(asked(redirect_uri=BACK + "?a=1", state=state).answer_url(code=code)).query, True
    )
    assert query == {"a": ["1"], "code": [code], **({"state": [state]} if state else {})}
