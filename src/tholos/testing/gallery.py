"""The example of every kind on an installation of its own, and what a person does with each in a browser."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, expect

from tholos.testing import chromium
from tholos.testing.installation import Installation

FOLDER = Path(__file__).parents[3] / "examples" / "kinds"
PACKAGES = "bokeh\ndash\nfastapi\nflask\ngradio\nipykernel\nipywidgets\nmarimo\nnbconvert\npanel\nshiny\nstreamlit\nvoila\n"
"""The same for all, so that they share one environment."""
PASS_LIFE_S = 2
"""Every click comes after a pass has ended, and has to have it renewed."""
OPENS_S = 90.0
WITHOUT_PACKAGES = frozenset({"command", "static"})


@dataclass(frozen=True, slots=True)
class Example:
    """What is clicked, and what is read then."""

    heading: str
    clicked: str
    told: str


EXAMPLES: Mapping[str, Example] = {
    "bokeh": Example("1 measurement", "Measure", "2 measurements"),
    "command": Example("It rang 0 times", "Ring", "It rang 1 times"),
    "dash": Example("Yield", "Add a turbine", "2 turbines: 6 MW at most"),
    "fastapi": Example("Tides", "Ask", "3 h: 3.5 m"),
    "flask": Example("What was found", "Write it down", "1: Pump 3 hums"),
    "gradio": Example("Words", "Count", "4 words, 19 characters"),
    "marimo": Example("Doubling", "Double", "It is 2 now."),
    "notebook": Example("The week in numbers", "Every day", "15 tons"),
    "panel": Example("Delivery", "Quote", "8.00 francs"),
    "shiny": Example("Who goes first?", "Draw", "Kim goes first"),
    "static": Example("Converter", "Convert", "68 degrees Fahrenheit"),
    "streamlit": Example("Battery", "How long?", "10.0 hours at 2 kW"),
    "voila": Example("Interest", "Reckon", "1000 become 1219"),
}


@dataclass(frozen=True, slots=True)
class Gallery:
    """An installation, and the browser and the token of somebody who publishes there."""

    server: Installation
    page: Page
    token: str

    def publish(self, name: str, folder: Path) -> str:
        """Publish an example, and say where it is."""
        made = shutil.copytree(FOLDER / name, folder / name)
        if name not in WITHOUT_PACKAGES:
            (made / "requirements.txt").write_text(PACKAGES)
        done = self.server.cli("publish", str(made), "--name", f"{name}-one", token=self.token)
        assert done.returncode == 0, done.stdout + done.stderr
        return str(self.server.api("GET", f"/api/v1/apps/{name}-one")["url"])

    def use(self, name: str, url: str) -> None:
        """Open it, click once the pass has ended, and open it again."""
        example = EXAMPLES[name]
        failed: list[str] = []
        self.page.on("pageerror", lambda error: failed.append(str(error)))
        self.page.goto(url)
        expect(self.page.get_by_text(example.heading).first).to_be_visible(timeout=OPENS_S * 1000)
        self._outlive_pass(url)
        self._click(example.clicked)
        self._read(example.told)
        self.page.goto(url)
        expect(self.page.get_by_role("heading").first).to_be_visible(timeout=OPENS_S * 1000)
        assert not failed, failed

    def _click(self, words: str) -> None:
        button = self.page.get_by_role("button", name=words, exact=True).or_(
            self.page.locator("summary", has_text=words)
        )
        button.first.click()

    def _read(self, words: str) -> None:
        """What is shown, in a text or in a field."""
        self.page.wait_for_function(
            """words => {
              const texts = (node) => [...node.querySelectorAll("*")].some((one) =>
                (one.value === undefined ? false : String(one.value).includes(words)) ||
                (one.shadowRoot !== null && (one.shadowRoot.textContent.includes(words) || texts(one.shadowRoot))))
              return document.body.innerText.includes(words) || texts(document.body)
            }""",
            arg=words,
            timeout=chromium.PATIENCE_S * 1000,
        )

    def _outlive_pass(self, url: str) -> None:
        """The browser forgets a pass when it ends."""
        ends = time.monotonic() + chromium.PATIENCE_S
        while any("pass" in str(one.get("name")) for one in self.page.context.cookies(url)):
            assert time.monotonic() < ends
            time.sleep(0.05)


@contextmanager
def opened(folder: Path, addresses: str) -> Iterator[Gallery]:
    """A server whose apps are at ``hosts`` or under ``paths``, with a publisher who is signed in."""
    settings = {"THOLOS_APPS__ADDRESSES": addresses, "THOLOS_APPS__PASS_LIFE_S": str(PASS_LIFE_S)}
    server = Installation(folder, settings)
    server.start()
    try:
        token = server.new_account("ada")
        link = str(server.api("POST", "/api/v1/accounts/ada/link", {})["sign_in_url"])
        with chromium.running() as browser:
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            chromium.sign_in(page, link)
            yield Gallery(server, page, token)
    finally:
        server.clean()
