"""The messenger over a real database and real receivers: nothing is lost, nobody holds up anybody."""

import asyncio
import contextlib
import json
import threading
import time

import pytest
from sqlalchemy import select

from tholos.accounts import service as accounts
from tholos.apps import service as apps
from tholos.audit import service as audit
from tholos.audit.models import Action
from tholos.kit.clock import SystemClock
from tholos.kit.notices import Notices
from tholos.kit.outgoing import NotDelivered, Outgoing
from tholos.kit.sealing import Sealer
from tholos.notifications import service as notifications
from tholos.notifications.mail import MailServer, NotSent, Security
from tholos.notifications.models import Delivery, DeliveryState
from tholos.notifications.service import Wish
from tholos.notifications.tasks import Messenger
from tholos.testing.rows import add_live_app, add_people

MAIL = MailServer("mail.example.org", 25, Security.NONE, "", "", "tholos@example.org")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class World:
    """An installation with an app of ada's, and its messenger."""

    def __init__(self, database, folder, outgoing) -> None:
        self.database, self.clock, self.sealer = database, SystemClock(), Sealer(folder / "keys")
        self.notices = Notices(asyncio.get_running_loop())
        database.on_commit.append(
            lambda info: self.notices.publish(audit.TOPIC) if info.get(audit.RECORDED) else None
        )
        self.people = add_people(database, self.clock.now())
        self.app = add_live_app(database, self.people.ada, "sales", self.clock.now())[0]
        self.outgoing = outgoing
        self.mails: list = []
        self.mail_trouble: Exception | None = None
        self.post = outgoing.post

    @contextlib.asynccontextmanager
    async def messenger(self):
        one = Messenger(
            self.database, self.notices, self.clock, self.sealer, self.post, MAIL, "http://localhost:8080",
            send_mail=self._take_mail,
        )  # fmt: skip
        async with asyncio.TaskGroup() as group:
            task = group.create_task(one.run())
            await asyncio.sleep(0.1)
            try:
                yield one
            finally:
                task.cancel()

    def _take_mail(self, server, mail) -> None:
        if self.mail_trouble:
            raise self.mail_trouble
        self.mails.append(mail)

    def add_webhook(self, url, **wish):
        with self.database.write() as db:
            return notifications.create_webhook(
                db, self.sealer, self.people.ada, "sales", Wish(url, **wish), self.outgoing.allowed, self.clock.now()
            )  # fmt: skip

    def do(self, action=Action.RELEASE_MADE, times=1, **options) -> None:
        with self.database.write() as db:
            for _ in range(times):
                audit.record(db, audit.ITSELF, action, apps.subject_of(self.app), self.clock.now(), **options)

    def deliveries(self, webhook=None) -> list[Delivery]:
        with self.database.read() as db:
            found = db.scalars(select(Delivery).order_by(Delivery.id)).all()
        return [one for one in found if webhook is None or one.webhook_id == webhook.id]

    async def until(self, is_so, seconds=10.0) -> None:
        async with asyncio.timeout(seconds):
            while not is_so():  # noqa: ASYNC110 - rows tell nobody
                await asyncio.sleep(0.02)


@pytest.fixture
async def here(sqlite_database, tmp_path, outgoing) -> World:
    """Made on the loop, since notices need it."""
    return World(sqlite_database, tmp_path, outgoing)


async def test_a_deed_arrives_signed(here, receiver):
    receiver.answer = OK
    hook, secret = here.add_webhook(receiver.url)
    async with here.messenger():
        here.do(after={"release": 4})
        await here.until(lambda: [one.state for one in here.deliveries(hook)] == ["delivered"])
    (delivery,) = here.deliveries(hook)
    assert (delivery.attempts, delivery.last_status, delivery.next_at) == (1, 200, None)
    head = dict(line.split(": ", 1) for line in receiver.heads[0].decode().splitlines()[1:] if line)
    assert head["webhook-id"] == delivery.id
    assert abs(int(head["webhook-timestamp"]) - time.time()) < 10
    assert head["webhook-signature"].startswith("v1,")
    assert secret not in receiver.heads[0].decode()
    body = json.loads(receiver.bodies[0])
    assert (body["type"], body["data"]["after"]) == ("release.made", {"release": 4})


async def test_a_chat_gets_a_line(here, receiver):
    hook, _ = here.add_webhook(receiver.url, form="slack")
    async with here.messenger():
        here.do()
        await here.until(lambda: [one.state for one in here.deliveries(hook)] == ["delivered"])
    assert set(json.loads(receiver.bodies[0])) == {"text"}


async def test_one_that_never_answers_holds_up_nobody(here, receiver):
    """While one receiver hangs with twenty messages waiting, another gets all of its own."""

    async def hang(port_reader, writer):
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(30)
        writer.close()

    async with await asyncio.start_server(hang, "127.0.0.1", 0) as stuck:
        slow, _ = here.add_webhook(f"http://127.0.0.1:{stuck.sockets[0].getsockname()[1]}/")
        quick, _ = here.add_webhook(receiver.url)
        here.post = Outgoing(here.outgoing.allowed, total_s=15.0).post
        async with here.messenger():
            here.do(times=20)
            await here.until(lambda: {one.state for one in here.deliveries(quick)} == {"delivered"})
            assert len(receiver.bodies) == 20
            assert {one.state for one in here.deliveries(slow)} == {DeliveryState.QUEUED}


async def test_a_failure_is_noted_with_its_reason_and_tried_later(here, receiver):
    receiver.answer = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
    hook, _ = here.add_webhook(receiver.url)
    async with here.messenger():
        here.do()
        await here.until(lambda: here.deliveries(hook) and here.deliveries(hook)[0].attempts == 1)
    (delivery,) = here.deliveries(hook)
    assert (delivery.state, delivery.last_status) == (DeliveryState.FAILED, 302)
    assert "169.254.169.254" in delivery.last_error
    assert "refused" in delivery.last_error
    assert 50 < (delivery.next_at - here.clock.now()).total_seconds() <= 60


async def test_what_was_cut_off_is_sent_again_under_the_same_id(here, receiver):
    """The server ends while a message is under way, and another one begins: at least once, and known by its id."""
    ids: list[str] = []
    is_cut = asyncio.Event()

    async def cut_off(url, content, headers):
        ids.append(headers["webhook-id"])
        is_cut.set()
        await asyncio.sleep(30)
        raise NotDelivered("never")

    hook, _ = here.add_webhook(receiver.url)
    here.post = cut_off
    async with here.messenger():
        here.do()
        async with asyncio.timeout(20):
            await is_cut.wait()
    assert [(one.state, one.attempts) for one in here.deliveries(hook)] == [("queued", 0)]
    here.do()  # nobody runs: it is found at the next start
    here.post = here.outgoing.post
    async with here.messenger():
        await here.until(lambda: [one.state for one in here.deliveries(hook)] == ["delivered"] * 2)
    assert f"webhook-id: {ids[0]}" in receiver.heads[0].decode()


async def test_a_mistake_of_ours_ends_one_attempt_only(here, receiver):
    hook, _ = here.add_webhook(receiver.url)
    real = here.outgoing.post
    calls: list[int] = []

    async def break_once(url, content, headers):
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError
        return await real(url, content, headers)

    here.post = break_once
    async with here.messenger():
        here.do(times=2)
        await here.until(
            lambda: sorted(one.state for one in here.deliveries(hook)) == ["delivered", "failed"]
        )
    (failed,) = [one for one in here.deliveries(hook) if one.state == "failed"]
    assert "ZeroDivisionError" in failed.last_error


async def test_a_webhook_that_was_switched_off_gets_nothing_more(here, receiver):
    hook, _ = here.add_webhook(receiver.url)
    here.do()
    with here.database.write() as db:
        notifications.change_webhook(
            db, here.sealer, here.people.ada, hook.id, Wish(is_active=False), None, (), here.clock.now()
        )
    async with here.messenger():
        test_id = ""
        with here.database.write() as db:
            test_id = notifications.send_test(db, here.people.ada, hook.id, "", here.clock.now()).id
        await here.until(
            lambda: [one.state for one in here.deliveries(hook) if one.id == test_id] == ["delivered"]
        )
    assert [one.id for one in here.deliveries(hook)] == [test_id], "a test goes out all the same"


async def test_mail_goes_out_and_a_refusal_for_good_is_given_up(here):
    with here.database.write() as db:
        accounts.get_account(db, here.people.ada.account_id).email = "ada@example.org"
    async with here.messenger():
        here.do(Action.APP_FAILING)
        await here.until(lambda: here.mails)
        here.mail_trouble = NotSent("550 no such person", final=True, status=550)
        here.do(Action.APP_SERVING)
        here.do(Action.APP_FAILING)
        await here.until(
            lambda: (
                [one.state for one in here.deliveries() if one.channel == "mail"] == ["delivered", "given_up"]
            )
        )
    (mail,) = here.mails
    assert (mail.to, mail.subject) == ("ada@example.org", "sales fails")
    found = [one for one in here.deliveries() if one.channel == "mail"]
    assert mail.id == found[0].id
    assert (found[1].last_status, found[1].last_error) == (550, "550 no such person")


async def test_a_mail_server_that_hangs_delays_no_webhook(here, receiver):
    with here.database.write() as db:
        accounts.get_account(db, here.people.ada.account_id).email = "ada@example.org"
    hook, _ = here.add_webhook(receiver.url)
    goes_on = threading.Event()
    here._take_mail = lambda server, mail: goes_on.wait(30)
    async with here.messenger():
        here.do(Action.APP_FAILING)
        await here.until(lambda: [one.state for one in here.deliveries(hook)] == ["delivered"])
        assert {one.state for one in here.deliveries() if one.channel == "mail"} != {"delivered"}
        goes_on.set()


async def test_nobody_asks_while_nothing_happens(here, monkeypatch):
    """It waits for notices: a quiet installation is left in peace."""
    looks: list[int] = []
    real = Messenger._take_due

    def count(self, busy):
        looks.append(1)
        return real(self, busy)

    monkeypatch.setattr(Messenger, "_take_due", count)
    async with here.messenger():
        await asyncio.sleep(0.2)
        before = len(looks)
        await asyncio.sleep(0.5)
        assert len(looks) == before
