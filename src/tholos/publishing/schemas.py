"""JSON shapes of publishing."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from tholos.apps.schemas import AppOut, ReleaseOut, StateOut
from tholos.detect.model import Overrides
from tholos.kit.clock import to_text
from tholos.operations.schemas import OperationOut
from tholos.publishing.reasons import Reason
from tholos.publishing.service import Upload, Wish


class OverridesIn(BaseModel):
    """What the publisher says; a field left out takes what is remembered, an empty one forgets it."""

    model_config = ConfigDict(extra="forbid")

    kind: str | None = Field(None, max_length=40)
    entrypoint: str | None = Field(None, max_length=400)
    python: str | None = Field(None, max_length=100)
    requirements: str | None = Field(None, max_length=400)
    prepare: str | None = Field(None, max_length=4000)
    keep: list[str] | None = Field(None, max_length=50)


class UploadIn(BaseModel):
    files: int = Field(0, ge=0, lt=1 << 50)
    bytes: int = Field(0, ge=0, lt=1 << 50)
    sent_bytes: int = Field(0, ge=0, lt=1 << 50)
    seconds: float = Field(0.0, ge=0, lt=1e9)


class PublishIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    snapshot: str = Field(pattern=r"^[0-9a-f]{64}$")
    message: str = Field("", max_length=2000)
    overrides: OverridesIn = OverridesIn()
    upgrade: bool = False
    draft: bool = Field(
        False, description="Run it at an address of its own, for editors, and do not make it live."
    )
    upload: UploadIn = UploadIn()


class PublishOut(BaseModel):
    """Either the operation that was begun, or the release that is live already."""

    operation: OperationOut | None = None
    unchanged: bool = False
    release: ReleaseOut | None = None
    app: AppOut | None = None


class RollbackIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    release: int | None = Field(
        None,
        ge=1,
        le=2**31 - 1,
        description="Which one; else the newest before the live one that was live once.",
    )


class ReasonOut(BaseModel):
    text: str
    at: str | None
    where: str
    next: str


class WhyOut(BaseModel):
    app: str
    state: StateOut
    reasons: list[ReasonOut]


def wish_of(name: str, body: PublishIn) -> Wish:
    return Wish(
        name=name,
        snapshot=body.snapshot,
        message=body.message.strip(),
        overrides=overrides_of(body.overrides),
        upgrade=body.upgrade,
        upload=Upload(**body.upload.model_dump()),
        is_draft=body.draft,
    )


def overrides_of(said: OverridesIn) -> Overrides:
    return Overrides(
        kind=said.kind,
        entrypoint=said.entrypoint,
        python=said.python,
        requirements=said.requirements,
        prepare=said.prepare,
        keep=tuple(said.keep) if said.keep is not None else None,
    )


def why_out(app: AppOut, reasons: Sequence[Reason]) -> WhyOut:
    return WhyOut(
        app=app.name,
        state=app.state,
        reasons=[
            ReasonOut(text=one.text, at=to_text(one.at), where=one.where, next=one.next) for one in reasons
        ],
    )
