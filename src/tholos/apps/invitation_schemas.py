"""JSON of invitations."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from tholos.accounts.invitations import DAYS_AT_MOST, USES_AT_MOST
from tholos.accounts.models import Role
from tholos.apps.inviting import Listed
from tholos.kit.clock import to_text
from tholos.sharing.models import Level


class InvitationIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    role: Role = Field(
        Role.VIEWER, description="Of an account that is made by it; who has one keeps the role."
    )
    email: str = Field(
        "", max_length=300, description="Whom it is meant for, as a note: the link itself counts."
    )
    group: str = Field("", max_length=100, description="A group that whoever comes by it joins.")
    app: str = Field("", max_length=100, description="An app that it shares.")
    level: Level = Level.VIEWER
    uses: int = Field(1, ge=1, le=USES_AT_MOST, description="How many people may come by it.")
    days: int = Field(7, ge=1, le=DAYS_AT_MOST)


class UseOut(BaseModel):
    account: str
    at: str


class InvitationOut(BaseModel):
    id: str
    state: str = Field(description="`open`, `used`, `expired` or `revoked`.")
    by: str
    role: str
    email: str
    group: str
    app: str
    level: str
    uses_left: int
    uses: list[UseOut]
    created_at: str
    expires_at: str


class InvitationMade(BaseModel):
    url: str = Field(description="The link; it is shown this once.")
    invitation: InvitationOut


class InvitationList(BaseModel):
    items: list[InvitationOut]
    next: str | None


def invitation_out(listed: Listed, now: datetime) -> InvitationOut:
    one = listed.invitation
    return InvitationOut(
        id=one.id,
        state=_state_of(listed, now),
        by=listed.inviter,
        role=one.role,
        email=one.email or "",
        group=listed.group,
        app=listed.app,
        level=one.level,
        uses_left=one.uses_left,
        uses=[UseOut(account=use.name, at=to_text(use.at) or "") for use in listed.uses],
        created_at=to_text(one.created_at) or "",
        expires_at=to_text(one.expires_at) or "",
    )


def _state_of(listed: Listed, now: datetime) -> str:
    one = listed.invitation
    if one.revoked_at is not None:
        return "revoked"
    if one.uses_left < 1:
        return "used"
    return "expired" if one.expires_at < now else "open"
