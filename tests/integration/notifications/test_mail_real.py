"""Mail by real servers: one that takes it, some that refuse, one that hangs, one that dribbles."""

import asyncio
import contextlib
import socket
import ssl
import threading
import time
from dataclasses import replace
from email import message_from_bytes
from email.policy import default

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from tholos.notifications.mail import Mail, MailServer, NotSent, Security, send

MAIL = Mail("ada@example.org", "sales fails", "why ü\n.\n..\n", "dlv_1")


class Box:
    """Takes mail, but for whom it refuses."""

    def __init__(self, refusal: str = "") -> None:
        self.refusal, self.mails, self.senders = refusal, [], []

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd's name
        if self.refusal:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self.senders.append(envelope.mail_from)
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        return "250 OK"


@contextlib.contextmanager
def a_server(box, ssl_context=None, **options):
    """A server in a thread of its own, on whichever port is free."""
    ports: list[int] = []
    is_ready = threading.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        def protocol() -> SMTP:
            return SMTP(box, hostname="localhost", loop=loop, **options)

        ended = asyncio.Event()
        ports_of = await loop.create_server(protocol, "127.0.0.1", 0, ssl=ssl_context)
        async with ports_of as server:
            ports.append(server.sockets[0].getsockname()[1])
            box.stop = lambda: loop.call_soon_threadsafe(ended.set)
            is_ready.set()
            await ended.wait()
            await asyncio.sleep(0.05)  # connections that were just closed are noticed

    def run() -> None:
        with contextlib.closing(loop):
            loop.run_until_complete(serve())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert is_ready.wait(10)
        yield ports[0]
    finally:
        box.stop()
        thread.join(10)


def server_at(port, **changes) -> MailServer:
    plain = MailServer(
        "127.0.0.1", port, Security.NONE, "", "", "Tholos <tholos@example.org>", wait_s=1.0, total_s=3.0
    )
    return replace(plain, **changes)


def test_a_mail_arrives():
    box = Box()
    with a_server(box) as port:
        send(server_at(port), MAIL)
    (mail,) = box.mails
    assert mail["To"] == "ada@example.org"
    assert mail["Subject"] == "sales fails"
    assert mail["Message-ID"] == "<dlv_1@example.org>"
    assert mail.get_content().replace("\r\n", "\n") == MAIL.text
    assert box.senders == ["tholos@example.org"]


@pytest.mark.parametrize(
    ("refusal", "is_final"), [("550 no such person", True), ("451 come back later", False)]
)
def test_a_refusal_is_told_and_only_some_are_for_good(refusal, is_final):
    with a_server(Box(refusal)) as port, pytest.raises(NotSent, match=refusal) as caught:
        send(server_at(port), MAIL)
    assert caught.value.is_final == is_final


def test_a_server_without_starttls_gets_nothing_in_the_clear():
    box = Box()
    with a_server(box) as port, pytest.raises(NotSent, match="STARTTLS"):
        send(server_at(port, security=Security.STARTTLS), MAIL)
    assert box.mails == []


@pytest.mark.filterwarnings(
    "ignore:Requiring AUTH while not requiring TLS"
)  # it does not see TLS from the first byte
@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_mail_goes_by_tls_and_by_name_and_password(certificates, security):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.file)
    known = []

    def sign_in(server, session, envelope, mechanism, data):
        known.append((data.login, data.password))
        return AuthResult(success=data.password == b"secret", handled=False)

    box = Box()
    options = {"authenticator": sign_in, "auth_required": True}
    if security == Security.TLS:
        options |= {"ssl_context": context, "auth_require_tls": False}
    else:
        options |= {"tls_context": context, "require_starttls": True}
    trusting = ssl.create_default_context(cafile=certificates.file)
    trusting.check_hostname = False
    with a_server(box, **options) as port:
        server = server_at(
            port,
            security=security,
            username="tholos",
            password="secret",
            tls=trusting,
            wait_s=10.0,
            total_s=20.0,
        )
        send(server, MAIL)
        with pytest.raises(NotSent, match="535") as caught:
            send(replace(server, password="wrong"), MAIL)
        assert "wrong" not in caught.value.message
        with pytest.raises(NotSent, match=r"(?i)certificate"):
            send(replace(server, tls=ssl.create_default_context()), MAIL)
    assert len(box.mails) == 1
    assert known[0] == (b"tholos", b"secret")


def test_a_certificate_of_another_name_is_refused(certificates):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.file)
    trusting = ssl.create_default_context(cafile=certificates.file)
    with a_server(Box(), tls_context=context) as port, pytest.raises(NotSent, match=r"(?i)certificate"):
        send(server_at(port, security=Security.STARTTLS, tls=trusting), MAIL)


@contextlib.contextmanager
def a_socket(talk):
    """A server of one connection that does what it likes."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ended = threading.Event()

        def serve() -> None:
            with contextlib.suppress(OSError):
                connection, _ = listening.accept()
                with connection:
                    talk(connection, ended)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            ended.set()
            thread.join(10)


def _hang(connection, ended) -> None:
    ended.wait(20)


def _dribble(connection, ended) -> None:
    """Each wait is short, and the greeting has no end."""
    while not ended.wait(0.1):
        connection.sendall(b"2")


def _stop_in_the_middle(connection, ended) -> None:
    connection.sendall(b"220 hello\r\n")
    connection.recv(1000)


@pytest.mark.parametrize(("talk", "at_most"), [(_hang, 2.5), (_dribble, 4.5), (_stop_in_the_middle, 2.5)])
@pytest.mark.parametrize("security", [Security.NONE, Security.TLS])
def test_a_server_that_hangs_is_left(talk, at_most, security):
    begun = time.monotonic()
    with a_socket(talk) as port, pytest.raises(NotSent) as caught:
        send(server_at(port, security=security), MAIL)
    assert time.monotonic() - begun < at_most
    assert not caught.value.is_final


def test_nobody_listens():
    with pytest.raises(NotSent, match=r"127\.0\.0\.1:1"):
        send(server_at(1), MAIL)


async def test_a_server_that_turns_everybody_away():
    async def serve(reader, writer):
        writer.write(b"554 not today\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(NotSent, match="554 not today"):
            await asyncio.to_thread(send, server_at(port), MAIL)
