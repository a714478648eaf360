"""What the console refuses before it reads, how often it lets passwords be tried, and what its errors are sent with."""

import asyncio
import json
import threading

import pytest
from sqlalchemy.exc import OperationalError

from tholos.accounts import passwords
from tholos.accounts import service as accounts
from tholos.accounts.models import Token
from tholos.accounts.passwords import WRONG_AT_MOST, hash_password
from tholos.accounts.service import ACCESS_TOPIC
from tholos.kit.notices import Notices
from tholos.kit.services import Services
from tholos.publishing import content
from tholos.server.application import BODY_LIMIT
from tholos.testing.waiting import until_async

PASSWORD = "correct horse"
OWN = {"origin": "http://localhost:8080", "accept": "text/html"}
PIECE = b"x" * 65536


FORM = "application/x-www-form-urlencoded"


async def _stream(asgi, path, pieces, *, content_length=None):
    """Send a body piece by piece; the answer, and how many pieces were taken."""
    headers = {"content-length": str(content_length)} if content_length is not None else {}
    scope = asgi.with_headers(**headers)._scope("POST", path, b"")
    taken, sent = 0, []

    async def receive():
        nonlocal taken
        if taken < pieces:
            taken += 1
            return {"type": "http.request", "body": PIECE, "more_body": taken < pieces}
        await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    async with asyncio.timeout(20):
        await asgi.application(scope, receive, send)
    start = next(one for one in sent if one["type"] == "http.response.start")
    body = b"".join(one.get("body", b"") for one in sent)
    return start["status"], json.loads(body)["error"]["code"], taken


class TestBodies:
    @pytest.mark.parametrize("path", ["/api/v1/content/missing", "/api/v1/tokens", "/sign-in", "/nowhere"])
    async def test_one_that_says_it_is_too_large_is_not_read(self, console, path):
        answer = await _stream(console.nobody, path, 1000, content_length=BODY_LIMIT + 1)
        assert answer == (413, "body_too_large", 0)

    @pytest.mark.parametrize(
        ("path", "content_type"),
        [("/api/v1/content/missing", "application/json"), ("/api/v1/tokens", ""), ("/sign-in", FORM)],
    )
    async def test_one_that_turns_out_too_large_is_not_read_on(self, console, path, content_type):
        nobody = console.nobody.with_headers(content_type=content_type)
        status, code, taken = await _stream(nobody, path, 1000)
        assert (status, code) == (413, "body_too_large")
        assert taken <= BODY_LIMIT // len(PIECE) + 1

    async def test_a_form_too_is_bounded(self, console):
        form = console.nobody.with_headers(content_type=FORM, **OWN)
        answer = await form.ask("POST", "/sign-in", b"name=" + b"x" * BODY_LIMIT)
        assert answer.status == 413

    @pytest.mark.parametrize("path", ["/api/v1/content/packs", "/api/v1/snapshots"])
    async def test_without_a_credential_nothing_of_a_large_one_is_read(self, console, path):
        assert await _stream(console.nobody, path, 1000) == (401, "not_signed_in", 0)

    async def test_content_has_limits_of_its_own(self, console, monkeypatch):
        monkeypatch.setattr(content, "JSON_LIMIT", 4 << 20)
        status, code, taken = await _stream(console.by_token("ada"), "/api/v1/snapshots", 1000)
        assert (status, code, taken) == (413, "body_too_large", (4 << 20) // len(PIECE) + 1)

    async def test_ten_thousand_hashes_are_taken(self, console):
        hashes = [f"{number:064x}" for number in range(10_000)]
        answer = await console.by_token("ada").post("/api/v1/content/missing", {"hashes": hashes})
        assert (answer.status, len(answer.json["missing"])) == (200, 10_000)

    async def test_a_file_of_too_many_chunks_is_refused(self, console):
        chunks = [["a" * 64, 1]] * (content.CHUNKS_AT_MOST + 1)
        file = {"path": "a", "size": len(chunks), "sha256": "a" * 64, "executable": False, "chunks": chunks}
        answer = await console.by_token("ada").post("/api/v1/snapshots", {"files": [file]})
        assert (answer.status, answer.json["error"]["where"]) == (400, "files.0.chunks")


class TestErrors:
    async def test_a_foreign_post_by_cookie_is_refused_as_a_page(self, console):
        browser = console.by_session("ada").with_headers(origin="http://evil.example")
        answer = await browser.form("/account/tokens", {"label": "x", "days": "1"})
        assert answer.status == 403
        assert answer.headers["content-type"].startswith("text/html")

    async def test_a_page_of_an_error_is_shown_without_a_database(self, console, monkeypatch):
        browser = console.by_session("ada")

        def fail():
            raise OperationalError("SELECT", {}, Exception("gone"))

        monkeypatch.setattr(console.database, "read", fail)
        assert (await browser.get("/nowhere")).status == 404

    async def test_what_errors_are_sent_with(self, console):
        answer = await console.nobody.get("/api/v1/me")
        assert answer.headers["www-authenticate"].startswith("Bearer")
        answer = await console.nobody.ask("PATCH", "/api/v1/tokens")
        assert (answer.status, answer.headers["allow"]) == (405, "GET, POST")
        answer = await console.by_token("ada").get("/api/v1/apps/")
        assert answer.status == 404  # and no redirect to what the client did not ask for


class TestPasswords:
    @pytest.fixture
    def ada(self, console):
        hashed = hash_password(PASSWORD)
        with console.database.write() as db:
            accounts.set_password(db, console.people.ada.account_id, hashed)
        return console.people.ada

    @staticmethod
    def _quick(monkeypatch):
        monkeypatch.setattr(
            passwords, "is_password", lambda kept, password: bool(kept.hash) and password == PASSWORD
        )

    async def test_too_many_wrong_ones_are_refused_unseen(self, console, ada, monkeypatch, clock):
        self._quick(monkeypatch)
        for _ in range(WRONG_AT_MOST):
            answer = await console.nobody.post("/api/v1/tokens", {"name": "ada", "password": "wrong"})
            assert answer.status == 401
        answer = await console.nobody.post("/api/v1/tokens", {"name": "ada", "password": PASSWORD})
        assert (answer.status, answer.json["error"]["code"]) == (429, "too_many_attempts")
        assert 0 < int(answer.headers["retry-after"]) <= 901
        page = await console.nobody.with_headers(**OWN).form(
            "/sign-in", {"name": "ada", "password": PASSWORD}
        )
        assert page.status == 429
        assert "too many wrong passwords" in page.text
        assert 0 < int(page.headers["retry-after"]) <= 901
        clock.move(passwords.WRONG_WITHIN)
        answer = await console.nobody.post("/api/v1/tokens", {"name": "ada", "password": PASSWORD})
        assert answer.status == 201

    async def test_an_address_is_the_one_that_the_door_saw(self, console, ada, monkeypatch):
        self._quick(monkeypatch)
        one, other = (
            console.nobody.with_headers(x_forwarded_for=address) for address in ("10.0.0.1", "10.0.0.2")
        )
        for number in range(WRONG_AT_MOST):
            await one.post("/api/v1/tokens", {"name": f"nobody{number}", "password": "x"})
        body = {"name": "ada", "password": PASSWORD}
        assert (await one.post("/api/v1/tokens", body)).status == 429
        assert (await other.post("/api/v1/tokens", body)).status == 201

    async def test_who_waits_for_a_password_keeps_nobody_waiting(self, console, ada, monkeypatch):
        """Two are checked at once, outside every transaction; forty others do not hold what the rest needs."""
        at_once, most, lock, may_end = 0, 0, threading.Lock(), threading.Event()

        def slowly(kept, password):
            nonlocal at_once, most
            with lock:
                at_once += 1
                most = max(most, at_once)
            may_end.wait(30)
            with lock:
                at_once -= 1
            return False

        monkeypatch.setattr(passwords, "is_password", slowly)
        token = console.by_token("bob")
        async with asyncio.TaskGroup() as group:
            tries = [
                group.create_task(
                    console.nobody.with_headers(x_forwarded_for=f"10.0.0.{number}").post(
                        "/api/v1/tokens", {"name": f"nobody{number}", "password": "x"}
                    )
                )
                for number in range(40)
            ]
            await until_async(lambda: at_once == passwords.AT_ONCE)
            assert (await token.get("/api/v1/me")).status == 200
            assert at_once == passwords.AT_ONCE
            may_end.set()
        assert most == passwords.AT_ONCE
        assert {one.result().status for one in tries} <= {401, 503}

    async def test_changing_it_ends_the_other_browsers(self, console, ada):
        here, there = console.by_session("ada"), console.by_session("ada")
        services: Services = console.application.state.services
        with services.get(Notices).watch(ACCESS_TOPIC) as told:
            answer = await here.form("/account/password", {"current": PASSWORD, "password": "another horse"})
            assert answer.status == 200
            await asyncio.wait_for(told.wait(), 5)
        assert (await here.get("/account")).status == 200
        assert (await there.get("/account")).status in {303, 401}

    async def test_a_wrong_one_changes_nothing(self, console, ada):
        answer = await console.by_session("ada").form(
            "/account/password", {"current": "x", "password": "another horse"}
        )
        assert answer.status == 400
        assert "not your present password" in answer.text

    async def test_a_link_of_no_worth_costs_no_hashing(self, console, monkeypatch):
        monkeypatch.setattr(passwords, "hash_password", lambda _: pytest.fail("it was hashed"))
        form = {"code": "AAAAA-AAAAA-AAAAA-AAAAA", "password": "x" * 10}
        assert (await console.nobody.with_headers(**OWN).form("/setup", form)).status == 401


class TestTokens:
    async def test_one_made_by_another_ends_with_it(self, console):
        answer = await console.by_token("ada").post("/api/v1/tokens", {"days": 365})
        assert answer.status == 201
        with console.database.read() as db:
            assert len({token.expires_at for token in db.query(Token)}) == 1

    async def test_its_last_use_is_noted_at_most_once_a_minute(self, console, clock):
        ada = console.by_token("ada")

        def noted():
            with console.database.read() as db:
                return db.query(Token).one().last_used_at

        await ada.get("/api/v1/me")
        first = noted()
        assert first == clock.now()
        clock.move(30)
        await ada.get("/api/v1/me")
        assert noted() == first
        clock.move(31)
        await ada.get("/api/v1/me")
        assert noted() == clock.now()
