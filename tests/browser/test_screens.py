"""Each page of a real server in two themes and two widths, as pictures to look at; what a machine can judge is judged."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(180)

BROKEN = "import json\n\nLIMIT = int('many')\n\n\ndef application(environ, start_response): ...\n"
MODES = [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)]


@pytest.fixture(scope="session")
def screens(tmp_path_factory) -> Path:
    """Where they go: a folder of the test run, or the one that is asked for."""
    wanted = os.environ.get("SCREENSHOTS")
    if wanted:
        Path(wanted).mkdir(parents=True, exist_ok=True)
        return Path(wanted)
    return tmp_path_factory.mktemp("screens")


def test_screens(person, folder, browsing, screens, newcomer):
    """No page scrolls sideways or makes the browser complain."""
    made = folder(name="sales")
    person.publish(made)
    (made / "notes.txt").write_text("more")
    person.publish(made)
    for path in ("/", "/totals", "/totals?year=2026"):
        person.server.ask("GET", path, host=made.name, token=person.token)
    failing = folder(BROKEN, name="intake")
    person.publish(failing, exits=1)
    paths = {
        "home": "/",
        "search": "/?q=zebra",
        "publish": "/publish",
        "account": "/account",
        "app": f"/apps/{made.name}",
        "releases": f"/apps/{made.name}/releases",
        "logs": f"/apps/{made.name}/logs",
        "app-failed": f"/apps/{failing.name}",
        "logs-failed": f"/apps/{failing.name}/logs?release=1",
        "not-found": "/apps/no-such-app",
        **{f"operation-{one['state']}": one["url"] for one in operations_of(person)},
    }
    spare = newcomer()
    complaints: list[str] = []
    for scheme, width in MODES:
        context = browsing(
            color_scheme=scheme,
            viewport={"width": width, "height": 800},
            storage_state=person.page.context.storage_state(),
        )
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        for name, path in paths.items():
            page.goto(path if path.startswith("http") else person.url + path)
            keep(page, screens / f"{name}-{scheme}-{width}.png", complaints)
        page.goto(f"{person.app_url(failing.name)}/")
        keep(page, screens / f"app-host-{scheme}-{width}.png", complaints)
        context.clear_cookies()
        for name, address in {"sign-in": f"{person.url}/sign-in", "setup": spare.link}.items():
            page.goto(address)
            keep(page, screens / f"{name}-{scheme}-{width}.png", complaints)
    assert complaints == []


def operations_of(person) -> list[dict[str, str]]:
    return list(person.server.api("GET", "/api/v1/operations", token=person.token)["items"])


def keep(page, path: Path, complaints: list[str]) -> None:
    page.screenshot(path=path)
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    if wide > 0:
        complaints.append(f"{path.name} scrolls sideways by {wide}")
