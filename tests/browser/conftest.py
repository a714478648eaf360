"""One installation for all tests of pages, people in browsers of their own, and small apps that are published in a moment."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tholos.testing import chromium, showroom
from tholos.testing.installation import Installation
from tholos.testing.showroom import Showroom

WORKS = '''"""Answers by name; needs no package."""


def application(environ, start_response):
    print("asked for", environ["PATH_INFO"], "by", environ.get("HTTP_X_THOLOS_ACCOUNT"), flush=True)
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
    return [f"<title>An app</title><h1>{environ['PATH_INFO']}?{environ['QUERY_STRING']}</h1>".encode()]
'''
NUMBER = itertools.count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    # A request waits for an app that starts no longer than a test wants to.
    installation = Installation(tmp_path_factory.mktemp("installation"), {"THOLOS_APPS__HOLD_S": "1"})
    installation.start()
    yield installation
    installation.clean()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For one module: while it runs, asynchronous tests cannot."""
    with chromium.running() as browser:
        yield browser


@pytest.fixture(scope="session")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Showroom]:
    """The console over made-up rows: where nothing has to run."""
    with showroom.opened(tmp_path_factory.mktemp("showroom")) as room:
        yield room


@pytest.fixture
def visiting(browser: Browser, room: Showroom) -> Iterator[Callable[..., BrowserContext]]:
    """Makes browsers in the showroom, signed in as somebody, or as nobody."""
    made: list[BrowserContext] = []

    def make(who: str = "ada", width: int = 1280, **options: object) -> BrowserContext:
        options.setdefault("reduced_motion", "reduce")
        context = browser.new_context(
            base_url=room.site.url,
            viewport={"width": width, "height": 800},
            **options,  # type: ignore[arg-type]
        )
        if who:
            name, _, value = room.sign_in(who).partition("=")
            context.add_cookies([{"name": name, "value": value, "url": room.site.url}])
        made.append(context)
        return context

    yield make
    for context in made:
        context.close()


@dataclass
class Person:
    """Somebody with an account, a browser and a token."""

    name: str
    link: str
    page: Page
    server: Installation
    _token: str = ""

    @property
    def url(self) -> str:
        return self.server.url

    def app_url(self, name: str) -> str:
        return f"http://{name}.localhost:{self.server.port}"

    @property
    def token(self) -> str:
        if not self._token:
            answer = self.page.request.post(
                f"{self.url}/api/v1/tokens", data={}, headers={"Origin": self.url}
            )
            assert answer.ok, answer.text()
            self._token = str(answer.json()["token"])
        return self._token

    def sign_in(self, password: str = "") -> Page:
        chromium.sign_in(self.page, self.link, password)
        return self.page

    def publish(self, folder: Path, exits: int = 0) -> str:
        done = self.server.cli("publish", str(folder), token=self.token)
        assert done.returncode == exits, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def browsing(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Makes browsers that know nothing of each other."""
    made: list[BrowserContext] = []

    def make(**options: object) -> BrowserContext:
        options.setdefault("viewport", {"width": 1280, "height": 800})
        made.append(browser.new_context(**options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for context in made:
        context.close()


@pytest.fixture
def newcomer(server: Installation, browsing: Callable[..., BrowserContext]) -> Callable[..., Person]:
    """Makes people who have just got their sign-in link."""

    def make(role: str = "publisher", **options: object) -> Person:
        name = f"ada{next(NUMBER)}"
        account = server.api("POST", "/api/v1/accounts", {"name": name, "role": role})
        return Person(name, str(account["sign_in_url"]), browsing(**options).new_page(), server)

    return make


@pytest.fixture
def person(newcomer: Callable[..., Person]) -> Person:
    """A publisher who is signed in."""
    made = newcomer()
    made.sign_in()
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Makes folders to publish, each of a name that no other test uses."""

    def make(app: str = WORKS, name: str = "app", **files: str) -> Path:
        made = tmp_path / f"{name}-{next(NUMBER)}"
        made.mkdir()
        (made / "app.py").write_text(app)
        for file, text in files.items():
            (made / file.replace("_", ".")).write_text(text)
        return made

    return make
