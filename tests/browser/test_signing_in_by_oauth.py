"""rsconnect-python signs in by a browser, and by a code without one."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import expect

CLIENTS = Path(__file__).parents[2] / ".make" / "clients"


@pytest.fixture
def login(tmp_path, server):
    """Begins to sign in, and gives the process and what it printed up to an address."""
    started = []

    def begin(*words: str) -> tuple[subprocess.Popen[str], str]:
        # Without a browser on PATH the address is printed.
        env = {
            "PATH": str(CLIENTS / "bin"),
            "HOME": str(tmp_path),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
        }
        process = subprocess.Popen(
            [CLIENTS / "bin" / "rsconnect", "login", server.url, "-n", "here", *words],
            env={**env, "RSCONNECT_DISABLE_VERSION_CHECK": "1"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        started.append(process)
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"http://\S+/(?:oauth|device)\S+", line):
                return process, found[0]
        raise AssertionError("it printed no address")

    yield begin
    for process in started:
        process.kill()
        process.wait()


def test_by_a_browser(newcomer, login):
    person = newcomer()
    page = person.sign_in()
    process, url = login()
    page.goto(url)
    expect(page.locator("h1")).to_have_text("Let this program in?")
    expect(page.locator("main")).to_contain_text("“Posit CLI”")
    page.get_by_role("button", name="Let it in").click()
    expect(page.locator("h1")).to_have_text("Authentication successful!")
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, out


def test_refused(newcomer, login):
    page = newcomer().sign_in()
    process, url = login()
    page.goto(url)
    page.get_by_role("button", name="Refuse").click()
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "access_denied" in out


def test_by_a_code(newcomer, login):
    page = newcomer().sign_in()
    process, url = login("--use-device-code")
    page.goto(url)
    page.get_by_role("button", name="Let it in").click()
    expect(page.locator("h1")).to_have_text("The terminal is in")
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, out
