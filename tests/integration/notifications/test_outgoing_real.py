"""Sending to real sockets: what is checked is what is connected to, and nothing lasts longer than it may."""

import asyncio
import contextlib
import ssl

import pytest

from tholos.kit.outgoing import AddressRefused, NotDelivered, Outgoing, read_networks

LOOPBACK = read_networks(["127.0.0.0/8"])
BODY = b'{"type":"test"}'


def resolving_to(*addresses, **options) -> Outgoing:
    """Every name has these addresses."""
    asked: list[str] = []

    async def resolve(host, port):
        asked.append(host)
        return addresses

    sender = Outgoing(
        options.pop("allowed", LOOPBACK), resolve=resolve, total_s=options.pop("total_s", 1.0), **options
    )
    sender.asked = asked
    return sender


async def test_a_body_arrives_as_it_is(receiver, outgoing):
    reply = await outgoing.post(
        receiver.url, BODY, {"content-type": "application/json", "webhook-id": "dlv_1"}
    )
    assert reply.status == 204
    assert receiver.bodies == [BODY]
    head = receiver.heads[0].lower()
    assert head.startswith(b"post /hook?x=1 http/1.1\r\n")
    assert f"host: 127.0.0.1:{receiver.port}".encode() in head
    assert b"webhook-id: dlv_1" in head


async def test_the_name_is_looked_up_once_and_told_in_host(receiver):
    """The connection goes to the address that was checked, whatever the name would answer the next time."""
    sender = resolving_to("127.0.0.1")
    await sender.post(f"http://hooks.example.org:{receiver.port}/x", BODY, {})
    assert sender.asked == ["hooks.example.org"]
    assert f"host: hooks.example.org:{receiver.port}".encode() in receiver.heads[0].lower()


@pytest.mark.parametrize(
    "inward", ["127.0.0.1", "::1", "10.1.2.3", "169.254.169.254", "::ffff:127.0.0.1", "fe80::1%1"]
)
async def test_a_name_that_leads_inwards_is_refused_and_not_connected_to(receiver, inward):
    sender = resolving_to("93.184.216.34", inward, allowed=())
    with pytest.raises(AddressRefused, match="own network"):
        await sender.post(f"http://hooks.example.org:{receiver.port}/x", BODY, {})
    assert receiver.heads == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost", "[::1]", "[::ffff:7f00:1]", "0.0.0.0"]
)  # fmt: skip
async def test_no_way_of_writing_loopback_is_taken(receiver, host):
    with pytest.raises((AddressRefused, NotDelivered)) as caught:
        await Outgoing().post(f"http://{host}:{receiver.port}/x", BODY, {})
    assert receiver.heads == []
    assert isinstance(caught.value, AddressRefused) or "no address" in caught.value.message


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("http://169.254.169.254/latest/meta-data", "leads inwards"),
        ("http://[fd00::1]:22/", "leads inwards"),
        ("file:///etc/passwd", "leads inwards"),
        ("https://elsewhere.example.org/", "not followed"),
        ("", "not followed"),
    ],
)
async def test_a_redirect_is_refused_and_says_where_it_pointed(receiver, outgoing, location, why):
    receiver.answer = f"HTTP/1.1 307 Elsewhere\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()
    with pytest.raises(NotDelivered) as caught:
        await outgoing.post(receiver.url, BODY, {})
    assert why in caught.value.message
    assert (location or "nowhere") in caught.value.message
    assert caught.value.status == 307
    assert len(receiver.heads) == 1


@pytest.mark.parametrize("status", [400, 404, 410, 500, 503])
async def test_what_a_receiver_does_not_take_is_told_in_its_words(receiver, outgoing, status):
    receiver.answer = f"HTTP/1.1 {status} No\r\nContent-Length: 9\r\n\r\nno\x1b[31m ü".encode()
    with pytest.raises(NotDelivered, match=f"answered {status}: no") as caught:
        await outgoing.post(receiver.url, BODY, {})
    assert caught.value.status == status
    assert "\x1b" not in caught.value.message


async def test_an_answer_without_end_is_not_read(receiver, outgoing):
    sent = 0

    async def pour(writer):
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            sent += 65536
            await writer.drain()

    receiver.answer = pour
    reply = await outgoing.post(receiver.url, BODY, {})
    assert reply.status == 200
    assert reply.text == "x" * 4096
    assert sent < 50_000_000


async def _nothing(writer):
    await asyncio.sleep(30)


async def _dribble(writer):
    """A byte of the head every tenth of a second: each read succeeds, and the answer never comes."""
    for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 1000:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("answer", [_nothing, _dribble])
async def test_a_receiver_that_never_answers_is_left(receiver, answer):
    receiver.answer = answer
    with pytest.raises(NotDelivered, match="did not answer within 1 s"):
        await Outgoing(LOOPBACK, total_s=1.0).post(receiver.url, BODY, {})


async def test_a_resolver_that_never_answers_is_left():
    async def resolve(host, port):
        await asyncio.sleep(30)

    with pytest.raises(NotDelivered, match="did not answer"):
        await Outgoing(resolve=resolve, total_s=0.2).post("http://hooks.example.org/", BODY, {})


@pytest.mark.parametrize(
    "answer", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort"]
)
async def test_what_is_no_answer_is_a_failure(receiver, outgoing, answer):
    receiver.answer = answer
    with pytest.raises(NotDelivered, match="broke off"):
        await outgoing.post(receiver.url, BODY, {})


async def test_nobody_listens():
    with pytest.raises(NotDelivered, match="cannot be reached"):
        await resolving_to("127.0.0.1").post("http://hooks.example.org:1/", BODY, {})


async def test_the_next_address_is_tried_where_one_does_not_connect(receiver):
    await resolving_to("127.0.0.77", "127.0.0.1").post(f"http://two.example.org:{receiver.port}/", BODY, {})
    assert receiver.bodies == [BODY]


async def test_no_proxy_of_the_environment_is_used(receiver, outgoing, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    await outgoing.post(receiver.url, BODY, {})
    assert receiver.bodies == [BODY]


async def test_over_tls_the_certificate_is_checked_for_the_name_that_was_meant(certificates):
    """The connection goes to an address; SNI and certificate are those of the name."""
    names: list[str] = []
    heads: list[bytes] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.file)
    context.sni_callback = lambda _socket, name, _context: names.append(name)

    async def serve(reader, writer):
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()

    sender = resolving_to(
        "127.0.0.1", authorities=lambda: ssl.create_default_context(cafile=certificates.file)
    )
    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        assert (await sender.post(f"https://{certificates.name}:{port}/", BODY, {})).status == 200
        with pytest.raises(NotDelivered, match=r"(?i)certificate"):
            await sender.post(f"https://other.example.org:{port}/", BODY, {})
    assert names == [certificates.name, "other.example.org"]
    assert len(heads) == 1
