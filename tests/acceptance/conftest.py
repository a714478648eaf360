"""What a person has who installed the wheel: its programs, a server of it, a browser, and folders to publish.

Everything is of the wheel that is built here, in environments of its own; of the source tree only the tests are used.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tholos.testing import chromium
from tholos.testing.installation import Installation

REPOSITORY = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")


def run(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, cwd=cwd)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for what is large; emptied at the end, environments with their read-only folders too."""
    folder = tmp_path_factory.mktemp("acceptance")
    yield folder
    run("chmod", "-R", "u+w", folder)
    run("rm", "-rf", folder)


@pytest.fixture(scope="session")
def wheel(place: Path) -> Path:
    run(UV, "build", "--quiet", "--wheel", "--out-dir", place / "dist", REPOSITORY)
    (built,) = (place / "dist").glob("tholos-*.whl")
    return built


@pytest.fixture(scope="session")
def installed(place: Path, wheel: Path) -> Path:
    """``tholos`` of ``tholos[server]``, with the versions of the lock file and nothing else."""
    locked = place / "requirements.txt"
    wanted = ("--frozen", "--no-dev", "--no-emit-project", "--extra", "server")
    run(UV, "export", "--quiet", *wanted, "--output-file", locked, cwd=REPOSITORY)
    return install(place / "server", "--requirements", str(locked), f"tholos[server] @ {wheel.as_uri()}")


@pytest.fixture(scope="session")
def client_only(place: Path, wheel: Path) -> Path:
    """``tholos`` as a laptop has it."""
    return install(place / "client", str(wheel))


def install(venv: Path, *what: str) -> Path:
    run(UV, "venv", "--quiet", "--python", sys.executable, venv)
    # What is imported is compiled then: of all that is there that is a small part.
    run(UV, "pip", "install", "--quiet", "--python", venv / "bin" / "python", *what)
    return venv / "bin" / "tholos"


@pytest.fixture(scope="session")
def server(place: Path, installed: Path) -> Iterator[Installation]:
    """A server of the wheel."""
    installation = Installation(place / "installation", command=(str(installed),))
    installation.start()
    yield installation
    installation.clean()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For one module: while it runs, asynchronous tests cannot."""
    with chromium.running() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A browser that nobody has signed in with."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    yield context.new_page()
    context.close()


@dataclass(frozen=True)
class Person:
    """A publisher who signed in by a link, in a browser and at the command line."""

    page: Page
    token: str
    server: Installation

    def publish(self, path: Path, *flags: str, name: str) -> str:
        """What ``tholos publish`` told, which is shown as well: these are flags that people would need."""
        done = self.server.cli("publish", str(path), "--name", name, *flags, token=self.token)
        print(f"$ tholos publish {path.name} {' '.join(flags)}\n{done.stdout}{done.stderr}")
        assert done.returncode == 0, self.server.log.read_text()[-6000:]
        return done.stdout


@pytest.fixture
def person(page: Page, server: Installation) -> Person:
    made = server.api("POST", "/api/v1/accounts", {"name": f"ada-{time.time_ns()}", "role": "publisher"})
    chromium.sign_in(page, str(made["sign_in_url"]))
    answer = page.request.post(f"{server.url}/api/v1/tokens", data={}, headers={"Origin": server.url})
    assert answer.ok, answer.text()
    return Person(page, str(answer.json()["token"]), server)


@dataclass(frozen=True)
class Published:
    """The packages that were not written here, as their authors published them."""

    flask: Path
    """Its source distribution."""
    fastapi: Path
    """The same."""
    streamlit: Path
    """Its wheel, unpacked."""


@pytest.fixture(scope="session")
def packages(place: Path) -> Published:
    with ThreadPoolExecutor() as pool:
        sources = [pool.submit(download, place, name, "--no-binary", name) for name in ("flask", "fastapi")]
        streamlit = download(place, "streamlit", "--only-binary", "streamlit")
    flask, fastapi = (future.result() for future in sources)
    return Published(unpacked(flask), unpacked(fastapi), unpacked(streamlit))


def download(place: Path, name: str, *form: str) -> Path:
    folder = place / "downloads" / name
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder)
    run(*pip, *form, name)
    (found,) = folder.iterdir()
    return found


def unpacked(archive: Path) -> Path:
    if archive.suffix == ".whl":
        folder = archive.parent / "unpacked"
        shutil.unpack_archive(archive, folder, "zip")
        return folder
    shutil.unpack_archive(archive, archive.parent, filter="data")
    (folder,) = (path for path in archive.parent.iterdir() if path.is_dir())
    return folder


@dataclass
class Asked:
    """What a client that asks continuously was answered."""

    answers: Counter[str] = field(default_factory=Counter)
    """How often each answer came: its status and which of the texts looked for it holds, or the failure's name."""

    @property
    def failed(self) -> dict[str, int]:
        return {answer: count for answer, count in self.answers.items() if not answer.startswith("200")}


Asking = Callable[..., AbstractContextManager[Asked]]


@pytest.fixture
def asking(server: Installation, person: Person) -> Asking:
    """A client that asks an app for a path, each time on a new connection, as long as the block lasts."""

    @contextmanager
    def begin(app: str, path: str = "/", looking_for: str = "") -> Iterator[Asked]:
        asked, stop = Asked(), threading.Event()

        def ask() -> None:
            while not stop.wait(0.05):
                try:
                    answer = server.ask("GET", path, host=app, token=person.token, timeout_s=30)
                except OSError as error:
                    asked.answers[type(error).__name__] += 1
                    continue
                is_new = bool(looking_for) and looking_for in answer.text
                asked.answers[f"{answer.status} {'new' if is_new else 'old'}"] += 1

        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            yield asked
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    return begin
