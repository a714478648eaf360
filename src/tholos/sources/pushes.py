"""What hosts of repositories send when somebody pushes: whether it is signed, and what it tells. Pure.

GitHub and Bitbucket sign the body (``X-Hub-Signature-256``, ``X-Hub-Signature``: ``sha256=HEX``), Gitea and Forgejo too
(``X-Gitea-Signature``, ``X-Forgejo-Signature``: HEX), GitLab sends the secret itself (``X-Gitlab-Token``). Whatever else can
sign as ``X-Tholos-Signature: sha256=HEX``, or send the secret as a bearer.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from tholos.kit.db import JsonObject
from tholos.kit.http import bearer_token
from tholos.sources.errors import HookUnreadable

SIGNATURES = (
    "x-hub-signature-256",
    "x-forgejo-signature",
    "x-gitea-signature",
    "x-gogs-signature",
    "x-tholos-signature",
    "x-hub-signature",
)
EVENTS = ("x-github-event", "x-forgejo-event", "x-gitea-event", "x-gitlab-event", "x-event-key")
_PUSHES = frozenset({"push", "push hook", "repo:push"})
_BRANCHES = "refs/heads/"
_NOTHING = "0" * 40


@dataclass(frozen=True, slots=True)
class Push:
    """What a message tells."""

    kind: str
    """``push``, ``ping`` or ``other``."""
    branch: str = ""
    """Empty where it does not tell."""
    default_branch: str = ""
    commit: str = ""
    is_branch: bool = True
    """Whether it is not a tag that was pushed."""
    is_removed: bool = False


def is_signed(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether one that knows the secret has sent it; the first signature that is there decides. Names in lower case."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    for name in SIGNATURES:
        given = headers.get(name)
        if given is not None:
            return _is_same(given.strip().removeprefix("sha256=").lower(), digest)
    sent = headers.get("x-gitlab-token") or bearer_token(headers.get("authorization"))
    return _is_same(sent, secret)


def _is_same(given: str, expected: str) -> bool:
    return bool(given) and hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def read(headers: Mapping[str, str], body: bytes) -> Push:
    """What a signed message tells.

    Raises: HookUnreadable.
    """
    event = next((headers[name].lower() for name in EVENTS if headers.get(name)), "push")
    if event == "ping":
        return Push("ping")
    if event not in _PUSHES:
        return Push("other")
    told = _object(headers.get("content-type", ""), body)
    if headers.get("x-event-key"):
        return _of_bitbucket(told)
    ref, after = _text(told, "ref"), _text(told, "after")
    project = told.get("repository") if isinstance(told.get("repository"), dict) else {}
    gitlabs = told.get("project") if isinstance(told.get("project"), dict) else {}
    return Push(
        "push",
        branch=ref.removeprefix(_BRANCHES),
        default_branch=_text(gitlabs, "default_branch") or _text(project, "default_branch"),
        commit=after,
        is_branch=not ref.startswith("refs/") or ref.startswith(_BRANCHES),
        is_removed=told.get("deleted") is True or (after != "" and after.strip("0") == ""),
    )


def _of_bitbucket(told: JsonObject) -> Push:
    """All that was pushed at once comes in one message; of several branches it is not told which."""
    push = told.get("push")
    changes = push.get("changes") if isinstance(push, dict) else None
    news = [one.get("new") for one in changes if isinstance(one, dict)] if isinstance(changes, list) else []
    there = [one for one in news if isinstance(one, dict)]
    branches = [one for one in there if _text(one, "type") != "tag"]
    if not there:
        return Push("push", is_removed=True)
    is_branch = bool(branches)
    found = branches or there
    if len(found) > 1:
        return Push("push", is_branch=is_branch)
    return Push("push", _text(found[0], "name"), "", _text(found[0].get("target"), "hash"), is_branch)


def _object(content_type: str, body: bytes) -> JsonObject:
    """Raises: HookUnreadable."""
    data: bytes | str = body
    try:
        if content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
            data = parse_qs(body.decode(), max_num_fields=20).get("payload", [""])[0]
        found = json.loads(data) if data.strip() else {}
    except (ValueError, RecursionError) as error:
        raise HookUnreadable("Cannot read this message: it is not JSON.", where="body") from error
    if not isinstance(found, dict):
        raise HookUnreadable("Cannot read this message: it is no JSON object.", where="body")
    return found


def _text(value: object, key: str) -> str:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""
