"""OAuth 2.1 for command lines that bring no sign-in of ours: what they ask, checked and in words. Pure.

Clients are public and loopback only (RFC 8252, 7.3): nothing is kept of them, their id says what they are called.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from tholos.kit.errors import Invalid

LONGEST_NAME = 60
_CLIENT = re.compile(r"cli\.([A-Za-z0-9_-]{1,400})")
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_AGAIN = "Begin again from your terminal."


class OAuthInvalid(Invalid):
    """The request is not of the form that OAuth 2.1 needs."""

    code = "invalid_request"
    usual_fix = _AGAIN


class ClientUnknown(Invalid):
    """No client has this id."""

    code = "invalid_client"
    usual_fix = _AGAIN


class GrantRefused(Invalid):
    """The code is not good (any more)."""

    code = "invalid_grant"
    usual_fix = _AGAIN


class GrantUnknown(Invalid):
    """There is no such way to get a token here."""

    code = "unsupported_grant_type"
    usual_fix = _AGAIN


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client sends a browser with (RFC 6749, 4.1.1; RFC 7636, 4.3)."""

    client_id: str
    redirect_uri: str
    challenge: str
    state: str

    @property
    def client(self) -> str:
        return name_of(self.client_id)

    @property
    def proof(self) -> str:
        """What the code is bound to."""
        return f"{self.client_id} {self.challenge} {self.redirect_uri}"

    def answer_url(self, **said: str) -> str:
        """Where the browser goes with the outcome."""
        told = {**said, **({"state": self.state} if self.state else {})}
        return f"{self.redirect_uri}{'&' if urlsplit(self.redirect_uri).query else '?'}{urlencode(told)}"


def id_of(name: str) -> str:
    """The id of a client that is called so; it has no secret, so whoever is called so has it."""
    shown = " ".join("".join(one if one.isprintable() else " " for one in name).split())[:LONGEST_NAME]
    return "cli." + base64.urlsafe_b64encode((shown or "A terminal").encode()).decode().rstrip("=")


def name_of(client_id: str) -> str:
    """Raises: ClientUnknown."""
    found = _CLIENT.fullmatch(client_id)
    try:
        packed = found[1] if found else ""
        name = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode()
    except ValueError:
        raise ClientUnknown(where="client_id") from None
    if found is None or id_of(name) != client_id:
        raise ClientUnknown(where="client_id")
    return name


def check_redirects(uris: Sequence[object]) -> list[str]:
    """Raises: OAuthInvalid: one is not on the loopback interface."""
    return [_check_redirect(str(one)) for one in uris]


def read(
    client_id: str, redirect_uri: str, response_type: str, challenge: str, method: str, state: str
) -> Asked:
    """What a browser was sent with.

    Raises: ClientUnknown, OAuthInvalid.
    """
    name_of(client_id)
    _check_redirect(redirect_uri)
    if response_type != "code":
        raise OAuthInvalid('Cannot do that: only the response_type "code" is known.', where="response_type")
    if method != "S256" or not _CHALLENGE.fullmatch(challenge):
        raise OAuthInvalid("Cannot do that: it needs a code_challenge by S256.", where="code_challenge")
    if len(state) > 500:
        raise OAuthInvalid("Cannot do that: its state is too long.", where="state")
    return Asked(client_id, redirect_uri, challenge, state)


def redeemed(client_id: str, redirect_uri: str, verifier: str) -> Asked:
    """What a client proves to have asked, when it fetches its token.

    Raises: ClientUnknown, GrantRefused.
    """
    name_of(client_id)
    if not _VERIFIER.fullmatch(verifier):
        raise GrantRefused(where="code_verifier")
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return Asked(client_id, redirect_uri, challenge, "")


def _check_redirect(uri: str) -> str:
    try:
        parts = urlsplit(uri)
        is_good = (
            parts.scheme == "http"
            and parts.hostname in _LOOPBACK
            and not parts.fragment
            and not parts.username
        )
        _ = parts.port
    except ValueError:
        is_good = False
    if not is_good or len(uri) > 500 or not uri.isprintable() or "\\" in uri:
        raise OAuthInvalid(
            "Cannot send a code there: only addresses of this machine (http://127.0.0.1) are.",
            where="redirect_uri",
        )
    return uri
