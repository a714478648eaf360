"""The cookies that bind a sign-in to the browser that began it: one for each, so that two tabs do not disturb each other."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping

from tholos.accounts.service import hash_secret
from tholos.gateway.model import Header
from tholos.kit import ids

LIFE_S = 600
AT_MOST = 5
"""Sign-ins that a browser may have under way at one app; the one that began first gives way."""
KEPT_PATH_AT_MOST = 2_000
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Transactions:
    """Names and values of these cookies.

    Args:
        prefix: what their names begin with; eight hexadecimal digits of the transaction's hash follow.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._named = re.compile(re.escape(prefix.encode()) + rb"_[0-9a-f]{8}")

    def begin(self, target: str) -> tuple[str, str, str]:
        """A new one that comes back to a path: its hash, and its cookie's name and value."""
        secret = ids.new_secret()
        digest = hash_secret(secret)
        kept = base64.urlsafe_b64encode(_kept_path(target).encode()).decode()
        return digest, self._name(digest), f"{secret}.{kept}"

    def find(self, cookies: Mapping[str, str], digest: str) -> tuple[str, str, str]:
        """The name of the cookie of a hash, its secret and its path; the last two are empty where it is not there."""
        if not _DIGEST.fullmatch(digest):
            return "", "", ""
        name = self._name(digest)
        secret, _, kept = cookies.get(name, "").partition(".")
        return name, secret, _read_kept(kept) if secret else ""

    def surplus(self, cookies: Mapping[str, str]) -> list[str]:
        """Those that give way to one more; browsers send the oldest first (RFC 6265, 5.4)."""
        there = [name for name in cookies if self._named.fullmatch(name.encode(errors="replace"))]
        return there[: max(0, len(there) + 1 - AT_MOST)]

    def names_in(self, headers: Iterable[Header]) -> set[bytes]:
        """The names of all that a request has, by whatever separator."""
        return {name for key, value in headers if key == b"cookie" for name in self._named.findall(value)}

    def _name(self, digest: str) -> str:
        return f"{self._prefix}_{digest[:8]}"


def _kept_path(target: str) -> str:
    return target if len(target) <= KEPT_PATH_AT_MOST else "/"


def _read_kept(kept: str) -> str:
    """The path to return to, if it is one on this host and nothing else: two slashes of either kind begin a host."""
    try:
        path = base64.urlsafe_b64decode(kept.encode()).decode("ascii")
    except (binascii.Error, ValueError):
        return "/"
    is_path = (
        path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and " " not in path
    )
    return path if is_path and "\\" not in path else "/"
