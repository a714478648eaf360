"""Pages from templates: a handler builds one page model, the template prints it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

POLICY = (
    "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self' *"
)


class Pages:
    """Renders templates found in several folders under their bare names.

    Args:
        folders: the template folders of the server and of each domain.
        now: tells the time that pages are rendered at.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._templates = Environment(
            loader=FileSystemLoader([str(folder) for folder in folders]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )

    def text(self, name: str, page: object) -> str:
        return self._templates.get_template(name).render(page=page)

    def answer(self, name: str, page: object, status: int = 200) -> HTMLResponse:
        """A page with the headers that every page has."""
        headers = {
            "content-security-policy": POLICY,
            "referrer-policy": "same-origin",
            "x-content-type-options": "nosniff",
            "cache-control": "no-store",
        }
        return HTMLResponse(self.text(name, page), status, headers)


def moment(text: str | None) -> datetime | None:
    """The moment that an API answer names."""
    return datetime.fromisoformat(text) if text else None
