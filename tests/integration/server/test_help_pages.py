"""The documentation as pages of the console: the list by kind, each page, and the links from page to page."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[3] / "docs"
FOLDERS = {"tutorial": "Tutorial", "how-to": "Guides", "reference": "Reference", "explanation": "Explanation"}
LOOSE = {"connect": "reference"}
"""Pages that lie in no folder, and under which kind they are listed."""
PAGES = sorted(
    path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.rglob("*.md") if path.stem != "index"
)


async def main_of(console, path):
    answer = await console.by_session("vic").get(path)
    assert answer.status == 200, path
    return answer.text.partition("<main")[2].partition("</main>")[0]


async def test_the_list_has_every_page_under_its_kind(console):
    page = await main_of(console, "/help")
    shelves = re.split(r"<h2>", page)[1:]
    assert [shelf.partition("<")[0] for shelf in shelves] == [*FOLDERS.values()]
    for folder, shelf in zip(FOLDERS, shelves, strict=True):
        assert re.findall(r'href="/help/([^"]+)"', shelf) == [
            one for one in PAGES if LOOSE.get(one, one.partition("/")[0]) == folder
        ]


async def test_links_lead_to_pages_and_headings(console):
    shown = {f"/help/{path}": await main_of(console, f"/help/{path}") for path in [*PAGES, "index"]}
    headings = {path: set(re.findall(r'<h[1-6] id="([^"]+)"', page)) for path, page in shown.items()}
    for path, page in shown.items():
        assert page.count("<h1") == 1, path
        for href in re.findall(r'<a href="([^"]+)"', page.partition("<article")[2]):
            target, _, anchor = href.partition("#")
            if not target.startswith("https://"):
                assert (target or path) in shown, (path, href)
                assert not anchor or anchor in headings[target or path], (path, href)


async def test_tables_and_code_are_shown_as_such(console):
    page = await main_of(console, "/help/reference/client")
    assert "<table" in page
    assert "activate(name: str, number: int) -&gt; Operation | Unchanged\n</code>" in page


@pytest.mark.parametrize(
    "path", ["none", "../README", "how-to", "How-To/publish", "how-to/publish.md", "%2e%2e/x"]
)
async def test_what_is_no_page_is_not_there(console, path):
    assert (await console.by_session("vic").get(f"/help/{path}")).status == 404


async def test_help_is_for_who_is_signed_in(console):
    answer = await console.nobody.get("/help/how-to/publish")
    assert answer.status in {303, 401}
