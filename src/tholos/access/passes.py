"""Passes: short-lived proofs that one account may open one app (ES256 JSON web tokens, RFC 7519 and 7518)."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

LIFE_S = 600
CLOCK_SKEW_S = 1
_ALGORITHM = "ES256"
ISSUER = "tholos"
_REQUIRED = ("iss", "aud", "sub", "g", "v", "iat", "exp")


@dataclass(frozen=True, slots=True)
class Claims:
    """What a pass says: whose it is, of which sign-in, for which version of the app's access list."""

    account_id: str
    session_id: str
    access_version: int
    expires_at: float
    generation: str = ""
    """Of the server that told the proxy in front to believe it; empty where none did."""


class Passes:
    """Signs and verifies with the installation's key, which is made on first use.

    Args:
        folder: where the key lies; only the server may read it.
        life_s: seconds that a pass is good for.
    """

    def __init__(self, folder: Path, life_s: int = LIFE_S) -> None:
        self.life_s = life_s
        self._key = _load_or_make(folder / "passes.pem")
        self._public = self._key.public_key()

    def public_keys(self) -> str:
        """What they are verified with, as a JSON Web Key Set (RFC 7517)."""
        key = jwt.algorithms.ECAlgorithm.to_jwk(self._public, as_dict=True)
        return json.dumps({"keys": [key]}, sort_keys=True)

    def issue(
        self,
        place: str,
        account_id: str,
        session_id: str,
        access_version: int,
        told: Mapping[str, str] | None = None,
    ) -> str:
        """A new one; ``told`` are further claims, for the proxy in front."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": place,
            "sub": account_id,
            "g": session_id,
            "v": access_version,
            "iat": now,
            "exp": now + self.life_s,
            **(told or {}),
        }
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def read(self, token: str, place: str) -> Claims | None:
        """What a pass for this place says; None for any other text."""
        try:
            claims = jwt.decode(
                token,
                self._public,
                algorithms=[_ALGORITHM],
                audience=place,
                issuer=ISSUER,
                leeway=CLOCK_SKEW_S,
                options={"require": list(_REQUIRED)},
            )
            generation = str(claims.get("e", ""))
            return Claims(
                str(claims["sub"]), str(claims["g"]), int(claims["v"]), float(claims["exp"]), generation
            )
        except (jwt.InvalidTokenError, ValueError, TypeError):
            return None


def _load_or_make(path: Path) -> ec.EllipticCurvePrivateKey:
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_once(path, _new_key())
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        msg = f"{path} is not a key for ES256"
        raise TypeError(msg)
    return key


def _new_key() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write_once(path: Path, content: bytes) -> None:
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
