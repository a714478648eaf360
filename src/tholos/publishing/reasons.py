"""Why an app is as it is, from what is recorded: the most telling first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tholos.accounts.service import Actor
from tholos.apps import service as apps
from tholos.apps.models import App, AppState, Release
from tholos.instances import met
from tholos.instances import service as instances
from tholos.kit.db import ReadDb
from tholos.operations import service as operations
from tholos.publishing.service import CHANGE, FOLLOW, PUBLISH


@dataclass(frozen=True, slots=True)
class Reason:
    """One recorded fact that tells why an app is as it is, and the next command."""

    text: str
    at: datetime | None
    where: str
    next: str


def why(db: ReadDb, actor: Actor, name: str) -> tuple[App, list[Reason]]:
    """An app and the recorded reasons for its state, the most telling first.

    Raises: AppNotFound, NotAnEditor.
    """
    app = apps.get_editable(db, actor, name)
    return app, reasons_of(db, actor, app)


def reasons_of(db: ReadDb, actor: Actor, app: App) -> list[Reason]:
    """For those who edit it: what is recorded tells what it prints."""
    live = apps.find_live(db, app.id)
    reasons = [Reason(app.state_reason or _plain(app), app.state_since, "", _next_step(app))]
    reasons += _of_instance(db, app, live)
    reasons += _of_operations(db, actor, app)
    if live is not None:
        reasons += _of_release(live, app)
    return reasons


def _plain(app: App) -> str:
    return {
        AppState.SERVING: "It answers.",
        AppState.STARTING: "Its process was started and has not answered yet.",
        AppState.ASLEEP: "It sleeps until somebody asks for it.",
        AppState.FAILING: "Its process ended by itself.",
    }.get(AppState(app.state), "It does not run.")


def _next_step(app: App) -> str:
    if app.state in {AppState.SERVING, AppState.ASLEEP}:
        return f"tholos open {app.name}"
    return met.command(app.state_reason, app.name) or f"tholos logs {app.name}"


def _of_instance(db: ReadDb, app: App, live: Release | None) -> list[Reason]:
    last = instances.find_last(db, app.id, live.id if live else None)
    if last is None:
        return []
    text = f"Its instance is {last.state}"
    if last.restarts:
        text += f", after {last.restarts} ends by itself"
    if last.reason and last.reason != app.state_reason:  # which is the first of all reasons
        text += f": {last.reason.removesuffix('.')}"
    return [
        Reason(f"{text}.", last.since, "", f"tholos logs {app.name} --release {live.number if live else 1}")
    ]


def _of_operations(db: ReadDb, actor: Actor, app: App) -> list[Reason]:
    newest = operations.list_newest(db, actor, app.id, limit=1)
    if not newest or newest[0].error is None:
        return []
    operation = newest[0]
    error = newest[0].error
    number = operation.request.get("release", "")
    failed = (
        f"Release {number} failed and does not serve"
        if number and operation.kind in {PUBLISH, CHANGE, FOLLOW}
        else f"The last {operation.kind} failed"
    )
    logs = f"tholos logs {app.name} --release {number}" if number else f"tholos source {app.name}"
    text = f"{failed}: {error.get('message', '')}"
    return [
        Reason(
            text,
            operation.ended_at,
            str(error.get("where", "")),
            logs,
        )
    ]


def _of_release(live: Release, app: App) -> list[Reason]:
    told = live.manifest.get("why")
    reasons = told if isinstance(told, dict) else {}
    return [
        Reason(
            f"Release {live.number} runs {live.manifest.get('entrypoint')}: {reasons.get('entrypoint', '')}",
            live.created_at, "", "tholos publish --entrypoint MODULE:NAME",
        ),
        Reason(
            f"It runs on Python {live.python}: {reasons.get('python', '')}",
            live.created_at, "", "tholos publish --python VERSION",
        ),
        Reason(
            f"It has {live.packages or 0} packages: {reasons.get('requirements', '')}",
            live.created_at, "", f"tholos lock {app.name}",
        ),
    ]  # fmt: skip
