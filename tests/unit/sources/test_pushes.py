"""Messages of hosts: whose signature counts, and what each form tells."""

import hashlib
import hmac
import json
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos.sources import pushes
from tholos.sources.errors import HookUnreadable
from tholos.sources.pushes import Push

SECRET = "it's a secret"
COMMIT = "a" * 40


def sign(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def test_the_example_of_github():
    """https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries has these values."""
    expected = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    headers = {"x-hub-signature-256": f"sha256={expected}"}
    assert pushes.is_signed("It's a Secret to Everybody", headers, b"Hello, World!")


@pytest.mark.parametrize("name", pushes.SIGNATURES)
def test_signatures_are_of_the_body_under_the_secret(name):
    for text in (f"sha256={sign(b'body')}", sign(b"body"), sign(b"body").upper()):
        assert pushes.is_signed(SECRET, {name: text}, b"body")
    for text in ("", "sha256=", sign(b"other"), sign(b"body", "other"), "sha1=" + sign(b"body"), "ä"):
        assert not pushes.is_signed(SECRET, {name: text}, b"body")


def test_the_secret_itself_is_taken_where_it_is_sent():
    assert pushes.is_signed(SECRET, {"x-gitlab-token": SECRET}, b"")
    assert pushes.is_signed("abc", {"authorization": "Bearer abc"}, b"")
    for headers in ({}, {"x-gitlab-token": ""}, {"x-gitlab-token": "x"}, {"authorization": "Basic abc"}):
        assert not pushes.is_signed(SECRET, headers, b"")


def test_a_wrong_signature_is_not_made_good_by_a_right_secret():
    headers = {"x-hub-signature-256": "sha256=00", "x-gitlab-token": SECRET}
    assert not pushes.is_signed(SECRET, headers, b"body")


@given(st.binary(max_size=50), st.binary(max_size=50), st.text(min_size=1, max_size=20))
def test_no_signature_is_good_for_another_body(body, other, secret):
    headers = {"x-tholos-signature": f"sha256={sign(body, secret)}"}
    assert pushes.is_signed(secret, headers, other) == (body == other)


@pytest.mark.parametrize(
    ("headers", "told", "push"),
    [
        ({"x-github-event": "ping"}, {"zen": "x"}, Push("ping")),
        ({"x-github-event": "issues"}, {}, Push("other")),
        (
            {"x-github-event": "push"},
            {"ref": "refs/heads/main", "after": COMMIT, "repository": {"default_branch": "main"}},
            Push("push", "main", "main", COMMIT),
        ),
        (
            {"x-gitlab-event": "Push Hook"},
            {"ref": "refs/heads/a/b", "after": COMMIT, "project": {"default_branch": "trunk"}},
            Push("push", "a/b", "trunk", COMMIT),
        ),
        ({"x-gitlab-event": "Tag Push Hook"}, {"ref": "refs/tags/v1"}, Push("other")),
        (
            {"x-gitea-event": "push"},
            {"ref": "refs/tags/v1", "after": COMMIT},
            Push("push", "refs/tags/v1", "", COMMIT, is_branch=False),
        ),
        (
            {"x-github-event": "push"},
            {"ref": "refs/heads/x", "after": "0" * 40, "deleted": True},
            Push("push", "x", "", "0" * 40, is_removed=True),
        ),
        (
            {"x-event-key": "repo:push"},
            {"push": {"changes": [{"new": {"type": "branch", "name": "main", "target": {"hash": COMMIT}}}]}},
            Push("push", "main", "", COMMIT),
        ),
        ({"x-event-key": "repo:push"}, {"push": {"changes": [{"new": None}]}}, Push("push", is_removed=True)),
        ({"x-event-key": "repo:fork"}, {}, Push("other")),
        ({}, {}, Push("push")),
    ],
)  # fmt: skip
def test_each_form_tells_its_branch(headers, told, push):
    assert pushes.read(headers, json.dumps(told).encode()) == push


def _changed(*news):
    return json.dumps({"push": {"changes": [{"new": one} for one in news]}}).encode()


def test_several_branches_that_are_pushed_at_once():
    """Bitbucket tells of them in one message: whichever is followed, it may be among them."""
    headers = {"x-event-key": "repo:push"}
    branches = [{"type": "branch", "name": one, "target": {"hash": COMMIT}} for one in ("main", "fix")]
    tag = {"type": "tag", "name": "v1", "target": {"hash": COMMIT}}
    assert pushes.read(headers, _changed(*branches)) == Push("push")
    assert pushes.read(headers, _changed(tag, branches[0])) == Push("push", "main", "", COMMIT)
    assert pushes.read(headers, _changed(None, branches[1])) == Push("push", "fix", "", COMMIT)
    assert pushes.read(headers, _changed(tag, tag)) == Push("push", is_branch=False)
    assert pushes.read(headers, _changed(None, tag)) == Push("push", "v1", "", COMMIT, is_branch=False)
    assert pushes.read(headers, _changed(None, None)) == Push("push", is_removed=True)


def test_a_form_that_holds_json_is_read_too():
    body = urlencode({"payload": json.dumps({"ref": "refs/heads/main"})}).encode()
    headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    assert pushes.read(headers, body).branch == "main"
    assert pushes.read({}, b"") == Push("push")


@pytest.mark.parametrize("body", [b"words", b"[]", b"1", b"\xff", b"[" * 100_000])
def test_what_is_no_json_object_is_refused(body):
    with pytest.raises(HookUnreadable):
        pushes.read({}, body)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["ref", "after", "push", "changes", "new", "repository", "project", "default_branch", "x"]), inner
    ),
    max_leaves=10,
)  # fmt: skip


@given(
    ANYTHING, st.sampled_from(["push", "ping", "repo:push", "Push Hook", ""]), st.sampled_from(pushes.EVENTS)
)
def test_whatever_is_sent_is_read_or_refused(told, event, name):
    try:
        found = pushes.read({name: event}, json.dumps(told).encode())
    except HookUnreadable:
        return
    assert found.kind in {"push", "ping", "other"}
