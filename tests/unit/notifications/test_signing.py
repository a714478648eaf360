"""Signatures, checked by code that has nothing of ours: as a receiver would write it from the published scheme."""

import base64
import hmac

from tholos.notifications.signing import new_secret, sign


def _is_right(secret: str, headers: dict[str, str], body: bytes) -> bool:
    key = base64.standard_b64decode(secret.split("_", 1)[1])
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.standard_b64encode(hmac.digest(key, content, "sha256")).decode()
    return any(
        version == "v1" and hmac.compare_digest(expected, found)
        for version, _, found in (one.partition(",") for one in headers["webhook-signature"].split())
    )


def test_a_receiver_finds_the_signature_right():
    secret, body = new_secret(), '{"type":"app.failing","ü":1}'.encode()
    headers = sign(secret, "dlv_1", 1_700_000_000, body)
    assert _is_right(secret, headers, body)
    assert not _is_right(secret, headers, body + b" ")
    assert not _is_right(secret, {**headers, "webhook-timestamp": "1700000001"}, body)
    assert not _is_right(secret, {**headers, "webhook-id": "dlv_2"}, body)
    assert not _is_right(new_secret(), headers, body)


def test_the_example_of_the_standard():
    """The vector that the standard's own libraries are tested with."""
    headers = sign(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )  # fmt: skip
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_secrets_are_long_and_differ():
    one, other = new_secret(), new_secret()
    assert one != other
    assert one.startswith("whsec_")
    assert len(base64.b64decode(one.removeprefix("whsec_"))) == 32
