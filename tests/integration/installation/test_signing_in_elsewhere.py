"""A whole installation and a real provider: in by the provider with a browser, and from there a terminal too."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from tholos.testing import openid_provider
from tholos.testing.installation import Installation
from tholos.testing.openid_provider import RealProvider, Registered

PEOPLE = {"ada.l": {"email": "ada@example.org", "email_verified": True, "groups": ["staff"]}}


@dataclass(frozen=True)
class Both:
    installation: Installation
    provider: RealProvider

    @property
    def url(self) -> str:
        return self.installation.url


@pytest.fixture(scope="module")
def both(tmp_path_factory) -> Iterator[Both]:
    port = openid_provider.free_port()
    folder = tmp_path_factory.mktemp("site")
    (folder / "secret").write_text(Registered([]).client_secret)
    installation = Installation(
        folder,
        {
            "THOLOS_OPENID__ISSUER": f"http://127.0.0.1:{port}",
            "THOLOS_OPENID__CLIENT_ID": "tholos",
            "THOLOS_OPENID__CLIENT_SECRET_FILE": str(folder / "secret"),
            "THOLOS_OPENID__NAME": "the university",
            "THOLOS_OPENID__SCOPES": "openid profile email groups",
            "THOLOS_OPENID__GROUPS_CLAIM": "groups",
            "THOLOS_OPENID__DEFAULT_ROLE": "publisher",
        },
    )
    installation.start()
    try:
        registered = Registered([f"{installation.url}/sign-in/openid/return"])
        with openid_provider.running(PEOPLE, registered, port=port) as provider:
            yield Both(installation, provider)
    finally:
        installation.clean()


@pytest.fixture
def browser(both) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=both.url, trust_env=False, headers={"accept": "text/html"}, timeout=60) as one:
        yield one


def sign_in(both: Both, browser: httpx.Client, next_path: str) -> httpx.Response:
    page = browser.get("/sign-in", params={"next": next_path})
    assert "Sign in with the university" in page.text
    began = browser.get("/sign-in/openid", params={"next": next_path})
    assert began.status_code == 303, began.text
    back = openid_provider.sign_in(began.headers["location"], "ada.l", to=both.url)
    return browser.get(back)


def test_a_person_comes_in_by_the_provider_and_lets_a_terminal_in(both, browser):
    process = both.installation.cli_process("login", both.url, "--device")
    assert process.stderr
    try:
        told = process.stderr.readline() + process.stderr.readline()
        found = re.search(r"code  (\S+)", told)
        assert found, told
        page = f"/device?code={found[1]}"
        assert browser.get(page).headers["location"].startswith("/sign-in?next=")
        came = sign_in(both, browser, page)
        assert (came.status_code, came.headers["location"]) == (303, page)
        assert "Let this terminal in?" in browser.get(page).text
        done = browser.post(
            "/device", data={"code": found[1], "decision": "approve"}, headers={"origin": both.url}
        )
        assert "The terminal is in" in done.text
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert "✔ ada (publisher) on" in out
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    assert both.installation.cli("list", token="").returncode == 0
    assert '"name": "staff"' in both.installation.ask("GET", "/api/v1/groups").text.replace('":"', '": "')


def test_no_secret_reaches_the_log(both, browser):
    sign_in(both, browser, "/")
    log = both.installation.log.read_text()
    assert both.provider.registered.client_secret not in log
    assert "code_verifier" not in log
