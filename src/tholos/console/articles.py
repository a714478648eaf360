"""The documentation as pages: the same files that the project builds its site from, shown in our own frame."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup
from starlette.responses import Response

import tholos
from tholos.accounts.pages import Frame, account_of
from tholos.accounts.routes import Calling, Permission, Routes
from tholos.kit.errors import NotFound
from tholos.kit.lazily import load_when_used
from tholos.kit.pages import Pages

if TYPE_CHECKING:
    import markdown_it
    from markdown_it.token import Token
else:
    markdown_it = load_when_used("markdown_it")

routes = Routes(include_in_schema=False)

_PATH = re.compile(r"[a-z0-9-]+(/[a-z0-9-]+)*")
_SECTIONS = (
    ("tutorial", "Tutorial", "Learn it by doing it once."),
    ("how-to", "Guides", "How to do one thing."),
    ("reference", "Reference", "What there is, completely."),
    ("explanation", "Explanation", "Why it is as it is."),
)
LOOSE = "reference"
"""Where pages are listed that lie in no folder."""
_NOT_A_WORD = re.compile(r"[^a-z0-9_]+")


@dataclass(frozen=True, slots=True)
class Entry:
    """One page of the documentation, in the list of all."""

    title: str
    href: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """The pages of one kind."""

    heading: str
    text: str
    entries: Sequence[Entry]


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpPage(Frame):
    shelves: Sequence[Shelf]
    content: Markup


@routes.declare("GET", "/help", permission=Permission.SIGNED_IN)
def show_help(call: Calling) -> Response:
    page = HelpPage(title="Help", account=account_of(call), shelves=_shelves(), content=Markup())
    return call.get(Pages).answer("help.html", page)


@routes.declare("GET", "/help/{path:path}", permission=Permission.SIGNED_IN)
def show_article(call: Calling, path: str) -> Response:
    """Raises: NotFound."""
    file = _folder() / f"{path}.md"
    if not _PATH.fullmatch(path) or not file.is_file():
        raise NotFound(f"There is no page of help called {path[:100]}.", fix="All of them: /help")
    title, content = _read(file, posixpath.dirname(path))
    page = HelpPage(title=title, account=account_of(call), shelves=(), content=content)
    return call.get(Pages).answer("help.html", page)


def list_entries() -> Sequence[Entry]:
    """Every page of the documentation."""
    return [entry for shelf in _shelves() for entry in shelf.entries]


def _folder() -> Path:
    """Within the installed package, or beside the sources."""
    package = Path(tholos.__file__).parent
    installed = package / "docs"
    return installed if installed.is_dir() else package.parents[1] / "docs"


@lru_cache(maxsize=1)
def _shelves() -> tuple[Shelf, ...]:
    return tuple(
        Shelf(
            heading,
            text,
            [Entry(_title(file), _address(file)) for file in _files(name)],
        )
        for name, heading, text in _SECTIONS
    )


def _files(section: str) -> Sequence[Path]:
    """A section's pages; those that lie in none are reference."""
    folder = _folder()
    loose = [file for file in folder.glob("*.md") if file.stem != "index"] if section == LOOSE else []
    return sorted([*(folder / section).glob("*.md"), *loose])


def _address(file: Path) -> str:
    return f"/help/{file.relative_to(_folder()).with_suffix('').as_posix()}"


def _title(file: Path) -> str:
    return next(
        (line.removeprefix("# ") for line in file.read_text().splitlines() if line.startswith("# ")),
        file.stem,
    )


@lru_cache(maxsize=200)
def _read(file: Path, place: str) -> tuple[str, Markup]:
    """A page's title and its content as HTML; raw HTML in it stays text."""
    markdown = markdown_it.MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = list(_rewritten(markdown.parse(file.read_text()), place))
    content = markdown.renderer.render(tokens, markdown.options, {})
    for wide in ("pre", "table"):  # what scrolls sideways is reached by the keyboard too
        content = content.replace(f"<{wide}>", f'<{wide} tabindex="0">')
    return _title(file), Markup(content)  # noqa: S704 - our own files, without raw HTML


def _rewritten(tokens: Sequence[Token], place: str) -> Iterator[Token]:
    """Headings can be linked to, and links between the files lead to pages of help."""
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", _NOT_A_WORD.sub("-", tokens[at + 1].content.lower()).strip("-"))
        for child in token.children or ():
            if child.type == "link_open":
                child.attrSet("href", _href(str(child.attrGet("href")), place))
        yield token


def _href(href: str, place: str) -> str:
    target, _, anchor = href.partition("#")
    if "://" in target or not target.endswith(".md"):
        return href
    path = posixpath.normpath(posixpath.join("/help", place, target.removesuffix(".md")))
    return f"{path}#{anchor}" if anchor else path
