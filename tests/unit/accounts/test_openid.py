"""What a provider says is believed only where it is meant for us, now, for this sign-in, and signed by its own key."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from tholos.accounts import openid
from tholos.accounts.openid import KeyUnknown, OpenIdClient, ProviderWrong

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ISSUER = "https://login.example.org"
CLIENT = OpenIdClient(ISSUER, "tholos", "a secret of ours", groups_claim="groups")
RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
SAID = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/keys",
}


def public(key, name="one", **more):
    algorithm = {
        rsa.RSAPrivateKey: jwt.algorithms.RSAAlgorithm,
        ec.EllipticCurvePrivateKey: jwt.algorithms.ECAlgorithm,
        ed25519.Ed25519PrivateKey: jwt.algorithms.OKPAlgorithm,
    }
    kind = next(found for wanted, found in algorithm.items() if isinstance(key, wanted))
    return {**json.loads(kind.to_jwk(key.public_key())), "kid": name, **more}


KEYS = (public(RSA), public(EC, "two"), public(ED, "three"))


def claims(**changed):
    seconds = int(NOW.timestamp())
    said = {
        "iss": ISSUER, "sub": "u1", "aud": "tholos", "iat": seconds, "exp": seconds + 300, "nonce": "n1", **changed,
    }  # fmt: skip
    return {name: value for name, value in said.items() if value is not None}


def signed(key=RSA, name="one", algorithm="RS256", **changed):
    return jwt.encode(claims(**changed), key, algorithm=algorithm, headers={"kid": name} if name else {})


def check(token, keys=KEYS, client=CLIENT, now=NOW, nonce="n1"):
    return openid.check_id_token(token, keys, client, nonce, now, now)


@pytest.mark.parametrize(
    ("key", "name", "algorithm"),
    [(RSA, "one", "RS256"), (RSA, "one", "PS512"), (EC, "two", "ES256"), (ED, "three", "EdDSA")],
)
def test_a_good_token_is_believed(key, name, algorithm):
    assert check(signed(key, name, algorithm))["sub"] == "u1"


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://other.example.org"}, {"iss": f"{ISSUER}/"}, {"iss": None}, {"aud": "other"}, {"aud": None},
        {"aud": ["tholos", "other"]}, {"aud": ["tholos", "other"], "azp": "other"}, {"azp": "other"},
        {"sub": None}, {"sub": ""}, {"sub": "x" * 256}, {"nonce": "n2"}, {"nonce": None}, {"nonce": ["n1"]},
        {"exp": None}, {"iat": None}, {"exp": int(NOW.timestamp()) - 61}, {"iat": int(NOW.timestamp()) + 61},
        {"nbf": int(NOW.timestamp()) + 61}, {"exp": "soon"}, {"exp": True}, {"nbf": {}},
    ],
    ids=str,
)  # fmt: skip
def test_one_wrong_claim_is_enough(changed):
    with pytest.raises(ProviderWrong, match="Cannot sign in by the provider"):
        check(signed(**changed))


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": ["tholos"]}, {"aud": ["tholos", "other"], "azp": "tholos"}, {"azp": "tholos"},
        {"exp": int(NOW.timestamp()) - 30}, {"iat": int(NOW.timestamp()) + 30}, {"exp": NOW.timestamp() + 0.5},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_allowed_is_taken(changed):
    assert check(signed(**changed))["sub"] == "u1"


def test_an_unsigned_token_is_none():
    with pytest.raises(ProviderWrong, match="'none'"):
        check(jwt.encode(claims(), None, algorithm="none"))


@pytest.mark.parametrize("secret", [CLIENT.client_secret.encode().ljust(64, b"x"), b"x" * 64])
def test_a_signature_that_whoever_knows_the_secret_can_make_is_none(secret):
    with pytest.raises(ProviderWrong, match="HS256"):
        check(jwt.encode(claims(), secret, algorithm="HS256", headers={"kid": "one"}))


def test_the_public_key_is_no_secret_to_sign_with():
    """A token "signed" by HMAC with the published key, which a careless check would take for its key."""
    pem = RSA.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    head, body = (base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in (
        {"alg": "HS256", "kid": "one"}, claims(),
    ))  # fmt: skip
    import hmac

    mark = base64.urlsafe_b64encode(hmac.digest(pem, head + b"." + body, "sha256")).rstrip(b"=")
    with pytest.raises(ProviderWrong, match="HS256"):
        check(b".".join((head, body, mark)).decode(), (*KEYS, {"kty": "oct", "k": "eA", "kid": "one"}))


def test_another_key_of_the_same_name_is_noticed():
    other = rsa.generate_private_key(65537, 2048)
    with pytest.raises(ProviderWrong, match="does not hold"):
        check(signed(other))


def test_a_changed_token_is_noticed():
    head, _, mark = signed().split(".")
    body = base64.urlsafe_b64encode(json.dumps(claims(sub="admin")).encode()).rstrip(b"=").decode()
    with pytest.raises(ProviderWrong, match="does not hold"):
        check(f"{head}.{body}.{mark}")


@pytest.mark.parametrize("name", ["four", "two", "three"], ids=["unknown", "of a curve", "of another curve"])
def test_a_key_that_is_not_there_may_be_a_new_one(name):
    with pytest.raises(KeyUnknown):
        check(signed(name=name))


def test_a_token_without_a_name_of_its_key_is_taken_where_only_one_fits():
    assert check(signed(name=""))["sub"] == "u1"
    with pytest.raises(KeyUnknown):
        check(signed(name=""), (*KEYS, public(rsa.generate_private_key(65537, 2048), "new")))


def test_a_key_is_used_only_for_what_it_is_for():
    with pytest.raises(KeyUnknown):
        check(signed(), (public(RSA, alg="RS512"),))
    assert openid.read_keys({"keys": [public(RSA, use="enc"), public(EC, use="sig"), "x"]}) == (
        public(EC, use="sig"),
    )


def test_a_key_that_is_too_short_is_none():
    short = rsa.generate_private_key(65537, 1024)  # noqa: S505 - it is to be refused
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = signed(short)
    with pytest.raises(ProviderWrong):
        check(token, (public(short),))


@pytest.mark.parametrize("key", [{"kty": "RSA", "kid": "one"}, {"kty": "RSA", "kid": "one", "n": 1, "e": []}])
def test_a_key_that_is_none_is_told(key):
    with pytest.raises(ProviderWrong, match="cannot be read"):
        check(signed(), (key,))


@given(st.text(max_size=200) | st.from_regex(r"[\w-]{0,20}\.[\w-]{0,20}\.[\w-]{0,20}", fullmatch=True))
def test_whatever_else_is_sent_is_no_token(text):
    with pytest.raises(ProviderWrong):
        check(text)


def test_no_answer_of_a_provider_shows_our_secret():
    assert CLIENT.client_secret not in repr(CLIENT)


def test_metadata_is_that_of_the_issuer():
    metadata = openid.read_metadata(SAID, ISSUER)
    assert (metadata.token_endpoint, metadata.userinfo_endpoint) == (f"{ISSUER}/token", "")
    assert (metadata.takes_secret_as_basic, metadata.takes_secret_in_body) == (True, False)


@pytest.mark.parametrize(
    ("methods", "as_basic", "in_body"),
    [
        (["client_secret_post"], False, True), (["client_secret_basic", "client_secret_post"], True, True),
        ([], True, False), (7, True, False),
    ],
)  # fmt: skip
def test_how_our_secret_is_shown_is_for_the_provider_to_say(methods, as_basic, in_body):
    metadata = openid.read_metadata({**SAID, "token_endpoint_auth_methods_supported": methods}, ISSUER)
    assert (metadata.takes_secret_as_basic, metadata.takes_secret_in_body) == (as_basic, in_body)


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "https://other.example.org"}, {"issuer": f"{ISSUER}/"}, {"issuer": None}, {"token_endpoint": None},
        {"token_endpoint": 7}, {"jwks_uri": "javascript:alert(1)"}, {"jwks_uri": "http://login.example.org/keys"},
        {"authorization_endpoint": "https://a\r\nset-cookie: x"}, {"userinfo_endpoint": "ftp://x"},
    ],
    ids=str,
)  # fmt: skip
def test_metadata_of_somebody_else_is_none(changed):
    with pytest.raises(ProviderWrong):
        openid.read_metadata({**SAID, **changed}, ISSUER)


@pytest.mark.parametrize("said", [{}, {"keys": None}, {"keys": {}}])
def test_keys_that_are_none_are_told(said):
    with pytest.raises(ProviderWrong):
        openid.read_keys(said)


def test_the_way_to_the_provider_shows_a_challenge_and_no_secret():
    metadata = openid.read_metadata(
        {**SAID, "authorization_endpoint": f"{ISSUER}/authorize?tenant=1"}, ISSUER
    )
    url = openid.authorization_url(
        metadata, CLIENT, redirect_uri="http://t/return", state="s1", nonce="n1", verifier="v1"
    )
    query = parse_qs(urlsplit(url).query)
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"v1").digest()).rstrip(b"=").decode()
    assert query["code_challenge"] == [digest]
    assert query["code_challenge_method"] == ["S256"]
    assert query["scope"] == ["openid profile email"]
    assert query["tenant"] == ["1"]
    assert "v1" not in url
    assert CLIENT.client_secret not in url


def test_what_is_said_besides_is_about_the_same_person():
    said = openid.add_userinfo(
        {"sub": "u1", "name": "Ada"}, {"sub": "u1", "name": "Eve", "email": "ada@example.org"}
    )
    assert said == {"sub": "u1", "name": "Ada", "email": "ada@example.org"}
    with pytest.raises(ProviderWrong):
        openid.add_userinfo({"sub": "u1"}, {"sub": "u2", "email": "ada@example.org"})
    with pytest.raises(ProviderWrong, match="two mail addresses"):
        openid.add_userinfo(
            {"sub": "u1", "email": "eve@example.org"},
            {"sub": "u1", "email": "ada@example.org", "email_verified": True},
        )


@pytest.mark.parametrize(
    ("said", "is_lacking"),
    [
        ({}, True), ({"email": "a@b"}, True), ({"email": "a@b", "email_verified": True}, True),
        ({"email": "a@b", "email_verified": True, "groups": []}, False),
    ],
)  # fmt: skip
def test_more_is_asked_for_where_something_is_missing(said, is_lacking):
    assert openid.lacks(said, CLIENT) is is_lacking


@pytest.mark.parametrize(
    ("said", "email", "is_verified"),
    [
        ({"email": "Ada@Example.org", "email_verified": True}, "ada@example.org", True),
        ({"email": "ada@example.org", "email_verified": "true"}, "ada@example.org", True),
        ({"email": "ada@example.org"}, "ada@example.org", False),
        ({"email": "ada@example.org", "email_verified": 1.5}, "ada@example.org", False),
        ({"email": "ada@example.org", "email_verified": "yes"}, "ada@example.org", False),
        ({"email": "ada", "email_verified": True}, "ada", False),
        ({"email": ["a@b"], "email_verified": True}, "", False),
        ({"email_verified": True}, "", False),
    ],
)
def test_a_mail_address_is_verified_only_where_the_provider_says_so(said, email, is_verified):
    person = openid.person_of({"sub": "u1", **said}, CLIENT)
    assert (person.email, person.is_email_verified) == (email, is_verified)
    assert person.verified_email == (email if is_verified else "")


@pytest.mark.parametrize(
    ("said", "groups"),
    [
        (["a", "b"], ("a", "b")), ("a", ("a",)), ([], ()), (None, ()), ({"a": 1}, ()), (["a", 7, "", None], ("a",)),
        ([str(one) for one in range(5000)], tuple(str(one) for one in range(1000))),
    ],
)  # fmt: skip
def test_groups_are_those_that_are_texts(said, groups):
    assert openid.person_of({"sub": "u1", "groups": said}, CLIENT).groups == groups


def test_a_token_is_good_for_as_long_as_it_says():
    token = signed()
    assert check(token, now=NOW + timedelta(minutes=5))
    with pytest.raises(ProviderWrong, match="has ended"):
        check(token, now=NOW + timedelta(minutes=6))
