"""What an app's own host shows when the app cannot: it stands alone, without our files, and is judged like every page."""

from __future__ import annotations

from axe_playwright_python.base import AXE_SCRIPT

BROKEN = "import json\n\nLIMIT = int('many')\n\n\ndef application(environ, start_response): ...\n"
MODES = [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)]
AXE = """async () => (await axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] })).violations
  .map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 150)).join(" · ")}`)"""


def test_in_every_mode(person, folder, newcomer, browsing):
    """Nothing serves yet, not for you, no such app: readable in light and dark, wide and narrow, asking for nothing."""
    failing = folder(BROKEN, name="intake")
    person.publish(failing, exits=1)
    administrator = newcomer("administrator")
    administrator.sign_in()
    seen = {
        "failing": (person, person.app_url(failing.name)),
        "not-shared": (administrator, person.app_url(failing.name)),
        "no-such-app": (person, person.app_url("no-such-app")),
    }
    complaints = []
    for name, (who, url) in seen.items():
        page = browsing(storage_state=who.page.context.storage_state()).new_page()
        asked = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.on("pageerror", lambda error, told=complaints: told.append(str(error)))
        for scheme, width in MODES:
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 800})
            page.goto(url)
            assert page.locator("h1").count() == 1
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                complaints.append(f"{name} scrolls sideways at {width}")
            page.evaluate(AXE_SCRIPT)
            complaints += [f"{name} {scheme} {width}: {one}" for one in page.evaluate(AXE)]
        complaints += [one for one in asked if "localhost" not in one and not one.startswith("data:")]
    assert not complaints, "\n".join(complaints)
