"""Nobody reads the values of secrets in a log: whatever they ask for, and wherever they begin."""

from pathlib import Path

import pytest

from tholos.instances import service as instances
from tholos.instances.models import InstanceState
from tholos.kit.sealing import Sealer
from tholos.runtime.layout import Layout
from tholos.variables import service as variables

URL = "/api/v1/apps/sales/logs"
SECRET = "s3cr3t-of-the-shop"
LINES = f"begun\nINFO:root:password={SECRET}\nplain é\n".encode()


class Shop:
    """An app with one secret, whose one instance has ended."""

    def __init__(self, console, folder) -> None:
        self.console = console
        self.app, self.release = console.add_app("ada", "sales")
        self.ada, self.browser = console.by_token("ada"), console.by_session("ada")
        self.sealer = console.application.state.services.get(Sealer)
        with console.database.write() as db:
            secret = self.add_secret(db, SECRET)
            release = db.merge(self.release)
            release.settings = {**release.settings, "variables": {"PASSWORD": secret.id}}
            made = instances.create_instance(db, self.app, release, Layout(folder), console.clock.now())
            instances.set_state(db, made.id, InstanceState.STOPPED, "", console.clock.now())
        self.instance, self.path = made.id, Path(made.log)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(LINES)

    def add_secret(self, db, value):
        ada = self.console.people.ada
        return variables.add_secret(
            db, self.sealer, ada, self.app, "PASSWORD", value, self.console.clock.now()
        )

    async def text(self, query: str) -> str:
        answer = await self.ada.get(f"{URL}?{query}")
        assert answer.status == 200, answer.text
        return answer.text

    async def followed(self, offset: int) -> str:
        return await self.text(f"follow=true&only=true&instance={self.instance}&offset={offset}")


@pytest.fixture
def shop(console, tmp_path):
    return Shop(console, tmp_path / "data")


def shows_some(text: str) -> bool:
    return any(SECRET[at : at + 3] in text for at in range(len(SECRET) - 2))


async def test_following_from_within_a_line_begins_with_all_of_it(shop):
    for offset in range(len(LINES) + 3):
        text = await shop.followed(offset)
        assert not shows_some(text), offset
    assert await shop.followed(LINES.index(b"3cr")) == "INFO:root:password=••••\nplain é\n"
    assert await shop.followed(LINES.index(b"INFO")) == "INFO:root:password=••••\nplain é\n"
    assert await shop.followed(len(LINES)) == ""


async def test_no_other_way_begins_within_a_line(shop):
    for offset in range(len(LINES) + 3):
        assert not shows_some(await shop.text(f"before={offset}"))
    assert not shows_some(await shop.text("download=true"))


async def test_what_is_masked_is_not_found(shop):
    """Else a secret could be guessed a letter at a time."""
    asked = ["password=s3", "password=s4", "s3cr3t", SECRET, SECRET.upper()]
    follow = f"follow=true&only=true&instance={shop.instance}&offset=0"
    for q in asked:
        assert await shop.text(f"q={q}") == ""
        assert await shop.text(f"q={q}&level=info&before={len(LINES)}") == ""
        assert await shop.text(f"{follow}&q={q}") == ""
        page = await shop.browser.get(f"/apps/sales/logs?q={q}")
        assert page.text.count('class="line') == 0
    for q in ("password=", "PASSWORD", "root"):
        assert await shop.text(f"q={q}") == "INFO:root:password=••••\n"
        assert await shop.text(f"{follow}&q={q}") == "INFO:root:password=••••\n"


async def test_what_is_not_found_is_not_counted(shop):
    """Neither in how many are told, nor in whether there are more."""
    shop.path.write_bytes(b"one s3\n" + LINES * 3)
    assert await shop.text("q=s3&lines=1") == "one s3\n"
    shop.path.write_bytes(b"s3\n" * 600 + LINES * 600)
    page = await shop.browser.get("/apps/sales/logs?q=s3")
    assert page.text.count('class="line') == 500
    assert 'id="L600"' in page.text


async def test_an_overlong_line_is_masked_where_it_is_cut(shop):
    for short in range(0, len(SECRET) + 1, 3):
        shop.path.write_bytes(b"x" * ((64 << 10) - short) + SECRET.encode() + b"y" * 100 + b"\n")
        text = await shop.text("lines=10")
        assert not shows_some(text)
        assert "bytes more" in text
