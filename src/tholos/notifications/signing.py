"""Signatures of webhooks, as Standard Webhooks (https://www.standardwebhooks.com, version 1) has them.

``webhook-signature: v1,BASE64`` where BASE64 is the HMAC-SHA256 of ``ID.TIMESTAMP.BODY`` under the bytes that follow
``whsec_`` in the secret.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

PREFIX = "whsec_"
_BYTES = 32


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def sign(secret: str, delivery_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of one attempt. A receiver knows a delivery that comes twice by its id."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = b"%s.%d.%s" % (delivery_id.encode(), timestamp, body)
    digest = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{digest}",
    }
