from __future__ import annotations

import pytest

from tholos.client.errors import KINDS, RemoteBug, RemoteInvalid, remote
from tholos.kit.errors import Conflict, Forbidden, Invalid, NotFound, NotSignedIn, Unavailable


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Invalid),
        (401, NotSignedIn),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (413, Invalid),
        (429, Unavailable),
        (500, RemoteBug),
        (503, Unavailable),
        (418, RemoteInvalid),
        (599, RemoteBug),
    ],
)
def test_each_status_is_a_kind(status, kind):
    assert isinstance(remote(status, "x", "Cannot."), kind)


def test_error_keeps_what_the_server_said():
    error = remote(
        409, "name_taken", "Cannot use it.", fix="another", where="name", details={"a": 1}, request_id="r"
    )
    assert error.to_json() == {
        "code": "name_taken",
        "message": "Cannot use it.",
        "fix": "another",
        "where": "name",
        "details": {"a": 1},
    }
    assert (error.status, error.request_id, error.retry_after) == (409, "r", None)
    assert KINDS[409].code == "conflict"
