"""What somebody tries who wants in, or to be taken for somebody else: byte by byte, by the door alone and with the proxy in front."""

import itertools
import json
import re
import socket
import sqlite3
import subprocess
import threading
import time
from contextlib import ExitStack, suppress
from urllib.parse import quote, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from tholos.accounts.service import hash_secret
from tholos.testing import frames
from tholos.testing.trial import Trial, eventually
from tholos.testing.visitors import NAVIGATION, Browser, Watched, again, hashed, newcomer

WAYS = ("door", "gateway")
IS_SHARED = True

MIRROR = """
import asyncio
import hashlib
import json

paths = []


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    paths.append(scope["path"])
    body = hashlib.sha256()
    size = 0
    if scope["path"] != "/early":
        while True:
            message = await receive()
            body.update(message.get("body", b""))
            size += len(message.get("body", b""))
            if message["type"] == "http.disconnect" or not message.get("more_body"):
                break
    if scope["path"] == "/stream":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        while True:
            await send({"type": "http.response.body", "body": b"data: x\\n\\n", "more_body": True})
            await asyncio.sleep(0.05)
    headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]]
    told = {"headers": headers, "paths": paths, "size": size, "hash": body.hexdigest()}
    text = json.dumps(told).encode()
    head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(text))]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": text})
"""
"""Tells what it was asked for, by whom, and with what body."""

WSGI = """
import json


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    headers = [[name[5:].replace("_", "-").lower(), value] for name, value in environ.items() if name.startswith("HTTP_")]
    return [json.dumps({"headers": headers}).encode()]
"""


@pytest.fixture(scope="module")
def mirror(trial: Trial, ada: Browser, bea: Browser) -> Browser:
    """Ada's two apps that tell all they hear, which everybody may open who is signed in; both were opened once."""
    token = ada.token()
    for name, code in (("mirror", MIRROR), ("plain", WSGI)):
        if trial.server.ask("GET", f"/api/v1/apps/{name}", token=token).status == 404:
            trial.publish(name, {"app.py": code}, token=token)
        trial.server.api("PATCH", f"/api/v1/apps/{name}/access", {"audience": "signed_in"}, token=token)
        assert ada.go(name, "/").status == 200
    assert bea.go("mirror", "/").status == 200
    return ada


def told(got) -> dict[str, object]:
    return json.loads(got.body)


def who(headers) -> list[str]:
    """Everybody whom an app could take a request's sender for."""
    named = [value for name, value in headers if name.replace("_", "-") == "x-tholos-account"]
    of_connect = [value for name, value in headers if name.replace("_", "-") == "rstudio-connect-credentials"]
    assert [json.loads(one)["user"] for one in of_connect] == named
    return named


# One identity or none

STATES = ("none", "good", "expired", "revoked", "garbage")


@pytest.fixture
def offered(trial: Trial, mirror: Browser, bea: Browser) -> dict[str, dict[str, str]]:
    """Ada's passes and Bea's tokens in every state, by the key that is used now."""
    gone = again(mirror, "ada")
    assert mirror.go("mirror", "/").status == gone.go("mirror", "/").status == 200
    signed_out = gone.jar[gone.host("mirror")]["tholos_pass"]
    assert gone.post("/sign-out").status == 303
    good = mirror.jar[mirror.host("mirror")]["tholos_pass"]
    claims = jwt.decode(good, options={"verify_signature": False})
    key = serialization.load_pem_private_key((trial.server.data / "keys" / "passes.pem").read_bytes(), None)
    past = {**claims, "iat": int(time.time()) - 700, "exp": int(time.time()) - 5}
    tokens = [bea.token() for _ in range(3)]
    trial.server.ask("DELETE", "/api/v1/tokens/current", token=tokens[2])
    with sqlite3.connect(trial.server.data / "tholos.db", timeout=20) as database:
        ended = "update tokens set expires_at = '2020-01-01 00:00:00.000000' where secret_hash = ?"
        assert database.execute(ended, [hash_secret(tokens[1])]).rowcount == 1
    return {
        "cookie": {
            "none": "", "good": good, "expired": jwt.encode(past, key, algorithm="ES256"), "revoked": signed_out,
            "garbage": "garbage",
        },
        "header": {
            "none": "", "good": tokens[0], "expired": tokens[1], "revoked": tokens[2], "garbage": "tholos_garbage",
        },
    }  # fmt: skip


def test_every_pair_of_credentials_is_one_person_or_nobody(trial: Trial, mirror: Browser, offered) -> None:
    """Each twice: what is remembered of the first time changes nothing."""
    for cookie, header in itertools.product(STATES, STATES):
        sent = {}
        if cookie != "none":
            sent["Cookie"] = f"tholos_pass={offered['cookie'][cookie]}"
        if header != "none":
            sent["Authorization"] = f"Bearer {offered['header'][header]}"
        allowed = {"ada"} if cookie == "good" else set()
        allowed |= {"bea"} if header == "good" else set()
        for _ in range(2):
            got = Browser(trial).ask("GET", "mirror", "/", **sent)
            assert got.status == (200 if allowed else 401), (cookie, header)
            if allowed:
                (name,) = who(told(got)["headers"])
                assert name in allowed, (cookie, header)
                assert "tholos_" not in json.dumps(told(got)["headers"]), (cookie, header)


def test_of_two_cookies_of_one_name_none_is_worth_more_than_it_is(
    trial: Trial, mirror: Browser, offered
) -> None:
    """In one header or in two, as somebody's other host or a deeper path may add one."""
    for one, other in itertools.product(STATES[1:], STATES[1:]):
        first, second = (f"tholos_pass={offered['cookie'][state]}" for state in (one, other))
        for lines in ([f"Cookie: {first}; {second}"], [f"Cookie: {first}", f"Cookie: {second}"]):
            status, body = raw(trial, "mirror", lines)
            assert status in ({200, 401} if "good" in {one, other} else {401}), (one, other)
            if status == 200:
                assert who(json.loads(body)["headers"]) == ["ada"]
                assert "tholos_" not in body


def raw(
    trial: Trial, name: str, lines: list[str], path: str = "/", method: str = "GET", body: bytes = b""
) -> tuple[int, str]:
    """The status and the body that bytes are answered with which no client would send."""
    head = [
        f"{method} {path} HTTP/1.1",
        f"Host: {name}.localhost:{trial.server.port}",
        *lines,
        "Connection: close",
        "",
        "",
    ]
    return spoken(trial, "\r\n".join(head).encode("latin-1") + body)


def spoken(trial: Trial, data: bytes, patience_s: float = 10.0) -> tuple[int, str]:
    with socket.create_connection(("127.0.0.1", trial.server.port), timeout=patience_s) as opened:
        opened.sendall(data)
        received = b""
        with suppress(TimeoutError, ConnectionError):
            while piece := opened.recv(65536):
                received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    status = re.match(rb"HTTP/1\.[01] ([0-9]{3})", head)
    text = body.decode("latin-1")
    found = re.search(r"\{.*\}", text, re.DOTALL)
    return int(status[1]) if status else 0, found[0] if found else text


# Who it is comes from us alone

NAMES = (
    "X-Tholos-Account", "x-tholos-account", "X-THOLOS-ACCOUNT", "X_Tholos_Account", "x-tholos_account", "X_THOLOS_ACCOUNT",
    "RStudio-Connect-Credentials", "RStudio_Connect_Credentials", "Posit-Connect-User", "X-RSC-Request",
    "X-Forwarded-For", "X_Forwarded_For", "X-Forwarded-Prefix", "X-Forwarded-Host", "X-Forwarded-User", "X-Script-Name",
    "X_Script_Name", "X-Real-IP", "Forwarded",
)  # fmt: skip
LISTED = (
    "Connection: close, X-Tholos-Account, X-Forwarded-For, Cookie, RStudio-Connect-Credentials",
    "Connection: x-tholos-account",
    "Proxy-Connection: x-tholos-account",
    "Keep-Alive: x-tholos-account",
    "TE: trailers, x-tholos-account",
)
FOLDED = (
    ["X-Innocent: a", " X-Tholos-Account: root-evil"],
    ["X-Innocent: a", "\tX-Tholos-Account: root-evil"],
    ["X-Innocent: a\rX-Tholos-Account: root-evil"],
    ["X-Innocent: a\nX-Tholos-Account: root-evil"],
    ["X-Tholos-Account : root-evil"],
    [" X-Tholos-Account: root-evil"],
    ["X-Tholos-Account\0: root-evil"],
    ["X-Tholos-Account\t: root-evil"],
    ["X-Innocent: a\0", "X-Tholos-Account: root-evil"],
    [": root-evil", "X-Tholos-Account: root-evil"],
)


def cookie_of(browser: Browser, name: str) -> str:
    kept = browser.jar[browser.host(name)]
    return "Cookie: " + "; ".join(f"{one}={value}" for one, value in kept.items())


def assert_only_ada(status: int, body: str, case: object, *, may_be_refused: bool = False) -> None:
    if may_be_refused and status in {0, 400, 431}:
        return
    assert status == 200, (case, status, body[:300])
    headers = json.loads(body)["headers"]
    assert who(headers) == ["ada"], case
    # A folded line is put together, by whoever does not refuse it, into the value of the line before (RFC 9112, 5.2).
    assert "evil" not in json.dumps([one for one in headers if one[0] != "x-innocent"]), case


@pytest.mark.parametrize("name", ["mirror", "plain"])
def test_no_spelling_of_an_identity_arrives(trial: Trial, mirror: Browser, name: str) -> None:
    own = cookie_of(mirror, name)
    every = [f"{one}: root-evil" for one in NAMES]
    assert_only_ada(*raw(trial, name, [*every, own, *every]), "all of them, twice")
    for listed in LISTED:
        lines = [own, "X-Tholos-Account: root-evil", listed]
        assert_only_ada(*raw(trial, name, lines), listed, may_be_refused=True)
    for folded in FOLDED:
        assert_only_ada(*raw(trial, name, [own, *folded]), folded, may_be_refused=True)


@pytest.mark.parametrize("name", ["mirror", "plain"])
def test_no_identity_arrives_behind_a_body(trial: Trial, mirror: Browser, name: str) -> None:
    """In the trailers of a chunked one (RFC 9110, 6.5)."""
    lines = [
        cookie_of(mirror, name),
        "Transfer-Encoding: chunked",
        "Trailer: X-Tholos-Account",
        "TE: trailers",
    ]
    body = (
        b"3\r\nabc\r\n0\r\nX-Tholos-Account: root-evil\r\nX-Forwarded-For: 6.6.6.6\r\nCookie: evil=1\r\n\r\n"
    )
    status, said = raw(trial, name, [*lines, f"Origin: {mirror.origin(name)}"], method="POST", body=body)
    # The value of Trailer names a header and is none.
    assert_only_ada(status, said, "trailers", may_be_refused=True)


@pytest.mark.parametrize("name", ["mirror", "plain"])
def test_no_identity_arrives_by_http_2(trial: Trial, mirror: Browser, name: str, request) -> None:
    if "gateway" not in request.node.callspec.params.values():
        url = [f"http://127.0.0.1:{trial.server.port}/"]
        done = subprocess.run(
            ["curl", "-sS", "--http2-prior-knowledge", *url], capture_output=True, check=False
        )
        assert done.returncode != 0, "the door alone speaks no HTTP/2, and does not pretend to"
        return
    sent = [f"{one}: root-evil" for one in NAMES] + ["x-tholos-account: root-evil", cookie_of(mirror, name)]
    options = [word for line in [*sent, f"Host: {mirror.host(name)}"] for word in ("-H", line)]
    for more in (
        [],
        ["-H", "TE: trailers"],
        ["-X", "POST", "-d", "x", "-H", f"Origin: {mirror.origin(name)}"],
    ):
        url = f"http://127.0.0.1:{trial.server.port}/"
        command = [
            "curl",
            "-sS",
            "--http2-prior-knowledge",
            "-w",
            "\n%{http_code} %{http_version}",
            *options,
            *more,
            url,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        body, _, ended = done.stdout.rpartition("\n")
        status, version = ended.split()
        assert version == "2"
        assert_only_ada(int(status), body, more)


# One request is one request

SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: {host}\r\nX-Tholos-Account: root\r\n\r\n"
FRAMINGS = (
    ["Content-Length: 0", "Transfer-Encoding: chunked"],
    ["Content-Length: {size}", "Transfer-Encoding: chunked"],
    ["Transfer-Encoding: chunked", "Content-Length: {size}"],
    ["Content-Length: 0", "Content-Length: {size}"],
    ["Content-Length: {size}", "Content-Length: 0"],
    ["Content-Length: 0, {size}"],
    ["Content-Length: +0"],
    ["Content-Length: -1"],
    ["Content-Length: 0x0"],
    ["Content-Length:"],
    ["Content-Length: 0 0"],
    ["Content-Length : 0"],
    ["Content_Length: 0", "Transfer_Encoding: chunked"],
    ["Transfer-Encoding: xchunked"],
    ["Transfer-Encoding: chunked, identity"],
    ["Transfer-Encoding: identity, chunked"],
    ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
    ["Transfer-Encoding: CHUNKED"],
    ["Transfer-Encoding:\x0bchunked"],
    ["Transfer-Encoding: \tchunked\t"],
    ["Transfer-Encoding : chunked"],
    [" Transfer-Encoding: chunked"],
    ["X: y\nTransfer-Encoding: chunked"],
    ["X: y\rTransfer-Encoding: chunked"],
    ["Transfer-Encoding: gzip, chunked"],
    ["Content-Length: 0", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
     "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg=="],
    ["Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABkAAQAAP__"],
    ["Expect: 100-continue", "Content-Length: {size}"],
)  # fmt: skip
CHUNKS = (
    b"0\r\n\r\n",
    b"0\n\n",
    b"0;\r\n\r\n",
    b"00000000000000000\r\n\r\n",
    b"-0\r\n\r\n",
    b"0x0\r\n\r\n",
    b"\r\n0\r\n\r\n",
    b"",
)


ANSWERED = {frames.HEADERS, frames.RESET, frames.GOAWAY}


def paths_of(mirror: Browser) -> list[str]:
    return list(told(mirror.ask("GET", "mirror", "/paths"))["paths"])


def test_nothing_is_smuggled_to_an_app(trial: Trial, mirror: Browser) -> None:
    """Behind a request of somebody who is let in, and of nobody: what follows it has no credential, so no app ever sees it."""
    host = mirror.host("mirror")
    hidden = SMUGGLED.format(host=host).encode()
    let_in = [cookie_of(mirror, "mirror"), f"Origin: {mirror.origin('mirror')}"]
    before = paths_of(mirror).count("/early")
    with ExitStack() as stack:
        opened = []
        for lines in FRAMINGS:
            is_chunked = any("ransfer" in line for line in lines)
            for start, own in itertools.product(CHUNKS if is_chunked else CHUNKS[:1], (let_in, [])):
                body = start + hidden
                framing = [line.format(size=len(body)) for line in lines]
                head = ["POST /early HTTP/1.1", f"Host: {host}", *own, *framing, "", ""]
                address = ("127.0.0.1", trial.server.port)
                one = stack.enter_context(socket.create_connection(address, timeout=10))
                one.sendall("\r\n".join(head).encode("latin-1") + body)
                opened.append(one)
        for one in opened:
            with suppress(ConnectionError):
                assert one.recv(12), "closed without a word"
    seen = paths_of(mirror)
    assert seen.count("/early") > before, "some of it is a request after all"
    for _ in range(4):  # whichever connection to the app comes next
        assert "/smuggled" not in paths_of(mirror)


def test_nothing_is_smuggled_to_an_app_by_http_2(trial: Trial, mirror: Browser, request) -> None:
    """Where the proxy makes HTTP/1 of it, for the door and for an app: by the head, the body, and what trails."""
    if "gateway" not in request.node.callspec.params.values():
        return  # the door speaks no HTTP/2, as is shown above
    host = mirror.host("mirror")
    body = b"0\r\n\r\n" + SMUGGLED.format(host=host).encode()
    let_in = [
        (b"cookie", cookie_of(mirror, "mirror").partition(" ")[2].encode()),
        (b"origin", mirror.origin("mirror").encode()),
    ]
    before = paths_of(mirror).count("/early")
    with ExitStack() as stack:
        connections = []
        for head, own in itertools.product(
            frames.smuggling(host.encode(), SMUGGLED.format(host=host).encode(), len(body)), (let_in, [])
        ):
            for trailers in ((), ((b"transfer-encoding", b"chunked"), (b"x-tholos-account", b"root-evil"))):
                one = stack.enter_context(frames.opened(("127.0.0.1", trial.server.port), 10))
                one.sendall(frames.request([*head, *own], body, trailers=trailers))
                connections.append(one)
        for one in connections:
            any(kind in ANSWERED for kind, _, _ in frames.frames_of(one))  # or closed without a word
    seen = paths_of(mirror)
    assert seen.count("/early") > before, "some of it is a request after all"
    for _ in range(4):  # whichever connection to the app comes next
        assert not [one for one in paths_of(mirror) if "smuggled" in one]


def test_an_early_refusal_leaves_no_body_behind(trial: Trial, mirror: Browser) -> None:
    """What was not read of a refused body is no request, on neither side of the connection."""
    host = mirror.host("mirror")
    hidden = SMUGGLED.format(host=host).encode() * 200
    head = f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(hidden) + 10}\r\n\r\n".encode()
    status, body = spoken(trial, head + hidden, 0.5)
    assert status == 401
    assert body.count("not_signed_in") <= 1
    assert "/smuggled" not in paths_of(mirror)


# The end of access, felt by nobody else


def test_an_upload_of_somebody_else_goes_on(trial: Trial, mirror: Browser, bea: Browser) -> None:
    """While one person's streams end, by a cookie and by a token, another one's upload and stream are not touched."""
    leaving = again(mirror, "ada")
    assert leaving.go("mirror", "/").status == 200
    token = leaving.token()
    body = b"x" * 30_000
    by_token = Browser(trial)
    sent = {"Content-Length": str(len(body)), "Origin": bea.origin("mirror")}
    with (
        leaving.stream("mirror") as stream,
        by_token.sent("GET", "mirror", "/stream", Authorization=f"Bearer {token}") as other,
        bea.stream("mirror") as staying,
        bea.sent("POST", "mirror", "/upload", **sent) as upload,
    ):
        upload.sendall(body[:10_000])
        assert other.recv(12) == b"HTTP/1.1 200"
        ends = [Watched(stream), Watched(other)]
        stays = Watched(staying)
        assert trial.server.ask("DELETE", "/api/v1/tokens/current", token=token).status == 204
        assert ends[1].ended_within(5)
        upload.sendall(body[10_000:20_000])
        assert leaving.post("/sign-out").status == 303
        assert ends[0].ended_within(5)
        upload.sendall(body[20_000:])
        answer = b""
        while b"}" not in answer:
            answer += upload.recv(65536)
        assert json.loads(answer[answer.index(b"{") :])["hash"] == hashed(body)
        assert stays.ended_at == 0.0


# Back to where somebody came from, and nowhere else


@pytest.mark.parametrize(
    ("target", "lines"),
    [
        ("//evil.example/", []),
        ("/\\evil.example/", []),
        ("/%2f%2fevil.example/", []),
        ("/%5c%5cevil.example/", []),
        ("//ada@evil.example/", []),
        ("/@evil.example/", []),
        ("/.evil.example/", []),
        ("/%0d%0aLocation:%20https://evil.example/", []),
        ("/%0d%0aSet-Cookie:%20evil=1", []),
        ("http://evil.example/", []),
        ("http://ada@evil.example/", []),
        ("/", ["X-Forwarded-Host: evil.example"]),
        ("/", ["X-Forwarded-Proto: evil"]),
        ("/", ["X-Forwarded-Server: evil.example", "Forwarded: host=evil.example"]),
        ("/", ["X-Original-URL: //evil.example/", "X-Rewrite-URL: //evil.example/"]),
        ("/", ["X-Host: evil.example", "X-Envoy-Original-Path: //evil.example/"]),
        ("/", ["Host: evil.example"]),
        ("/", ["Referer: https://evil.example/"]),
    ],
    ids=str,
)
def test_no_redirect_leads_elsewhere(trial: Trial, mirror: Browser, target: str, lines: list[str]) -> None:
    """Of somebody who is not signed in: to the console, back to the app, and never to what the request names."""
    port = trial.server.port
    navigation = [f"{name}: {value}" for name, value in NAVIGATION.items()]
    for host in (f"mirror.localhost:{port}", f"localhost:{port}"):
        named = [] if any(line.startswith("Host:") for line in lines) else [f"Host: {host}"]
        with socket.create_connection(("127.0.0.1", port), timeout=10) as opened:
            sent = [f"GET {target} HTTP/1.1", *named, *lines, *navigation, "Connection: close", "", ""]
            opened.sendall("\r\n".join(sent).encode("latin-1"))
            head = b""
            while b"\r\n\r\n" not in head and (piece := opened.recv(65536)):
                head += piece
        head = head.partition(b"\r\n\r\n")[0].decode("latin-1")
        headers = [line.partition(": ") for line in head.split("\r\n")[1:]]
        assert not [
            value for name, _, value in headers if name.lower() == "set-cookie" and value.startswith("evil")
        ]
        for location in (value for name, _, value in headers if name.lower() == "location"):
            assert urlsplit(location).netloc in {"", f"localhost:{port}"}, location
            assert re.match(r"(http://localhost:[0-9]+)?/(?![/\\])", location), location


# Passes that were never given out


def test_a_pass_is_no_token_and_a_token_no_pass(trial: Trial, mirror: Browser, offered) -> None:
    good, token = offered["cookie"]["good"], offered["header"]["good"]
    for form in (f"Bearer {good}", f"Key {good}", f"Bearer tholos_{good}"):
        assert Browser(trial).ask("GET", "mirror", "/", Authorization=form).status == 401
        assert Browser(trial).ask("GET", "", "/api/v1/me", Authorization=form).status == 401
    for name in ("tholos_pass", "tholos_handle", "tholos_session"):
        assert Browser(trial).ask("GET", "mirror", "/", Cookie=f"{name}={token}").status == 401


def test_how_a_pass_is_signed_is_ours_to_say(trial: Trial, mirror: Browser, offered) -> None:
    """By our key and as we do: neither as its head says, nor by the public half as if that were a secret, nor for another time."""
    key = serialization.load_pem_private_key((trial.server.data / "keys" / "passes.pem").read_bytes(), None)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    claims = jwt.decode(offered["cookie"]["good"], options={"verify_signature": False})
    now = int(time.time())
    of_key = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    to_sign = jwt.encode(claims, "x" * 32, algorithm="HS256").rpartition(".")[0]
    by_public = to_sign + "." + jwt.utils.base64url_encode(of_key.sign(to_sign.encode(), public)).decode()
    head, body, signature = offered["cookie"]["good"].split(".")
    another_head = jwt.utils.base64url_encode(b'{"alg":"ES384","typ":"JWT"}').decode()
    wrong = {
        "by the public key": by_public,
        "another head": f"{another_head}.{body}.{signature}",
        "ended two seconds ago": jwt.encode({**claims, "exp": now - 3}, key, algorithm="ES256"),
        "never ends": jwt.encode({k: v for k, v in claims.items() if k != "exp"}, key, algorithm="ES256"),
        "ends as a word": jwt.encode({**claims, "exp": 10**30}, key, algorithm="ES256") + "x",
        "several audiences": jwt.encode({**claims, "aud": ["evil"]}, key, algorithm="ES256"),
        "cut": f"{head}.{body}",
    }
    for name, value in wrong.items():
        for _ in range(2):
            got = Browser(trial).ask("GET", "mirror", "/", Cookie=f"tholos_pass={value}")
            assert got.status == 401, name


def test_another_key_is_taken_up_without_anybody_noticing(trial: Trial, mirror: Browser, people) -> None:
    """With the old one away, its passes open nothing any more, and whoever holds a handle gets a new pass and no refusal."""
    old = mirror.jar[mirror.host("mirror")]["tholos_pass"]
    statuses: list[int] = []
    ended = threading.Event()

    def ask() -> None:
        while not ended.is_set():
            with suppress(OSError):
                statuses.append(mirror.ask("GET", "mirror", "/").status)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        (trial.server.data / "keys" / "passes.pem").unlink()
        trial.server.restart()
        so_far = len(statuses)
        eventually(lambda: len(statuses) > so_far + 5)
    finally:
        ended.set()
        asking.join()
    assert not {401, 403, 303} & {*statuses}
    assert mirror.jar[mirror.host("mirror")]["tholos_pass"] != old
    assert Browser(trial).ask("GET", "mirror", "/", Cookie=f"tholos_pass={old}").status == 401


# Names that the proxy's files could not hold

HOSTILE = [
    "%REQ(cookie)%", "%%", 'a"}],"x":[{"', "a\\", "${a}", "*", "a b", "a, b=c; d", "../a", "a/r1", "a\nb: c", "<a>", "x" * 3000, "\u00e4",
]  # fmt: skip
FIT_FOR_A_HEADER = [
    "%REQ(cookie)% %DYNAMIC_METADATA(a:b)% 100%",
    'a"}],"x":[{"\\',
    "${a}, b=c; *",
    "x" * 3000,
]


def test_no_name_is_taken_that_the_proxy_could_misread(trial: Trial, mirror: Browser) -> None:
    token = mirror.token()
    for name in HOSTILE:
        for path, said in (("accounts", {"name": name, "role": "viewer"}), ("groups", {"name": name})):
            assert trial.server.ask("POST", f"/api/v1/{path}", said).status == 400, name
        refused = trial.request(quote(name, safe=""), {"app.py": WSGI}, token=token)
        assert 400 <= refused.status < 500, name
    for host in (
        "*.localhost",
        "%REQ(cookie)%.localhost",
        'mirror".localhost',
        "mirror.localhost.evil",
        "mirror%00",
        "*",
    ):
        answer = exchanged(trial, f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        assert answer.split(b" ")[1][:1] == b"4", host
    assert mirror.go("mirror", "/").status == 200


def test_a_name_that_got_in_all_the_same_is_nobody_elses_and_harms_nothing(
    trial: Trial, mirror: Browser
) -> None:
    """Written behind the server's back. It is told to the app as it is, or the request is refused; and what changes is live."""
    odd = newcomer(trial, "odd")
    tokens = [odd.token() for _ in FIT_FOR_A_HEADER]
    before = "odd"
    for name, token in zip(FIT_FOR_A_HEADER, tokens, strict=True):
        with sqlite3.connect(trial.server.data / "tholos.db", timeout=20) as database:
            renamed = "update accounts set name = ? where name = ?"
            assert database.execute(renamed, [name, before]).rowcount == 1
        before = name
        odd.jar.pop(odd.host("mirror"), None)
        for ask in (lambda: odd.go("mirror", "/"), lambda: by_token(trial, token)):  # noqa: B023 - at once
            for _ in range(2):
                got = ask()
                assert got.status >= 400 or who(told(got)["headers"]) == [name]
    assert_changes_are_live(trial, mirror)


def by_token(trial: Trial, token: str):
    return Browser(trial).ask("GET", "mirror", "/", Authorization=f"Bearer {token}")


def assert_changes_are_live(trial: Trial, mirror: Browser) -> None:
    path, token = "/api/v1/apps/mirror/access", mirror.token()
    trial.server.api("PATCH", path, {"audience": "everyone"}, token=token)
    eventually(lambda: Browser(trial).ask("GET", "mirror", "/").status == 200)
    trial.server.api("PATCH", path, {"audience": "signed_in"}, token=token)
    assert Browser(trial).ask("GET", "mirror", "/").status == 401


def exchanged(trial: Trial, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", trial.server.port), 20) as opened:
        opened.sendall(request)
        said = b""
        while data := opened.recv(65536):
            said += data
        return said
