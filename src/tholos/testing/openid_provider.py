"""A real OpenID Connect provider for tests: npm's ``oidc-provider``, started with the people that a test gives it.

It is installed on first use, by its lock file, into the user's cache. Where Node.js is missing this fails and says so.
"""

from __future__ import annotations

import contextlib
import hashlib
import html
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin

import httpx

FOLDER = Path(__file__).parent / "openid"
FILES = ("package.json", "package-lock.json", "provider.js")
INSTALL_S = 300.0
STEPS_AT_MOST = 20
_FORM = re.compile(r'<form[^>]*action="([^"]+)"[^>]*>(.*?)</form>', re.DOTALL)
_HIDDEN = re.compile(r'<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"')

People = Mapping[str, Mapping[str, object]]
"""What the provider says of each person, by the name that one signs in with; ``sub`` is that name unless it is given."""


class NodeMissing(AssertionError):
    """The programs of Node.js are not on this machine."""


@dataclass(frozen=True, slots=True)
class Registered:
    """What Tholos is at the provider."""

    redirect_uris: Sequence[str]
    client_id: str = "tholos"
    client_secret: str = field(default="a secret for tests, long enough", repr=False)
    auth_method: str = "client_secret_basic"


class RealProvider:
    """A provider that runs."""

    def __init__(
        self, folder: Path, people: People, registered: Registered, port: int, *, by_userinfo: bool
    ) -> None:
        self.registered = registered
        self._given = {
            "port": port,
            "people": people,
            "claims_by_userinfo": by_userinfo,
            "client": {
                "client_id": registered.client_id,
                "client_secret": registered.client_secret,
                "redirect_uris": [*registered.redirect_uris],
                "token_endpoint_auth_method": registered.auth_method,
            },
        }
        self.issuer = f"http://127.0.0.1:{port}"
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Returns once it answers; after a stop it has new keys and has forgotten who was signed in."""
        process = subprocess.Popen(
            [find_program("node"), str(self._folder / "provider.js")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self._process = process
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(self._given))
        process.stdin.close()
        said = [line := process.stdout.readline()]
        while line and line != "ready\n":
            said.append(line := process.stdout.readline())
        assert line, f"the provider did not start:\n{''.join(said)}"

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stdout:
                self._process.stdout.close()
            self._process = None

    def set_people(self, people: People) -> None:
        """From now on it knows these."""
        self._given["people"] = people
        httpx.put(
            f"{self.issuer}/test/people", content=json.dumps(people), trust_env=False
        ).raise_for_status()


def sign_in(url: str, name: str, *, to: str, is_agreed: bool = True) -> str:
    """Do as a person in a browser who signs in by this name, up to where the provider sends the browser back.

    Args:
        url: where Tholos sent the browser.
        name: what the person types.
        to: what the address begins with that ends it.
        is_agreed: whether the person agrees, or goes away by the page's own link.
    """
    with httpx.Client(trust_env=False) as browser:
        response = browser.get(url)
        for _ in range(STEPS_AT_MOST):
            location: str = response.headers.get("location", "")
            target = urljoin(str(response.url), location)
            if response.is_redirect and target.startswith(to):
                return target
            if response.is_redirect:
                response = browser.get(target)
            elif not is_agreed:
                response = browser.get(f"{str(response.url).rstrip('/')}/abort")
            else:
                response = _fill_in(browser, response, name)
    raise AssertionError(f"the provider leads nowhere: {response.text[:500]}")


def _fill_in(browser: httpx.Client, response: httpx.Response, name: str) -> httpx.Response:
    found = _FORM.search(response.text)
    assert found, f"no form on {response.url} ({response.status_code}):\n{response.text[:2000]}"
    fields = {key: html.unescape(value) for key, value in _HIDDEN.findall(found[2])}
    if 'name="login"' in found[2]:
        fields |= {"login": name, "password": "anything"}
    return browser.post(urljoin(str(response.url), html.unescape(found[1])), data=fields)


@contextlib.contextmanager
def running(
    people: People, registered: Registered, *, by_userinfo: bool = True, port: int = 0
) -> Iterator[RealProvider]:
    """A provider that answers.

    Args:
        people: whom it knows.
        registered: the client that it knows.
        by_userinfo: whether claims beyond the subject are only at its userinfo endpoint, as the standard would have it,
            or in the ID token as well.
        port: to listen on; else a free one.
    """
    provider = RealProvider(install(), people, registered, port or free_port(), by_userinfo=by_userinfo)
    try:
        provider.start()
        yield provider
    finally:
        provider.stop()


def install(cache: Path | None = None) -> Path:
    """The folder with the provider and its packages, installed if it is not there.

    Raises: NodeMissing.
    """
    digest = hashlib.sha256(b"\0".join((FOLDER / name).read_bytes() for name in FILES)).hexdigest()[:16]
    target = (cache or _cache()) / f"openid-{digest}"
    if target.exists():
        return target
    npm = find_program("npm")
    target.parent.mkdir(parents=True, exist_ok=True)
    # Beside it and then renamed: two test runs may begin at once, and one may be cut off.
    with tempfile.TemporaryDirectory(dir=target.parent) as unfinished:
        folder = Path(unfinished) / "openid"
        folder.mkdir()
        for name in FILES:
            shutil.copy(FOLDER / name, folder)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        ran = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_S, check=False
        )
        assert ran.returncode == 0, f"npm ci failed:\n{ran.stdout}\n{ran.stderr}"
        with contextlib.suppress(OSError):  # somebody else was faster, with the same
            folder.rename(target)
    assert target.exists()
    return target


def find_program(name: str) -> str:
    """Raises: NodeMissing."""
    found = shutil.which(name)
    if found is None:
        raise NodeMissing(
            f"missing: {name}; install Node.js 18 or later with npm, as root: apt-get install npm"
        )
    return found


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "tholos-tests"


def free_port() -> int:
    """For a provider whose address has to be known before it is started."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
