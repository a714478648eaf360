"""A Flask application and its manifest in git: imported in the browser, updated when asked, and then by itself."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tholos.testing import chromium
from tholos.testing.installation import Installation
from tholos.testing.repositories import Host, Repository, serve

CLIENTS = Path(__file__).parents[2] / ".make" / "clients"
SLOW_MS = 120_000
"""For what installs packages and starts a process."""
APP = """from flask import Flask

app = Flask(__name__)


@app.route("/")
def hello_world():
    return "<h1>WORDS</h1>"
"""


@dataclass(frozen=True, slots=True)
class Author:
    """Somebody with git, the client that writes manifests, and a folder that is pushed."""

    folder: Path
    home: Path

    def write(self, words: str, requirements: str = "flask\n") -> None:
        (self.folder / "app.py").write_text(APP.replace("WORDS", words))
        (self.folder / "requirements.txt").write_text(requirements)

    def write_manifest(self, *words: str) -> None:
        self._run(str(CLIENTS / "bin" / "rsconnect"), "write-manifest", "api", *words, ".")

    def push(self, message: str) -> str:
        """Commit all there is, and push it; the id of the commit."""
        self.git("add", ".")
        self.git("commit", "--quiet", "-m", message)
        self.git("push", "--quiet", "origin", "HEAD:main")
        return self.git("rev-parse", "HEAD")

    def git(self, *words: str) -> str:
        return self._run("git", *words)

    def _run(self, *command: str) -> str:
        env = {
            "PATH": f"{CLIENTS / 'bin'}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "RSCONNECT_DISABLE_VERSION_CHECK": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Ada",
            "GIT_AUTHOR_EMAIL": "ada@example.org",
            "GIT_COMMITTER_NAME": "Ada",
            "GIT_COMMITTER_EMAIL": "ada@example.org",
        }
        ran = subprocess.run(
            command, cwd=self.folder, env=env, capture_output=True, text=True, timeout=120, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout.strip()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Where a repository is that anybody may push to."""
    folder = tmp_path_factory.mktemp("git")
    Repository.make(folder / "hello-world.git").git("config", "http.receivepack", "true")
    with serve(folder) as host:
        yield host


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A server that may reach that host, and looks for new commits often."""
    settings = {
        "THOLOS_SOURCES__ALLOW_NETWORKS": '["127.0.0.0/8"]',
        "THOLOS_SOURCES__POLL_INTERVAL_S": "1",
    }
    installation = Installation(tmp_path_factory.mktemp("site"), settings)
    installation.start()
    yield installation
    installation.clean()


@pytest.fixture
def page(browser: Browser, site: Installation) -> Iterator[Page]:
    context = browser.new_context(base_url=site.url, viewport={"width": 1280, "height": 800})
    page = context.new_page()
    account = site.api("POST", "/api/v1/accounts", {"name": "ada", "role": "publisher"})
    chromium.sign_in(page, str(account["sign_in_url"]))
    yield page
    context.close()


@pytest.fixture
def author(tmp_path: Path, host: Host) -> Author:
    assert CLIENTS.is_dir(), "the clients are not installed: make .make/clients"
    folder, home = tmp_path / "hello", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    made = Author(folder, home)
    made.git("init", "--quiet")
    made.git("remote", "add", "origin", host.url("hello-world.git"))
    return made


def sees(page: Page, words: str) -> None:
    """What a visitor of the app is answered."""
    page.goto("/open/hello-world")
    expect(page.locator("h1")).to_have_text(words, timeout=SLOW_MS)


def is_live(page: Page, number: int) -> None:
    """The operation that is shown ends well."""
    expect(page.locator("#outcome")).to_contain_text(f"Release {number} is live.", timeout=SLOW_MS)


@pytest.mark.timeout(400)
def test_from_git_init_to_deployed_by_itself(page, author, host):
    author.write("Hello, World!")
    (author.folder / ".gitignore").write_text("__pycache__/\n.venv/\n")
    author.write_manifest()
    assert '"appmode": "python-api"' in (author.folder / "manifest.json").read_text()
    first = author.push("initial structure with a manifest")

    page.goto("/publish")
    form = page.locator("form[action='/publish/git']")
    form.get_by_label("Repository").fill(host.url("hello-world.git"))
    form.get_by_label("Branch").fill("main")
    form.get_by_label("Look for new commits").uncheck()
    form.get_by_role("button", name="Follow and publish it").click()
    expect(page).to_have_url(re.compile("/operations/op_"))
    is_live(page, 1)
    expect(page.locator("[data-step=fetch]")).to_contain_text(first[:10])
    sees(page, "Hello, World!")

    author.write("Hello again!", "flask\nitsdangerous\n")
    author.write_manifest("--overwrite")
    second = author.push("Say it again")
    sees(page, "Hello, World!")
    page.goto("/apps/hello-world/source")
    expect(page.locator("main")).to_contain_text(host.url("hello-world.git"))
    expect(page.locator("#app-source-now")).to_contain_text(first[:10])
    page.get_by_role("button", name="Update now").click()
    is_live(page, 2)
    sees(page, "Hello again!")
    page.goto("/apps/hello-world")
    page.locator("section", has=page.locator("#source")).get_by_role("link", name=second[:10]).click()
    expect(page.locator("tr.live")).to_contain_text("Say it again")
    expect(page.locator("tr.live")).to_contain_text("release 2")
    page.locator("tr.live").get_by_role("link", name="release 2").click()
    expect(page.locator("#release-2")).to_contain_text(second[:10])

    page.goto("/apps/hello-world/source")
    page.get_by_label("Look for new commits").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text("It is saved.")
    page.goto("/apps/hello-world/source")
    author.write("Hello by itself!", "flask\nitsdangerous\n")
    third = author.push("Say it by itself")
    expect(page.locator("tr.live")).to_contain_text(third[:10], timeout=SLOW_MS)
    expect(page.locator("tr.live")).to_contain_text("a look")
    sees(page, "Hello by itself!")
