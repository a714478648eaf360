"""JSON shapes of paths of one's own."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from tholos.kit.clock import to_text
from tholos.paths.models import AppPath


class PathIn(BaseModel):
    """The path that is to lead to an app."""

    model_config = ConfigDict(extra="forbid")

    path: str = Field(max_length=400, description="Such as /team/report/; slashes at its ends are added.")
    force: bool = Field(default=False, description="Take it over from another app that one may edit.")


class PathOut(BaseModel):
    app: str
    path: str
    """With a slash at both ends; empty where the app has none."""
    url: str
    """The whole address that leads to the app; empty where it has none."""
    created_at: str | None


class PathList(BaseModel):
    items: list[PathOut]
    next: str | None = None


def path_out(app: str, path: AppPath | None, console_url: str) -> PathOut:
    if path is None:
        return PathOut(app=app, path="", url="", created_at=None)
    return PathOut(
        app=app, path=path.path, url=f"{console_url}{path.path}", created_at=to_text(path.created_at)
    )
