"""What the first pages say: nothing that is only to come; and the documentation's first page leads to every other."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md") if path.name != "index.md")


def test_the_readme_tells_of_nothing_as_missing():
    said = (ROOT / "README.md").read_text("utf-8")
    assert "does not do yet" not in said
    assert "comes next" not in said


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_linked_from_the_first(page):
    linked = re.findall(r"\]\(([^)#]+)", (DOCS / "index.md").read_text("utf-8"))
    assert page in linked
