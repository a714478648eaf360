"""JSON shapes of usage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import BaseModel

from tholos.kit.clock import to_text
from tholos.usage.models import PageVisit
from tholos.usage.service import AppUsage, Usage


class DayOut(BaseModel):
    day: str
    """In UTC, as 2026-03-01."""
    visits: int
    visitors: int | None
    """Different accounts among them; null where this server does not keep who it was."""
    anonymous: int
    """Visits of nobody in particular: the app needed no account, or it is not kept who it was."""


class UsageOut(BaseModel):
    since: str
    until: str
    visits: int
    visitors: int | None
    anonymous: int
    days: list[DayOut]
    """Every day of the span, the last 400 of a longer one."""


class AppUsageOut(BaseModel):
    app: str
    visits: int
    visitors: int | None
    anonymous: int


class AppUsageList(BaseModel):
    items: list[AppUsageOut]
    next: str | None = None


class VisitOut(BaseModel):
    id: int
    """It grows from visit to visit."""
    app: str
    release: int
    account: str
    """Empty for nobody in particular."""
    at: str
    path: str
    agent: str
    """What it was opened with, such as ``Firefox on Linux``."""


class VisitList(BaseModel):
    items: list[VisitOut]
    next: str | None = None


def usage_out(usage: Usage, *, with_accounts: bool) -> UsageOut:
    return UsageOut(
        since=to_text(usage.since) or "",
        until=to_text(usage.until) or "",
        visits=usage.visits,
        visitors=usage.visitors if with_accounts else None,
        anonymous=usage.anonymous if with_accounts else usage.visits,
        days=[
            DayOut(
                day=one.day,
                visits=one.visits,
                visitors=one.visitors if with_accounts else None,
                anonymous=one.anonymous if with_accounts else one.visits,
            )
            for one in usage.days
        ],
    )


def app_usage_out(usage: AppUsage, *, with_accounts: bool) -> AppUsageOut:
    count = usage.count
    return AppUsageOut(
        app=usage.app.name,
        visits=count.visits,
        visitors=count.visitors if with_accounts else None,
        anonymous=count.anonymous if with_accounts else count.visits,
    )


def visits_out(
    found: Sequence[PageVisit], apps: Mapping[str, str], accounts: Mapping[str, str]
) -> list[VisitOut]:
    """Visits with the names of their apps and accounts, by id."""
    return [
        VisitOut(
            id=one.id,
            app=apps.get(one.app_id, ""),
            release=one.release,
            account=accounts.get(one.account_id or "", ""),
            at=to_text(one.at) or "",
            path=one.path,
            agent=one.agent,
        )
        for one in found
    ]
