"""A team's week, from the first invitation to the day somebody leaves: once as people have it, once with scripts off.

``THOLOS_SHOTS=FOLDER`` keeps a picture of every step, light and dark, wide and narrow.
"""

from __future__ import annotations

import csv
import io
import os
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tholos.testing.installation import Installation

SHOTS = os.environ.get("THOLOS_SHOTS", "")
SLOW_MS = 60_000
"""For what builds an environment and starts a process."""
APP = '''"""Answers with its version, and with what it was given; needs no package."""

import os

if os.environ.get("SOURCE") == "nowhere":
    raise LookupError("the source of the figures is nowhere")


def application(environ, start_response):
    print("asked for", environ["PATH_INFO"], flush=True)
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
    return [f"<title>Figures</title><h1>VERSION {os.environ.get('KEY', 'no key')}</h1>".encode()]
'''


@dataclass
class Member:
    """Somebody of the team, with a browser of their own."""

    name: str
    page: Page
    server: Installation

    def goto(self, path: str) -> None:
        self.page.goto(f"{self.server.url}{path}")

    def press(self, name: str, *, exact: bool = False) -> None:
        self.page.get_by_role("button", name=name, exact=exact).click()

    def fill(self, **fields: str) -> None:
        for label, text in fields.items():
            self.page.locator(f"main [name={label}]:visible").first.fill(text)

    def reads(self, text: str | re.Pattern[str]) -> None:
        expect(self.page.locator("main")).to_contain_text(text, timeout=SLOW_MS)

    def is_done(self) -> None:
        """The operation that is shown has come to a good end."""
        expect(self.page.locator("#outcome")).to_contain_text("is live", timeout=SLOW_MS)

    def opens(self, app: str, text: str) -> None:
        """Open an app as a visitor does, by its address."""
        self.page.goto(f"http://{app}.localhost:{self.server.port}/")
        expect(self.page.locator("h1")).to_have_text(text, timeout=SLOW_MS)


@dataclass
class Week:
    """The story, told in order; each method is a step."""

    server: Installation
    browsing: Callable[..., BrowserContext]
    folder: Path
    options: dict[str, object]
    mark: str
    people: dict[str, Member] = field(default_factory=dict)
    count: int = 0

    @property
    def app(self) -> str:
        return f"figures-{self.mark}"

    def look(self, member: Member, step: str) -> None:
        """Keep four pictures of what somebody sees."""
        self.count += 1
        if not SHOTS:
            return
        for scheme in ("light", "dark"):
            member.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            for width in (1280, 390):
                member.page.set_viewport_size({"width": width, "height": 800})
                name = f"{self.mark}-{self.count:02}-{step}-{scheme}-{width}.png"
                member.page.screenshot(path=Path(SHOTS) / name, full_page=True)
        member.page.emulate_media(color_scheme="light")
        member.page.set_viewport_size({"width": 1280, "height": 800})

    def member(self, name: str) -> Member:
        made = Member(f"{name}-{self.mark}", self.browsing(**self.options).new_page(), self.server)
        self.people[name] = made
        return made

    # Monday

    def the_administrator_comes(self) -> None:
        admin = self.member("olga")
        body = {"name": admin.name, "role": "administrator"}
        link = str(self.server.api("POST", "/api/v1/accounts", body)["sign_in_url"])
        admin.page.goto(link)
        self.look(admin, "sign-in-link")
        admin.press("Sign in as")
        expect(admin.page.locator("h1")).to_have_text("Apps")
        self.look(admin, "home-empty")

    def invite(self, name: str, role: str) -> None:
        """The administrator makes a link, and whoever has it makes an account by it."""
        admin, new = self.people["olga"], self.member(name)
        admin.goto("/invitations")
        admin.page.locator("[name=role]").select_option(role)
        admin.fill(email=f"{name}@example.org")
        admin.press("Make the link")
        link = admin.page.locator(".cause.new code").inner_text()
        self.look(admin, f"invitation-made-{name}")
        new.page.goto(link)
        self.look(new, f"invitation-{name}")
        new.fill(name=new.name, full_name=name.capitalize(), password="a few plain words")
        new.page.locator("main form").first.get_by_role("button").click()
        expect(new.page.locator("h1")).to_have_text("Apps")

    def an_invitation_is_good_once(self) -> None:
        admin = self.people["olga"]
        admin.goto("/invitations")
        admin.reads("Used by")
        self.look(admin, "invitations")

    # Tuesday

    def publish_by_command(self) -> None:
        """From the terminal, with a token that was made on the account's page."""
        ada = self.people["ada"]
        ada.goto("/account")
        ada.fill(label="laptop")
        ada.press("Make")
        self.look(ada, "token-made")
        token = ada.page.locator(".cause.new code").first.inner_text()
        path = self.folder / self.app
        path.mkdir()
        (path / "app.py").write_text(APP.replace("VERSION", "one"))
        done = self.server.cli("publish", str(path), "-m", "The first", token=token)
        assert done.returncode == 0, done.stdout + done.stderr
        ada.opens(self.app, "one no key")
        ada.goto(f"/apps/{self.app}")
        self.look(ada, "overview")

    def publish_a_draft_by_drop_zone(self) -> None:
        ada = self.people["ada"]
        ada.goto("/publish")
        self.look(ada, "publish")
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("app.py", APP.replace("VERSION", "two"))
        upload = {"name": f"{self.app}.zip", "mimeType": "application/zip", "buffer": packed.getvalue()}
        ada.page.locator("#drop-archive").set_input_files(upload)  # type: ignore[arg-type]
        ada.fill(name=self.app, message="The second")
        ada.page.locator("[data-drop] [name=draft]").check()
        ada.press("Send and look at it")
        expect(ada.page.locator("[name=entrypoint]")).to_have_value("app:application", timeout=SLOW_MS)
        self.look(ada, "publish-check")
        ada.press("Publish", exact=True)
        expect(ada.page.locator("#outcome")).to_contain_text("is a draft", timeout=SLOW_MS)
        self.look(ada, "draft-made")
        ada.opens(f"{self.app}--r2", "two no key")
        ada.opens(self.app, "one no key")

    def activate_the_draft(self) -> None:
        ada = self.people["ada"]
        ada.goto(f"/apps/{self.app}/compare?a=1&b=2&file=app.py")
        ada.reads("app.py")
        self.look(ada, "compare")
        ada.goto(f"/apps/{self.app}/releases")
        self.look(ada, "releases-with-draft")
        ada.press("Make live release 2")
        ada.is_done()
        self.look(ada, "activated")
        ada.opens(self.app, "two no key")

    # Wednesday

    def share_and_unshare(self) -> None:
        """The viewer asks, is let in, loses it again, and gets it back by a share."""
        ada, vic = self.people["ada"], self.people["vic"]
        vic.page.goto(f"http://{self.app}.localhost:{self.server.port}/")
        expect(vic.page.locator("h1")).to_contain_text("is not shared with you", timeout=SLOW_MS)
        vic.fill(message="I write the report.")
        vic.press("Ask for access")
        vic.reads("You asked for access")
        self.look(vic, "asked-for-access")

        ada.goto(f"/apps/{self.app}/access")
        ada.reads("I write the report.")
        self.look(ada, "access-asked")
        ada.press(f"Let {vic.name} open it")
        vic.opens(self.app, "two no key")

        ada.goto(f"/apps/{self.app}/access")
        ada.press(f"Take back from {vic.name}")
        self.look(ada, "take-back-preview")
        if ada.page.get_by_role("button", name="Apply", exact=True).count():
            ada.press("Apply", exact=True)
        vic.page.goto(f"http://{self.app}.localhost:{self.server.port}/")
        expect(vic.page.locator("h1")).to_contain_text("is not shared with you", timeout=SLOW_MS)

        ada.goto(f"/apps/{self.app}/access")
        ada.fill(who=vic.name)
        ada.page.locator("form.panel").filter(has_text="Share it").get_by_role("button").click()
        ada.reads("This will happen")
        self.look(ada, "share-preview")
        ada.press("Apply", exact=True)
        vic.opens(self.app, "two no key")
        self.look(vic, "app-as-viewer")
        vic.goto("/")
        vic.reads(self.app)
        self.look(vic, "home-of-the-viewer")

    # Thursday

    def set_and_rotate_a_secret(self) -> None:
        ada = self.people["ada"]
        for value in ("k-1", "k-2"):
            ada.goto(f"/apps/{self.app}/settings")
            ada.page.locator("#set [name=variable]").fill("KEY")
            ada.page.locator("#set [name=kind]").select_option("secret")
            ada.page.locator("#set [name=value]").fill(value)
            ada.press("Set it")
            ada.is_done()
            ada.opens(self.app, f"two {value}")
        ada.goto(f"/apps/{self.app}/settings")
        assert "k-2" not in ada.page.content()
        self.look(ada, "settings")

    def break_it_and_read_why(self) -> None:
        """A change that breaks the app fails and tells its cause; what serves goes on."""
        ada, vic = self.people["ada"], self.people["vic"]
        ada.goto(f"/apps/{self.app}/settings")
        ada.page.locator("#set [name=variable]").fill("SOURCE")
        ada.page.locator("#set [name=kind]").select_option("plain")
        ada.page.locator("#set [name=value]").fill("nowhere")
        ada.press("Set it")
        ada.reads("the source of the figures is nowhere")
        self.look(ada, "change-failed")
        vic.opens(self.app, "two k-2")
        ada.goto(f"/apps/{self.app}/logs")
        ada.reads("asked for /")
        self.look(ada, "logs")
        ada.goto(f"/apps/{self.app}")
        ada.reads("the source of the figures is nowhere")
        self.look(ada, "why")

    def fix_by_rollback(self) -> None:
        """A bad release is live for a moment; one press returns what was before, and another one undoes that."""
        ada, vic = self.people["ada"], self.people["vic"]
        path = self.folder / self.app
        (path / "app.py").write_text(APP.replace("VERSION", "wrong"))
        done = self.server.cli("publish", str(path), "-m", "A mistake", token=self._token(ada))
        assert done.returncode == 0, done.stdout + done.stderr
        vic.opens(self.app, "wrong k-2")
        ada.goto(f"/apps/{self.app}/releases")
        self.look(ada, "releases-with-mistake")
        ada.press("Roll back to release")
        ada.is_done()
        self.look(ada, "rolled-back")
        vic.opens(self.app, "two k-2")
        expect(ada.page.get_by_role("button", name="Undo")).to_be_visible()

    def _token(self, member: Member) -> str:
        answer = member.page.request.post(
            f"{self.server.url}/api/v1/tokens", data={}, headers={"Origin": self.server.url}
        )
        assert answer.ok, answer.text()
        return str(answer.json()["token"])

    # Friday

    def somebody_leaves(self) -> None:
        """The publisher's app goes to the administrator, and the account is closed at once."""
        admin, ada, vic = self.people["olga"], self.people["ada"], self.people["vic"]
        admin.goto(f"/people/{ada.name}")
        self.look(admin, "person")
        admin.fill(to=admin.name)
        admin.page.locator("form.panel").filter(has_text="Hand").get_by_role("button").first.click()
        admin.reads("This will happen")
        self.look(admin, "hand-over-preview")
        admin.press("Apply", exact=True)
        admin.goto(f"/people/{ada.name}")
        admin.press("Disable")
        admin.reads("disabled")
        self.look(admin, "person-disabled")
        ada.goto("/")
        expect(ada.page.locator("h1")).to_contain_text("Sign in")
        vic.opens(self.app, "two k-2")

    def export_the_audit(self) -> None:
        admin, ada = self.people["olga"], self.people["ada"]
        admin.goto("/audit")
        self.look(admin, "audit")
        with admin.page.expect_download() as caught:
            admin.page.get_by_role("link", name="CSV").click()
        with Path(caught.value.path()).open(newline="") as file:
            deeds = {(row["action"], row["actor"]) for row in csv.DictReader(file)}
        did = {action for action, actor in deeds if actor == ada.name}
        assert {
            "app.made", "release.publish_begun", "release.draft_made", "release.activated",
            "release.rolled_back", "app.shared", "app.unshared", "access.granted", "secret.set", "variable.set",
        } <= did  # fmt: skip
        assert ("account.disabled", admin.name) in deeds

    def look_at_the_installation(self) -> None:
        admin = self.people["olga"]
        admin.goto("/admin")
        admin.reads("Health")
        self.look(admin, "admin")


@pytest.mark.timeout(400)
@pytest.mark.parametrize("has_scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_week(
    server: Installation, browsing: Callable[..., BrowserContext], tmp_path: Path, *, has_scripts: bool
) -> None:
    mark = "live" if has_scripts else "plain"
    week = Week(server, browsing, tmp_path, {"java_script_enabled": has_scripts}, mark)
    week.the_administrator_comes()
    week.invite("ada", "publisher")
    week.invite("vic", "viewer")
    week.an_invitation_is_good_once()
    week.publish_by_command()
    week.publish_a_draft_by_drop_zone()
    week.activate_the_draft()
    week.share_and_unshare()
    week.set_and_rotate_a_secret()
    week.break_it_and_read_why()
    week.fix_by_rollback()
    week.somebody_leaves()
    week.export_the_audit()
    week.look_at_the_installation()
