"""The example of every kind on an installation of its own, and what a person does with each in a browser."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from playwright.sync_api import Page, expect

from tholos.testing import chromium, relay
from tholos.testing.installation import Installation
from tholos.testing.relay import Relay
from tholos.testing.waiting import until

FOLDER = Path(__file__).parents[3] / "examples" / "kinds"
PACKAGES = "bokeh\ndash\nfastapi\nflask\ngradio\nipykernel\nipywidgets\nmarimo\nnbconvert\npanel\nshiny\nstreamlit\nvoila\n"
"""The same for all, so that they share one environment."""
PASS_LIFE_S = 2
"""Every click comes after a pass has ended, and has to have it renewed."""
OPENS_S = 90.0
SLEEPS_AFTER_S = 1
WITHOUT_PACKAGES = frozenset({"command", "static"})


@dataclass(frozen=True, slots=True)
class Example:
    """What is clicked, and what is read then."""

    heading: str
    clicked: str
    told: str
    told_then: str = ""
    """What the page that was left open tells after a click with other input, once its app can be reached again; empty where
    it has to be opened anew.
    """
    goes_on_loading: bool = False
    """Its page fetches parts of its scripts when all is shown already, and calls it an error if it cannot."""


EXAMPLES: Mapping[str, Example] = {
    "bokeh": Example("1 measurement", "Measure", "2 measurements"),
    "command": Example("It rang 0 times", "Ring", "It rang 1 times"),
    "dash": Example("Yield", "Add a turbine", "2 turbines: 6 MW at most"),
    "fastapi": Example("Tides", "Ask", "3 h: 3.5 m"),
    "flask": Example("What was found", "Write it down", "1: Pump 3 hums"),
    "gradio": Example("Words", "Count", "4 words, 19 characters", told_then="2 words, 9 characters"),
    "marimo": Example("Doubling", "Double", "It is 2 now."),
    "notebook": Example("The week in numbers", "Every day", "15 tons", goes_on_loading=True),
    "panel": Example("Delivery", "Quote", "8.00 francs"),
    "shiny": Example("Who goes first?", "Draw", "Kim goes first"),
    "static": Example("Converter", "Convert", "68 degrees Fahrenheit"),
    "streamlit": Example("Battery", "How long?", "10.0 hours at 2 kW", told_then="6.7 hours at 3 kW"),
    "voila": Example("Interest", "Reckon", "1000 become 1219", goes_on_loading=True),
}


@dataclass(frozen=True, slots=True)
class Gallery:
    """An installation, and the browser and the token of somebody who publishes there."""

    server: Installation
    page: Page
    token: str
    way: Relay

    def publish(self, name: str, folder: Path) -> str:
        """Publish an example, and say where it is."""
        made = shutil.copytree(FOLDER / name, folder / name)
        if name not in WITHOUT_PACKAGES:
            (made / "requirements.txt").write_text(PACKAGES)
        done = self.server.cli("publish", str(made), "--name", f"{name}-one", token=self.token)
        assert done.returncode == 0, done.stdout + done.stderr
        return str(self.server.api("GET", f"/api/v1/apps/{name}-one")["url"])

    def use(self, name: str, url: str) -> None:
        """Open it, click once the pass has ended, and again once it has slept: on the open page where that connects anew by
        itself, else opened again in the same tab.
        """
        example = EXAMPLES[name]
        failed: list[str] = []
        self.page.on("pageerror", lambda error: failed.append(str(error)))
        self.page.goto(url, timeout=OPENS_S * 1000)
        expect(self.page.get_by_text(example.heading).first).to_be_visible(timeout=OPENS_S * 1000)
        self._outlive_pass(url)
        self._click(example.clicked)
        self._read(example.told)
        if example.goes_on_loading:
            self.page.wait_for_load_state("networkidle", timeout=OPENS_S * 1000)
        self._sleep(name)
        if example.told_then:
            self._take_up(name)
        else:
            if name == "marimo":  # its page takes up a new session, whose button only a new page presses
                expect(self.page.get_by_text("It is 1 now.")).to_be_visible(timeout=OPENS_S * 1000)
            self.page.goto(url, timeout=OPENS_S * 1000)
            expect(self.page.get_by_text(example.heading).first).to_be_visible(timeout=OPENS_S * 1000)
        self._click(example.clicked)
        self._read(example.told_then or example.told)
        assert not failed, failed

    def _sleep(self, name: str) -> None:
        """The person goes out of reach, as with a computer that is closed, and the app sleeps until they are back."""
        path = f"/api/v1/apps/{name}-one"
        self.way.cut()
        self.server.api("PUT", f"{path}/life", {"idle_timeout_s": SLEEPS_AFTER_S}, token=self.token)
        until(lambda: self._state(path) == "asleep", chromium.PATIENCE_S)
        self.server.api("PUT", f"{path}/life", {"idle_timeout_s": 0}, token=self.token)
        assert self._state(path) == "asleep"
        self.way.mend()

    def _take_up(self, name: str) -> None:
        """Go on with the open page, with other input."""
        if name == "gradio":
            self.page.get_by_label("Text", exact=True).fill("Two words")
            return
        button = self.page.get_by_role("button", name=EXAMPLES[name].clicked)
        expect(button).to_be_enabled(timeout=OPENS_S * 1000)  # connected again
        self.page.get_by_role("slider").press("ArrowRight")

    def _state(self, path: str) -> str:
        return str(
            cast("Mapping[str, object]", self.server.api("GET", path, token=self.token)["state"])["word"]
        )

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
              const shown = document.body;  // none while another page arrives
              return shown !== null && (shown.innerText.includes(words) || texts(shown))
            }""",
            arg=words,
            timeout=OPENS_S * 1000,
        )

    def _outlive_pass(self, url: str) -> None:
        """The browser forgets a pass when it ends."""
        ends = time.monotonic() + chromium.PATIENCE_S
        while any("pass" in str(one.get("name")) for one in self.page.context.cookies(url)):
            assert time.monotonic() < ends
            time.sleep(0.05)


@contextmanager
def opened(folder: Path, addresses: str, workshop: Path) -> Iterator[Gallery]:
    """A server whose apps are at ``hosts`` or under ``paths``, with a publisher who is signed in. The workshop is for whoever else
    uses the same environment.
    """
    settings = {
        "THOLOS_APPS__ADDRESSES": addresses,
        "THOLOS_APPS__PASS_LIFE_S": str(PASS_LIFE_S),
        "THOLOS_APPS__HOLD_S": str(OPENS_S),
    }
    server = Installation(folder, settings, workshop=workshop)
    server.start()
    try:
        token = server.new_account("ada")
        link = str(server.api("POST", "/api/v1/accounts/ada/link", {})["sign_in_url"])
        with (
            relay.running(server.port) as way,
            chromium.running(f"--host-resolver-rules=MAP * 127.0.0.1:{way.port}") as browser,
        ):
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            chromium.sign_in(page, link)
            yield Gallery(server, page, token, way)
    finally:
        server.clean()
