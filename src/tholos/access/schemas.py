"""JSON shapes of who may open what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict, Field

from tholos.apps import sharing as app_sharing
from tholos.apps.models import App
from tholos.apps.sharing import Given, Plan, Wish
from tholos.kit.clock import to_text
from tholos.sharing.models import AccessRequest, Audience, Level, PrincipalKind
from tholos.sharing.reach import Person, Share, Way

GRANTS_AT_MOST = 1000
MESSAGE_AT_MOST = 1000


class GrantIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: PrincipalKind = PrincipalKind.ACCOUNT
    name: str = Field(max_length=100)
    level: Level = Level.VIEWER


class GrantChange(BaseModel):
    """A null level takes back what it has."""

    model_config = ConfigDict(extra="forbid")

    kind: PrincipalKind = PrincipalKind.ACCOUNT
    name: str = Field(max_length=100)
    level: Level | None


class AccessIn(BaseModel):
    """The whole of it: what is not named is taken back."""

    model_config = ConfigDict(extra="forbid")

    audience: Audience
    grants: list[GrantIn] = Field(max_length=GRANTS_AT_MOST)


class AccessChange(BaseModel):
    """What is named changes, and nothing else."""

    model_config = ConfigDict(extra="forbid")

    audience: Audience | None = None
    grants: list[GrantChange] = Field(default_factory=list, max_length=GRANTS_AT_MOST)


class LevelIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    level: Level = Level.VIEWER


class MessageIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    message: str = Field("", max_length=MESSAGE_AT_MOST)


class OwnerIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    account: str = Field(max_length=100)
    keep: Level | None = None
    """What the former owner keeps of it; nothing unless said."""


class GrantOut(BaseModel):
    kind: str
    name: str
    level: str
    people: int
    """How many it lets in: the members of a group; 0 for an account that is disabled."""


class AccessOut(BaseModel):
    app: str
    version: int
    """Also the ETag: send it as If-Match to change what you saw and nothing newer."""
    owner: str
    audience: str
    grants: list[GrantOut]
    words: str
    """Who can open it, as a sentence."""
    changes: list[str]
    """What a change did, as sentences; empty where nothing was changed."""


class PreviewOut(BaseModel):
    app: str
    version: int
    before: str
    words: str
    changes: list[str]
    narrows: bool


class WayOut(BaseModel):
    by: str
    """``owner``, ``account``, ``group`` or ``audience``."""
    level: str
    group: str
    """Its name, where it is by a group."""


class ReachOut(BaseModel):
    """One person and one app, and why the one can open the other."""

    account: str
    app: str
    rank: str
    ways: list[WayOut]


class ReachList(BaseModel):
    items: list[ReachOut]
    next: str | None = None


class RequestOut(BaseModel):
    id: str
    app: str
    account: str
    message: str
    state: str
    created_at: str
    decided_at: str | None


class RequestList(BaseModel):
    items: list[RequestOut]
    next: str | None = None


def whole(body: AccessIn) -> Wish:
    return Wish(body.audience, [Given(one.kind, one.name, one.level) for one in body.grants], is_whole=True)


def partly(body: AccessChange) -> Wish:
    return Wish(body.audience, [Given(one.kind, one.name, one.level) for one in body.grants])


def access_out(plan: Plan) -> AccessOut:
    names = {one.id: one.name for one in plan.people}
    is_changed = plan.before != plan.after
    return AccessOut(
        app=plan.app.name,
        version=plan.app.version,
        owner=names.get(plan.after.owner_id, ""),
        audience=plan.after.audience,
        grants=[grant_out(one, plan.people) for one in plan.after.shares],
        words=plan.words,
        changes=plan.changes if is_changed else [],
    )


def grant_out(share: Share, people: Sequence[Person]) -> GrantOut:
    reached = [one for one in people if share.principal.id in {one.id, *one.groups} and not one.is_disabled]
    return GrantOut(
        kind=share.principal.kind, name=share.principal.name, level=share.level, people=len(reached)
    )


def preview_out(plan: Plan) -> PreviewOut:
    return PreviewOut(
        app=plan.app.name,
        version=plan.app.version,
        before=plan.words_before,
        words=plan.words,
        changes=plan.changes,
        narrows=plan.narrows,
    )


def reach_out(person: Person, app: App, ways: Sequence[Way]) -> ReachOut:
    return ReachOut(
        account=person.name,
        app=app.name,
        rank=app_sharing.rank_by(ways).name.lower(),
        ways=[WayOut(by=way.by, level=way.level, group=way.name) for way in ways],
    )


def request_out(request: AccessRequest, app: str, names: Mapping[str, str]) -> RequestOut:
    return RequestOut(
        id=request.id,
        app=app,
        account=names.get(request.account_id, ""),
        message=request.message,
        state=request.state,
        created_at=to_text(request.created_at) or "",
        decided_at=to_text(request.decided_at),
    )
