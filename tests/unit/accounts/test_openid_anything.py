"""Whatever a provider answers, it is taken or refused by an error that the sign-in page tells."""

import base64
import json
from contextlib import suppress
from dataclasses import astuple
from datetime import UTC, datetime

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import given, settings
from hypothesis import strategies as st
from jwt.algorithms import OKPAlgorithm

from tholos.accounts import openid
from tholos.accounts.openid import ALGORITHMS, OpenIdClient, ProviderWrong

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
ISSUER = "https://login.example.org"
CLIENT = OpenIdClient(ISSUER, "tholos", groups_claim="groups")
PRIVATE = ed25519.Ed25519PrivateKey.generate()
KEY = {**json.loads(OKPAlgorithm.to_jwk(PRIVATE.public_key())), "kid": "one"}
SAID = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/keys",
    "userinfo_endpoint": f"{ISSUER}/userinfo",
    "end_session_endpoint": f"{ISSUER}/end",
    "token_endpoint_auth_methods_supported": ["client_secret_post"],
    "authorization_response_iss_parameter_supported": True,
}
CLAIMS = {
    "iss": ISSUER, "sub": "u1", "aud": "tholos", "azp": "tholos", "iat": SECONDS, "nbf": SECONDS, "exp": SECONDS + 300,
    "nonce": "n1", "email": "ada@example.org", "email_verified": True, "name": "Ada", "preferred_username": "ada",
    "groups": ["a"],
}  # fmt: skip

TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
ADDRESS = st.sampled_from(
    [
        "https://[",
        "https://[::1",
        "https://xn--a/",
        "https://a:99999/",
        "https://a:b/",
        "https:///x",
        "https://\ud800/",
    ]
)
NUMBER = st.integers() | st.floats() | st.just(10**400) | st.just(-(10**400))
JSON = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT | ADDRESS | st.just("x" * 300),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)


def changed(one):
    """A good answer with anything at all in a few of its places."""
    places = st.dictionaries(st.sampled_from(sorted(one)) | TEXT, JSON, max_size=3)
    return places.map(lambda said: {**one, **said})


def encoded(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def signed(claims):
    return jwt.api_jws.encode(json.dumps(claims).encode(), PRIVATE, algorithm="EdDSA", headers={"kid": "one"})


def check(token, *keys):
    return openid.check_id_token(token, keys or (KEY,), CLIENT, "n1", NOW, NOW)


@settings(deadline=None)
@given(changed(SAID))
def test_any_metadata(said):
    with suppress(ProviderWrong):
        found = openid.read_metadata(said, ISSUER)
        way = openid.authorization_url(
            found, CLIENT, redirect_uri="https://x/", state="s", nonce="n", verifier="v"
        )
        assert f"{way}{openid.end_session_url(found, CLIENT)}{found}".encode()


@pytest.mark.parametrize("url", ["https://[", "https://xn--a/", "https://a:99999/", "https:///x", "https://"])
@pytest.mark.parametrize("name", ["authorization_endpoint", "end_session_endpoint"])
def test_an_endpoint_that_cannot_be_used(url, name):
    with pytest.raises(ProviderWrong, match=name):
        openid.read_metadata({**SAID, name: url}, ISSUER)


@settings(deadline=None)
@given(changed(CLAIMS), st.none() | changed(CLAIMS))
def test_any_claims_of_a_good_signature(said, besides):
    with suppress(ProviderWrong):
        claims = check(signed(said))
        openid.lacks(claims, CLIENT)
        if besides is not None:
            claims = openid.add_userinfo(claims, besides)
        person = openid.person_of(claims, CLIENT)
        assert "\0" not in str(astuple(person))
        for text in (person.subject, person.email, person.name, person.username, *person.groups):
            assert text.isprintable()


@pytest.mark.parametrize(
    "said",
    [
        {"exp": 10**400},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"sub": "\ud800"},
        {"sub": "a\0b"},
        {"aud": [[]]},
    ],
    ids=str,
)
def test_claims_that_nothing_can_be_done_with(said):
    with pytest.raises(ProviderWrong):
        check(signed({**CLAIMS, **said}))


@pytest.mark.parametrize("said", [[], {}, 1, "True", None, [True]])
def test_an_address_is_verified_by_true_alone(said):
    person = openid.person_of({**CLAIMS, "email_verified": said}, CLIENT)
    assert not person.is_email_verified


@settings(deadline=None)
@given(JSON | changed({"alg": "EdDSA", "kid": "one", "typ": "JWT"}), JSON | changed(CLAIMS), TEXT)
def test_any_token(head, body, signature):
    for token in (f"{encoded(head)}.{encoded(body)}.{signature}", signature, f"{encoded(head)}.{signature}"):
        with pytest.raises(ProviderWrong):
            check(token)


def test_a_head_with_another_kind_of_algorithm():
    for algorithm in (["EdDSA"], {"a": 1}, None, 7):
        with pytest.raises(ProviderWrong, match="not taken"):
            check(f"{encoded({'alg': algorithm, 'kid': 'one'})}.{encoded(CLAIMS)}.")


def test_a_token_that_is_nested_without_end():
    deep = base64.urlsafe_b64encode(b"[" * 100_000).rstrip(b"=").decode()
    with pytest.raises(ProviderWrong):
        check(f"{deep}.{deep}.")
    body = jwt.api_jws.encode(b'{"a":' * 100_000, PRIVATE, algorithm="EdDSA", headers={"kid": "one"})
    with pytest.raises(ProviderWrong):
        check(body)


@settings(deadline=None)
@given(
    st.sampled_from(sorted(ALGORITHMS)),
    st.sampled_from(
        [
            KEY,
            {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
            {"kty": "EC", "crv": "P-256", "x": "AQAB", "y": "AQAB"},
        ]
    ).flatmap(changed),
)
def test_any_key(algorithm, key):
    token = f"{encoded({'alg': algorithm})}.{encoded(CLAIMS)}.c2ln"
    with pytest.raises(ProviderWrong):
        check(token, key)


@settings(deadline=None)
@given(changed({"keys": [KEY]}))
def test_any_answer_for_keys(said):
    with suppress(ProviderWrong):
        assert check(signed(CLAIMS), *openid.read_keys(said))["sub"] == "u1"
