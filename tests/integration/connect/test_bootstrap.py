"""``rsconnect bootstrap``: whoever has the server's key gets the first API key, once, and before anybody has come in."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest

from tholos.testing.installation import Installation


@pytest.fixture
def fresh(tmp_path):
    """An installation that nobody has signed in to, with a key."""
    key = tmp_path / "bootstrap.key"
    key.write_bytes(base64.b64encode(bytes(range(40))) + b"\n")
    settings = {"THOLOS_CONNECT__BOOTSTRAP_KEY_FILE": str(key)}
    installation = Installation(tmp_path / "server", settings, token="nobody-has-one")
    installation.start()
    yield installation, key
    installation.clean()


def test_the_first_key_is_given_once(clients, fresh, tmp_path):
    installation, key = fresh
    there = replace(clients, server=installation, home=tmp_path, key="")
    asked = ("bootstrap", "--raw", "-s", installation.url, "--jwt-keypath")
    other = tmp_path / "other.key"
    other.write_bytes(base64.b64encode(bytes(40)))
    assert "bootstrap token" in refused(installation, other).lower()
    first = there.rsconnect(*asked, str(key)).out.strip().splitlines()[-1]
    told = installation.ask("GET", "/__api__/v1/user", headers={"Authorization": f"Key {first}"}, token="")
    assert json.loads(told.text)["user_role"] == "administrator"
    assert "somebody came in already" in refused(installation, key)
    assert not there.rsconnect(*asked, str(key), exits=None).out.strip()


def refused(installation, key):
    """What is said to a token of some key."""
    import jwt

    claims = {
        "iss": "rsconnect-python", "aud": "rsconnect", "scope": "bootstrap", "iat": 1_700_000_000, "exp": 4_000_000_000,
    }  # fmt: skip
    token = jwt.encode(claims, base64.b64decode(key.read_bytes()), algorithm="HS256")
    answer = installation.ask(
        "POST",
        "/__api__/v1/experimental/bootstrap",
        headers={"Authorization": f"Connect-Bootstrap {token}"},
        token="",
    )
    code = json.loads(answer.text)["code"]
    assert (answer.status, code) in {(401, 166), (403, 165)}
    return json.loads(answer.text)["error"]


def test_where_no_key_is_set_there_is_no_bootstrapping(clients):
    answer = clients.server.ask("POST", "/__api__/v1/experimental/bootstrap", token="")
    assert (answer.status, json.loads(answer.text)["code"]) == (404, 2)
