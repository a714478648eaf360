"""Use case of what an app says of itself: its title, its description, and how many releases it keeps."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from tholos.accounts.service import Actor
from tholos.apps import service as apps
from tholos.apps.models import App
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.kit.db import WriteDb
from tholos.kit.versions import check_version

MOST_TITLE = 100
MOST_DESCRIPTION = 10_000
MOST_RELEASES = 10_000
"""As many as an installation may be set to keep."""


@dataclass(frozen=True, slots=True)
class Details:
    title: str
    description: str
    keep_releases: int | None
    """None for as many as the installation says."""

    @classmethod
    def of(cls, app: App) -> Details:
        return cls(app.title, app.description, app.keep_releases)


def change(db: WriteDb, actor: Actor, name: str, details: Details, seen: int | None, now: datetime) -> App:
    """Raises: AppNotFound, NotAnEditor, EditedMeanwhile."""
    app = apps.get_editable(db, actor, name)
    check_version(seen, app.version)
    before = Details.of(app)
    if before == details:
        return app
    app.title, app.description, app.keep_releases = details.title, details.description, details.keep_releases
    app.version += 1
    changed = [key for key, value in asdict(before).items() if value != asdict(details)[key]]
    audit.record(
        db, actor, Action.APP_CHANGED, apps.subject_of(app), now,
        before={key: asdict(before)[key] for key in changed},
        after={key: asdict(details)[key] for key in changed},
    )  # fmt: skip
    return app
