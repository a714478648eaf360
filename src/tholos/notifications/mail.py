"""Mail, by SMTP: one message to one person. A server that hangs is left after a while, whatever it says meanwhile."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from tholos.kit.errors import Unavailable
from tholos.kit.lazily import load_when_used

if TYPE_CHECKING:
    import smtplib
    from email import errors, headerregistry, policy
    from email import message as messages
else:
    smtplib = load_when_used("smtplib")
    errors, headerregistry, messages, policy = (
        load_when_used(f"email.{name}") for name in ("errors", "headerregistry", "message", "policy")
    )

WAIT_S = 10.0
"""For each answer of the mail server."""
TOTAL_S = 60.0
MOST_SUBJECT = 200


class Security(StrEnum):
    """How a connection to the mail server is kept from others."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class NotSent(Unavailable):
    """Cannot send this mail."""

    code = "mail_not_sent"

    @property
    def is_final(self) -> bool:
        """Whether trying again would change nothing."""
        return bool(self.details.get("final"))


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is given to, and as whom."""

    host: str
    port: int
    security: Security
    username: str
    password: str = field(repr=False)
    sender: str
    wait_s: float = WAIT_S
    total_s: float = TOTAL_S
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context, repr=False)


@dataclass(frozen=True, slots=True)
class Mail:
    to: str
    subject: str
    text: str
    id: str
    """The same for each try, so that a mail that comes twice is known by it."""


def compose(mail: Mail, sender: str) -> messages.EmailMessage:
    """Nothing that is in a mail can become a header of it.

    Raises: NotSent: an address is none.
    """
    message = messages.EmailMessage(policy=policy.SMTP)
    try:
        message["From"] = _address(sender)
        message["To"] = _address(mail.to)
    except (ValueError, errors.HeaderParseError, IndexError) as error:
        raise NotSent(f"Cannot send to {mail.to[:100]!r}: it is no mail address.", final=True) from error
    subject = " ".join("".join(one if one.isprintable() else " " for one in mail.subject).split())
    message["Subject"] = subject[:MOST_SUBJECT]
    domain = sender.rpartition("@")[2].strip("<> ") or "localhost"
    message["Message-ID"] = f"<{mail.id}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("".join(one if one.isprintable() or one == "\n" else " " for one in mail.text))
    return message


def send(server: MailServer, mail: Mail) -> None:
    """Give a mail to the server; returns when the server has taken it on.

    Raises: NotSent.
    """
    message = compose(mail, server.sender)
    try:
        with _connected(server) as client:
            client.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        code, said = next(iter(error.recipients.values()), (0, b""))
        raise _refused(server, code, said) from error
    except smtplib.SMTPResponseException as error:
        raise _refused(server, error.smtp_code, error.smtp_error) from error
    except (smtplib.SMTPException, OSError) as error:
        reason = (
            "it did not answer in time" if isinstance(error, TimeoutError) else str(error) or "it broke off"
        )
        raise NotSent(f"Cannot send by {server.host}:{server.port}: {reason}.") from error


@contextmanager
def _connected(server: MailServer) -> Iterator[smtplib.SMTP]:
    """A session with the server that ends in time, even where the server dribbles."""
    name = socket.gethostname()  # given, or it is looked up, and that may take long
    client = (
        smtplib.SMTP_SSL(local_hostname=name, timeout=server.wait_s, context=server.tls)
        if server.security == Security.TLS
        else smtplib.SMTP(local_hostname=name, timeout=server.wait_s)
    )
    limit = threading.Timer(server.total_s, _cut, (client,))
    limit.daemon = True
    limit.start()
    try:
        # Only here is the name known that TLS is checked against.
        client._host = server.host  # type: ignore[attr-defined]  # noqa: SLF001 - what the constructor sets when it connects at once
        code, said = client.connect(server.host, server.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, said)
        if server.security == Security.STARTTLS:
            client.starttls(context=server.tls)
        if server.username:
            client.login(server.username, server.password)
        yield client
        with suppress(smtplib.SMTPException, OSError):
            client.quit()  # the mail is taken on already
    finally:
        limit.cancel()
        client.close()


def _cut(client: smtplib.SMTP) -> None:
    found = client.sock
    if found is not None:
        with suppress(OSError):
            found.shutdown(socket.SHUT_RDWR)


def _refused(server: MailServer, code: int, said: bytes | str) -> NotSent:
    """A 5xx stays a 5xx; a 4xx may pass (RFC 5321, 4.2.1)."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    shown = " ".join(text.split())[:300]
    return NotSent(f"{server.host} refused it: {code} {shown}", final=500 <= code < 600, status=code)


def _address(text: str) -> headerregistry.Address:
    """``ada@example.org``, or a name before it in angle brackets."""
    name, _, rest = text.strip().rpartition("<")
    spec = rest.rstrip("> ") if name else text.strip()
    if not all(one.isprintable() and one != " " for one in spec) or "@" not in spec:
        raise ValueError(text)
    return headerregistry.Address(" ".join(name.replace('"', "").split()), addr_spec=spec)
