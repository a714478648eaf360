"""The documentation builds strictly, asks for nothing from elsewhere, and is the same in the console's help."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NAMED_HOSTS = {"www.standardwebhooks.com", "keepachangelog.com"}
"""Where pages may link to; a reader has to follow the link."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "docs"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr, done.stderr
    return folder


def test_every_page_is_built(site):
    """Strictly: a page that the list of all does not name, a link to nowhere or a missing heading fails the build."""
    for page in (ROOT / "docs").rglob("*.md"):
        assert (site / page.relative_to(ROOT / "docs").with_suffix(".html")).is_file()
    assert (site / "404.html").is_file()


def test_no_page_asks_for_anything_from_elsewhere(site):
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        assert "<script" not in text
        for source in re.findall(r'<(?:link|img|script|iframe)\b[^>]*?(?:href|src)="([^"]*)"', text):
            assert "//" not in source, (page.name, source)
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(|@import", style.read_text("utf-8"))


def test_links_out_lead_to_named_hosts(site):
    found = {
        host
        for page in site.rglob("*.html")
        for host in re.findall(r'href="https?://([^"/]+)', page.read_text("utf-8"))
    }
    assert found <= NAMED_HOSTS


def test_pages_have_one_heading_of_the_first_rank(site):
    for page in site.rglob("*.html"):
        assert len(re.findall(r"<h1\b", page.read_text("utf-8"))) == 1, page.name
