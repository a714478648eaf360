"""The distribution's Chromium, driven through Playwright, for tests that look at pages as people do.

Playwright itself comes with the tests' dependencies; a browser is never downloaded.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, expect, sync_playwright

PATIENCE_S = 30.0
"""A machine that does other work is slow, and no test fails of that."""
FLAGS = (
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_chromium() -> str:
    """The browser's path.

    Raises: AssertionError: there is none; it says how to get one.
    """
    # The shell is the same browser without the windows around its pages: a page costs it half as much.
    found = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    assert found, "missing: chromium; install it, as root: apt-get install chromium-headless-shell"
    return found


@contextmanager
def running(*flags: str) -> Iterator[Browser]:
    """A headless browser, with further flags. While it runs, no event loop can be run in this thread."""
    path = find_chromium()
    expect.set_options(timeout=PATIENCE_S * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS, *flags])
        try:
            yield browser
        finally:
            browser.close()


def sign_in(page: Page, link: str, password: str = "") -> None:
    """Spend a one-time sign-in link as a person does; a password given here is set on the way."""
    page.goto(link)
    if password:
        page.get_by_label("New password").fill(password)
    page.get_by_role("button", name=re.compile("^Sign in as ")).click()
    page.get_by_role("heading", name="Apps", exact=True).wait_for()
