"""Tables of what was published: apps, their releases, and named pointers to releases."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tholos.kit.db import Base, JsonObject, LongText
from tholos.sharing.models import Audience

LIVE = "live"
"""The pointer that an app's bare name follows."""
PREVIOUS = "previous"
"""What was live before, and may keep its instance for a while, so that a roll-back finds it running."""


def draft_pointer(number: int) -> str:
    """The pointer that keeps a draft running at an address of its own."""
    return f"r{number}"


class ReleaseState(StrEnum):
    PREPARING = "preparing"
    READY = "ready"
    FAILED = "failed"


RELEASE_TRANSITIONS: dict[ReleaseState, frozenset[ReleaseState]] = {
    ReleaseState.PREPARING: frozenset({ReleaseState.READY, ReleaseState.FAILED}),
    ReleaseState.READY: frozenset({ReleaseState.READY}),
    ReleaseState.FAILED: frozenset({ReleaseState.FAILED}),
}


class Origin(StrEnum):
    """How a release came to be."""

    PUBLISH = "publish"
    SETTINGS = "settings"
    """From another one, with other variables or limits: nothing was built."""


class AppState(StrEnum):
    """What people are told of an app; probes and events set it."""

    SERVING = "serving"
    STARTING = "starting"
    ASLEEP = "asleep"
    """Nothing of it runs because nobody used it; the next request wakes it."""
    FAILING = "failing"
    STOPPED = "stopped"


WAKING = "It was asleep, and somebody asked for it."
"""Why an app is starting that slept; that it then serves is no news."""


class App(Base):
    __tablename__ = "apps"
    __table_args__ = (UniqueConstraint("organization_id", "name"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    owner_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    name: Mapped[str]
    title: Mapped[str] = mapped_column(default="")
    description: Mapped[str] = mapped_column(LongText, default="")
    audience: Mapped[str] = mapped_column(default=Audience.LISTED)
    """Who may open it besides its owner and those whom it was granted to."""
    access_version: Mapped[int] = mapped_column(default=1)
    """Raised by every change of who may open the app: older passes are decided anew."""
    version: Mapped[int] = mapped_column(default=1)
    """Raised by every edit of its settings and sharing, so that of two who edit at once the second is told."""
    keep_releases: Mapped[int | None]
    """How many releases are kept besides pinned and pointed ones; None for what the installation says."""
    overrides: Mapped[JsonObject]
    """What the publisher said and is remembered for the next release."""
    life: Mapped[JsonObject] = mapped_column(default=dict)
    """What it says of its instances' life, of the form of :class:`tholos.apps.life.Life`; empty for what the installation says."""
    first_settings: Mapped[JsonObject] = mapped_column(default=dict)
    """What its first release begins with, as it was said before there was one; of the form of a release's settings."""
    last_number: Mapped[int] = mapped_column(default=0)
    state: Mapped[str]
    state_reason: Mapped[str] = mapped_column(LongText, default="")
    state_since: Mapped[datetime]
    probed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Release(Base):
    """One immutable version of an app. Only its state moves, once, and its environment is filled in as it is built."""

    __tablename__ = "releases"
    __table_args__ = (UniqueConstraint("app_id", "number"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    app_id: Mapped[str] = mapped_column(ForeignKey("apps.id"), index=True)
    number: Mapped[int]
    state: Mapped[str]
    origin: Mapped[str] = mapped_column(default=Origin.PUBLISH)
    based_on: Mapped[int | None]
    """Number of the release whose files and packages it has, where only settings differ."""
    is_pinned: Mapped[bool] = mapped_column(default=False)
    live_at: Mapped[datetime | None]
    """When it last became live."""
    author_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    message: Mapped[str] = mapped_column(LongText, default="")
    snapshot: Mapped[str]
    files: Mapped[int]
    bytes: Mapped[int] = mapped_column(BigInteger)
    fingerprint: Mapped[str]
    """Hash of all that decides how the release runs: equal ones need no second release."""
    kind: Mapped[str] = mapped_column(default="")
    framework: Mapped[str] = mapped_column(default="")
    entrypoint: Mapped[str] = mapped_column(default="")
    manifest: Mapped[JsonObject]
    """Requirements, evidence and the rest, as detected or said; of any size, so lists of releases leave it out."""
    settings: Mapped[JsonObject] = mapped_column(default=dict)
    """What runs with it besides code and packages: ``{"variables": {NAME: id of its value or secret}, "limits": {…}}``."""
    python: Mapped[str]
    lock: Mapped[str | None] = mapped_column(LongText, deferred=True)
    """Kept for whoever asks why it has what it has; of any length, so it is read only where it is named."""
    environment: Mapped[str | None]
    packages: Mapped[int | None]
    created_at: Mapped[datetime]


class Pointer(Base):
    """A name for one of an app's releases: ``live``, later tags and drafts."""

    __tablename__ = "pointers"

    app_id: Mapped[str] = mapped_column(ForeignKey("apps.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    release_id: Mapped[str] = mapped_column(ForeignKey("releases.id"), index=True)
    changed_at: Mapped[datetime]
    asleep_at: Mapped[datetime | None]
    """Since when nothing of the release runs because nobody used it; None while it is to run."""


class Visit(Base):
    """One account and one app: when it opened it last, and whether the app stays at the top of its home page."""

    __tablename__ = "visits"

    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    app_id: Mapped[str] = mapped_column(ForeignKey("apps.id"), primary_key=True, index=True)
    opened_at: Mapped[datetime | None]
    openings: Mapped[int] = mapped_column(default=0)
    is_pinned: Mapped[bool] = mapped_column(default=False)
