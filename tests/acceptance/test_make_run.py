"""``make run`` as the README says it, on a clean clone: nothing but python3, pip and make is used."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tholos.testing import chromium

pytestmark = pytest.mark.timeout(400)

REPOSITORY = Path(__file__).parents[2]
EXAMPLES = ("explorer", "guestbook", "handbook", "tides")
INSTALL_S, END_S = 180.0, 30.0


@dataclass
class Terminal:
    """A terminal in a folder in which ``make run`` was typed."""

    folder: Path
    port: int
    output: Path
    process: subprocess.Popen[bytes]

    @classmethod
    def make_run(cls, folder: Path, port: int) -> Terminal:
        beside = {
            name: text for name, text in os.environ.items() if not name.startswith(("THOLOS_", "VIRTUAL_ENV"))
        }
        own = {} if port == 8080 else {"PORT": str(port)}
        output = folder.with_name(f"output-{time.time_ns()}.txt")
        with output.open("wb") as file:
            process = subprocess.Popen(
                ["make", "run"],
                cwd=folder,
                env={**beside, **own},
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        return cls(folder, port, output, process)

    @property
    def told(self) -> str:
        return self.output.read_text(errors="replace")

    def wait_for(self, is_there: Callable[[str], object], seconds: float = INSTALL_S) -> str:
        deadline = time.monotonic() + seconds
        while not is_there(self.told):
            assert self.process.poll() is None, self.told
            assert time.monotonic() < deadline, self.told
            time.sleep(0.1)
        return self.told

    def press_ctrl_c(self) -> None:
        """What a terminal does: SIGINT to all of the foreground."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(END_S)

    def clean(self) -> None:
        if self.process.poll() is None:
            self.press_ctrl_c()


def free_port() -> int:
    """The usual one, or another where that is taken."""
    for port in (8080, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise AssertionError


def processes_of(folder: Path) -> list[str]:
    """Command lines of what runs in a folder or was started from it."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            cwd = str((entry / "cwd").readlink())
        except OSError:
            continue
        if str(folder) in command or cwd.startswith(str(folder)):
            found.append(f"{entry.name} {command}")
    return found


def link_in(told: str) -> str:
    found = re.search(r"open (\S+/setup\?code=\S+)", told)
    assert found, told
    return found[1]


def are_published(told: str) -> bool:
    return all(re.search(rf"^  http://{name}\.localhost:\d+/$", told, re.MULTILINE) for name in EXAMPLES)


def open_every_example(page: Page, port: int) -> None:
    page.goto(f"http://handbook.localhost:{port}/")
    expect(page.locator("h1")).to_have_text("Handbook")
    page.goto(f"http://tides.localhost:{port}/")
    expect(page.locator("#now")).to_have_text(re.compile(r"^-?\d\.\d{3}$"))
    with page.expect_websocket(lambda socket: "/_stcore/stream" in socket.url):
        page.goto(f"http://explorer.localhost:{port}/")
    expect(page.locator("h1")).to_have_text("Random walks", timeout=60_000)
    expect(page.get_by_text("3 walks of 200 steps end between")).to_be_visible(timeout=60_000)
    page.get_by_role("slider", name="Walks").press("ArrowRight")
    expect(page.get_by_text("4 walks of 200 steps end between")).to_be_visible(timeout=60_000)
    page.goto(f"http://guestbook.localhost:{port}/")
    expect(page.locator("h1")).to_have_text("Guest book")


def test_make_run(place: Path, page: Page) -> None:
    """The link signs in, every example opens, Ctrl-C ends all of it, and started again all is there."""
    clone = place / "clone"
    subprocess.run(["git", "clone", "--quiet", REPOSITORY, clone], check=True)
    port = free_port()
    began = time.monotonic()
    first = Terminal.make_run(clone, port)
    try:
        chromium.sign_in(page, link_in(first.wait_for(lambda told: "ready at" in told)))
        ready = time.monotonic() - began
        first.wait_for(are_published)
        print(
            f"ready after {ready:.1f} s, examples published after {time.monotonic() - began:.1f} s\n{first.told}"
        )
        open_every_example(page, port)
        page.fill("[name=name]", "Ada")
        page.fill("[name=words]", "I was here.")
        page.click("text=Sign")
        expect(page.locator("blockquote")).to_contain_text("I was here.")
        stopping = time.monotonic()
        first.press_ctrl_c()
        print(f"stopped in {time.monotonic() - stopping:.1f} s\n{first.told[-400:]}")
    finally:
        first.clean()
    assert "everything is kept for the next start" in first.told
    assert "Traceback" not in first.told
    assert processes_of(clone) == []

    began = time.monotonic()
    second = Terminal.make_run(clone, port)
    try:
        link = link_in(second.wait_for(lambda told: "ready at" in told))
        print(f"ready again after {time.monotonic() - began:.1f} s")
        assert link != link_in(first.told)
        page.goto(f"http://localhost:{port}/")  # still signed in
        assert sorted(page.locator(".card h2").all_inner_texts()) == list(EXAMPLES)
        open_every_example(page, port)
        expect(page.locator("blockquote")).to_contain_text("I was here.")
        second.wait_for(are_published)
        assert second.told.count("nothing changed: release 1 is live") == len(EXAMPLES)
    finally:
        second.clean()
    assert processes_of(clone) == []
