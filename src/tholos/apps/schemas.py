"""JSON shapes of apps and releases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tholos.apps.details import MOST_DESCRIPTION, MOST_RELEASES, MOST_TITLE, Details
from tholos.apps.models import App, Release
from tholos.apps.service import Rank
from tholos.kit.clock import to_text


class StateOut(BaseModel):
    word: str
    since: str
    reason: str
    at: str | None
    """When this was last probed."""


class ReleaseOut(BaseModel):
    id: str
    number: int
    state: str
    created_at: str
    author: str
    message: str
    kind: str
    framework: str
    entrypoint: str
    python: str
    packages: int | None
    files: int
    bytes: int
    snapshot: str
    live: bool
    origin: str
    """``publish``, or ``settings``: the files and packages of another one, with other variables or limits."""
    based_on: int | None
    """Number of that other one."""
    pinned: bool
    """Whether it is kept however many newer ones there are."""
    draft: bool
    """Whether it runs at an address of its own, for those who edit the app."""
    url: str
    """That address; empty where it is no draft."""
    live_at: str | None
    """When it last became live; null where it never was."""
    environment: str | None
    """Id of the packages that it runs with: the same one, the same packages."""


class ReleasePlace(NamedTuple):
    """Where a release stands among those of its app."""

    is_live: bool = False
    draft_url: str = ""


class ReleaseList(BaseModel):
    items: list[ReleaseOut]
    next: str | None = None
    """The cursor of the rest; null at the end."""


class AppOut(BaseModel):
    id: str
    name: str
    title: str
    description: str
    version: int
    """Of its settings and sharing, also the ETag: send it as If-Match to change what you saw and nothing newer."""
    keep_releases: int | None
    """How many releases are kept besides pinned ones; null for as many as the installation says."""
    audience: str
    """Who may open it besides those whom it is shared with: ``listed`` (nobody), ``signed_in`` or ``everyone``."""
    rank: str
    """What the asker is to it: ``viewer``, ``editor`` or ``owner``; an administrator is at least an editor here."""
    kind: str
    framework: str
    url: str
    page: str
    owner: str
    state: StateOut
    live: ReleaseOut | None
    overrides: dict[str, object]
    created_at: str


class AppChange(BaseModel):
    """What is named changes, and nothing else."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field("", max_length=MOST_TITLE)
    description: str = Field("", max_length=MOST_DESCRIPTION)
    keep_releases: int | None = Field(
        None, ge=1, le=MOST_RELEASES, description="null for as many as the installation says"
    )


class AppList(BaseModel):
    items: list[AppOut]
    next: str | None = None


def details_of(app: App, body: AppChange) -> Details:
    """An app's details with what a change names."""
    said = body.model_dump(exclude_unset=True)
    texts = {key: value.strip() for key, value in said.items() if isinstance(value, str)}
    return replace(Details.of(app), **{**said, **texts})


def release_out(release: Release, names: Mapping[str, str], place: ReleasePlace) -> ReleaseOut:
    return ReleaseOut(
        id=release.id,
        number=release.number,
        state=release.state,
        created_at=to_text(release.created_at) or "",
        author=names.get(release.author_id, ""),
        message=release.message,
        kind=release.kind,
        framework=release.framework,
        entrypoint=release.entrypoint,
        python=release.python,
        packages=release.packages,
        files=release.files,
        bytes=release.bytes,
        snapshot=release.snapshot,
        live=place.is_live,
        origin=release.origin,
        based_on=release.based_on,
        pinned=release.is_pinned,
        draft=bool(place.draft_url),
        url=place.draft_url,
        live_at=to_text(release.live_at),
        environment=release.environment,
    )


def app_out(
    app: App, live: Release | None, rank: Rank, names: Mapping[str, str], console_url: str, app_url: str
) -> AppOut:
    shown = release_out(live, names, ReleasePlace(is_live=True)) if live else None
    return AppOut(
        id=app.id,
        name=app.name,
        title=app.title,
        description=app.description,
        version=app.version,
        keep_releases=app.keep_releases,
        audience=app.audience,
        rank=rank.name.lower(),
        kind=shown.kind if shown else "",
        framework=shown.framework if shown else "",
        url=app_url.format(name=app.name) + "/",
        page=f"{console_url}/apps/{app.name}",
        owner=names.get(app.owner_id, ""),
        state=StateOut(
            word=app.state,
            since=to_text(app.state_since) or "",
            reason=app.state_reason,
            at=to_text(app.probed_at),
        ),
        live=shown,
        overrides=app.overrides,
        created_at=to_text(app.created_at) or "",
    )
