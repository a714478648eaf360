"""Static sites: the folder that holds the first page, which is ``index.html`` or the only page that there is."""

from __future__ import annotations

from tholos.detect import frameworks
from tholos.detect.candidates import Candidate
from tholos.detect.model import Evidence, Kind
from tholos.detect.sources import Folder

FOLDERS = ("", "public", "dist", "site", "_site", "build", "docs/_build/html", "www")
"""Where ``index.html`` is looked for, best first."""
PAGES = (".html", ".htm")


def find(folder: Folder) -> list[Candidate]:
    """The site folders, best first.

    Beside a ``package.json`` the folder's own page is the source that a build turns into a site, so built ones come first.
    """
    places = [place for place in FOLDERS if _page(place) in folder.paths]
    if "package.json" in folder.paths and len(places) > 1:
        places.sort(key=lambda place: place in {"", "public"})
    found = [of_folder(place, rank) for rank, place in enumerate(places)]
    return found or _only_page(folder)


def _only_page(folder: Folder) -> list[Candidate]:
    pages = [path for path in folder.paths if "/" not in path and path.endswith(PAGES)]
    return [of_page(pages[0])] if len(pages) == 1 else []


def of_folder(place: str, rank: int = 0) -> Candidate:
    """A folder as a site; the app's own folder is ``.``."""
    page = Evidence(_page(place), 1)
    return Candidate(place or ".", Kind.STATIC, frameworks.STATIC, page, page, (5, rank, 0), "", "site")


def of_page(path: str) -> Candidate:
    """A site that begins at a page of another name; what lies in that page's folder is served."""
    where = Evidence(path, 1)
    return Candidate(path, Kind.STATIC, frameworks.STATIC, where, where, (5, len(FOLDERS), 0), "", "page")


def _page(place: str) -> str:
    return f"{place}/index.html" if place else "index.html"
