"""Who may open what, tried from outside: pages, API, apps and websocket upgrades, with every kind of credential."""

import base64
import json
import re
import time
from urllib.parse import urlencode, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tholos.testing.trial import Trial, eventually
from tholos.testing.visitors import ECHO, NAVIGATION, PASSWORD, Browser, Got, Watched, again, ends_within

WAYS = ("door", "gateway")
IS_SHARED = True


# Signed out, and the wrong person


def test_signed_out(trial: Trial, ada: Browser) -> None:
    nobody = Browser(trial)
    operations = trial.server.api("GET", "/api/v1/operations")["items"]
    for path in ("/", "/apps/echo", "/account", f"/operations/{operations[0]['id']}"):
        got = nobody.ask("GET", "", path, **NAVIGATION)
        assert got.status in {303, 401}, path
        assert b"echo" not in got.body.replace(b"/apps/echo", b"")
        assert got.status == 401 or got.location.startswith("/sign-in")
    for method, path in (
        ("GET", "/api/v1/apps"),
        ("GET", "/api/v1/apps/echo"),
        ("GET", "/api/v1/apps/echo/logs"),
        ("GET", "/api/v1/me"),
        ("DELETE", "/api/v1/apps/echo"),
        ("POST", "/api/v1/snapshots"),
    ):
        got = nobody.ask(method, "", path)
        assert (got.status, got.json()["error"]["code"]) == (401, "not_signed_in"), path
    assert nobody.ask("GET", "echo", "/").status == 401
    assert nobody.ask("POST", "echo", "/", "x").status == 401
    assert nobody.upgrade("echo", Origin=nobody.origin("echo")) == 401
    assert nobody.ask("GET", "echo", "/", **NAVIGATION).location.startswith(
        f"{nobody.origin('')}/open/echo?t="
    )


def test_the_wrong_person(trial: Trial, ada: Browser, bea: Browser) -> None:
    """For somebody else the app is not there, whichever way is tried; an administrator may not look into it either."""
    token = {"Authorization": f"Bearer {bea.token()}"}
    owned = trial.server.api("GET", "/api/v1/operations?app=echo")["items"][0]["id"]
    for method, path in (
        ("GET", "/api/v1/apps/echo"),
        ("GET", "/api/v1/apps/echo/releases"),
        ("GET", "/api/v1/apps/echo/instances"),
        ("GET", "/api/v1/apps/echo/logs"),
        ("GET", "/api/v1/apps/echo/why"),
        ("DELETE", "/api/v1/apps/echo"),
        ("GET", f"/api/v1/operations/{owned}"),
        ("GET", f"/api/v1/operations/{owned}/events"),
        ("POST", f"/api/v1/operations/{owned}/cancel"),
    ):
        assert bea.ask(method, "", path, **token).status == 404, path
    assert "echo" not in [app["name"] for app in bea.ask("GET", "", "/api/v1/apps", **token).json()["items"]]
    for path in ("/apps/echo", f"/operations/{owned}", "/open/no-such-app"):
        assert bea.ask("GET", "", path, **NAVIGATION).status == 404, path
    asking = bea.ask("GET", "", "/open/echo", **NAVIGATION)
    assert asking.status == 403
    assert b"echo is not shared with you" in asking.body, "a person in a browser may ask its owner for access"
    for name in ("echo", "no-such-app"):
        assert bea.ask("GET", name, "/", **token).status == 403, (
            "whether there is such an app is not to be seen"
        )
        assert bea.ask("POST", name, "/", "x", **token).status == 403
        assert bea.upgrade(name, **token) == 403
    assert bea.go("echo", "/").status == 403
    nobody = Browser(trial)
    assert nobody.ask("GET", "echo", "/", Authorization=f"Bearer {trial.server.token}").status == 403
    assert trial.server.ask("POST", "/api/v1/accounts", {"name": "eve"}, token=bea.token()).status == 403


# Credentials


def signed(key: object, **claims: object) -> str:
    return jwt.encode(claims, key, algorithm="ES256")


@pytest.fixture(scope="module")
def passes(trial: Trial, ada: Browser, bea: Browser) -> dict[str, str]:
    """Passes for the app *echo* that are not good, but for the first, which shows that the others could be."""
    key = serialization.load_pem_private_key((trial.server.data / "keys" / "passes.pem").read_bytes(), None)
    own = ada.jar[ada.host("echo")]["tholos_pass"]
    claims = jwt.decode(own, options={"verify_signature": False})
    now = int(time.time())
    of_hers = jwt.decode(bea.jar[bea.host("hers")]["tholos_pass"], options={"verify_signature": False})
    # What the server signed, a proxy believes until the server says otherwise; these, it never signed.
    of_nobody = {name: value for name, value in claims.items() if name != "e"}
    head, body, _ = own.split(".")
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    return {
        "good": signed(key, **claims),
        "expired": signed(key, **{**claims, "iat": now - 700, "exp": now - 5}),
        "another app's": bea.jar[bea.host("hers")]["tholos_pass"],
        "another person's session": signed(key, **{**of_nobody, "g": of_hers["g"]}),
        "no such session": signed(key, **{**of_nobody, "g": "ses_00000000000000000000000000"}),
        "old access version": signed(key, **{**claims, "v": 0}),
        "another issuer": signed(key, **{**claims, "iss": "else"}),
        "without end": signed(key, **{name: value for name, value in claims.items() if name != "exp"}),
        "another key": signed(ec.generate_private_key(ec.SECP256R1()), **claims),
        "no signature": f"{unsigned}.{body}.",
        "cut": f"{head}.{body}.AAAA",
        "garbage": "garbage",
        "empty": "",
        "long": "a" * 4000,
    }


NAMES = [
    "expired", "another app's", "another person's session", "no such session", "old access version",
    "another issuer", "without end", "another key", "no signature", "cut", "garbage", "empty", "long",
]  # fmt: skip

OF_SOMEBODY = {"another person's session", "old access version"}
"""They say who it is; this app does not let them in."""


def test_a_good_pass_lets_in(ada: Browser, trial: Trial, passes: dict[str, str]) -> None:
    nobody = Browser(trial)
    cookie = {"Cookie": f"tholos_pass={passes['good']}"}
    assert nobody.ask("GET", "echo", "/", **cookie).status == 200
    assert nobody.upgrade("echo", Origin=nobody.origin("echo"), **cookie) == 101


@pytest.mark.parametrize("name", NAMES)
def test_a_pass_that_is_not_good(ada: Browser, trial: Trial, passes: dict[str, str], name: str) -> None:
    nobody = Browser(trial)
    cookie = {"Cookie": f"tholos_pass={passes[name]}"}
    own = {"Origin": nobody.origin("echo")}
    refused = 403 if name in OF_SOMEBODY else 401
    assert nobody.ask("GET", "echo", "/", **cookie).status == refused
    assert nobody.ask("POST", "echo", "/", "x", **cookie, **own).status == refused
    assert nobody.upgrade("echo", **own, **cookie) == refused
    assert nobody.ask("GET", "echo", "/", Authorization=f"Bearer {passes[name]}").status == 401


def test_cookies_of_the_wrong_kind(ada: Browser, trial: Trial) -> None:
    """A session is for the console and a handle for one app; neither opens anything else."""
    nobody = Browser(trial)
    session = ada.jar[ada.host("")]["tholos_session"]
    handle = ada.jar[ada.host("echo")]["tholos_handle"]
    for cookie in (f"tholos_session={session}", f"tholos_pass={session}", f"tholos_handle={session}"):
        assert nobody.ask("GET", "echo", "/", Cookie=cookie).status == 401
    assert nobody.ask("GET", "", "/api/v1/me", Cookie=f"tholos_session={handle}").status == 401
    assert nobody.ask("GET", "hers", "/", Cookie=f"tholos_handle={handle}").status == 401
    got = nobody.ask("GET", "echo", "/", Cookie=f"tholos_handle={handle}")
    assert got.status == 200
    assert "tholos_pass" in got.cookies


@pytest.mark.parametrize("token", ["garbage", "tho_0000", "a" * 5000, "ünïcödé".encode().decode("latin-1")])
def test_a_token_that_is_none(ada: Browser, trial: Trial, token: str) -> None:
    nobody = Browser(trial)
    for header in (f"Bearer {token}", f"Key {token}", f"Basic {token}", token):
        assert nobody.ask("GET", "", "/api/v1/me", Authorization=header).status == 401
        assert nobody.ask("GET", "echo", "/", Authorization=header).status == 401
    assert nobody.upgrade("echo", Authorization="Bearer garbage") == 401


EVENTS = {"Accept": "text/event-stream"}
"""What asks for an answer that lasts says so: any other ends with its connection, where a proxy carries it."""


def test_a_revoked_token(trial: Trial, ada: Browser) -> None:
    """It opens nothing any more within a second, and a stream that it opened ends."""
    token = ada.token()
    header = {"Authorization": f"Bearer {token}"}
    nobody = Browser(trial)
    assert nobody.ask("GET", "echo", "/", **header).status == 200
    with (
        trial.stream("GET", "/stream", host="echo", token=token, headers=EVENTS) as stream,
        nobody.tunnel("echo", **header) as (status, tunnel),
    ):
        assert (stream.read(1), status) == (b".", 101)
        watched = Watched(tunnel)
        assert nobody.ask("DELETE", "", "/api/v1/tokens/current", **header).status == 204
        time.sleep(0.5)
        assert nobody.ask("GET", "", "/api/v1/me", **header).status == 401
        assert nobody.ask("GET", "echo", "/", **header).status == 401
        assert nobody.upgrade("echo", **header) == 401
        assert watched.ended_within(5)
        assert ends_within(stream, 5)


# What the app sees


FORGED = {
    "X-Tholos-Account": "root",
    "X_Tholos_Account": "root",
    "X-Tholos-Role": "root",
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
    "X-Real-IP": "6.6.6.6",
    "Forwarded": "for=6.6.6.6",
    "X-Script-Name": "/evil",
    "RStudio-Connect-Credentials": "evil",
    "Posit-Connect-User-Session-Token": "evil",
    "X-RSC-Request": "https://evil.example",
}


def assert_true_identity(headers: list[list[str]]) -> None:
    seen = [value for name, value in headers if name.lower().replace("_", "-") == "x-tholos-account"]
    assert seen == ["ada"]
    assert not re.search(r"root|6\.6\.6\.6|evil", json.dumps(headers))
    assert [value for name, value in headers if name == "x-forwarded-for"] == ["127.0.0.1"]


def test_forged_identity_does_not_arrive(trial: Trial, ada: Browser) -> None:
    """With a cookie, with a token, and on a websocket: one identity, and it is ours."""
    nobody = Browser(trial)
    token = {"Authorization": f"Bearer {ada.token()}"}
    assert_true_identity(ada.ask("GET", "echo", "/", **FORGED).json())
    assert_true_identity(nobody.ask("GET", "echo", "/", **FORGED, **token).json())
    with ada.tunnel("echo", Origin=ada.origin("echo"), **FORGED) as (status, tunnel):
        assert status == 101
        received = b""
        while b"]]" not in received:
            received += tunnel.recv(65536)
    text = received[received.index(b"[[") : received.index(b"]]") + 2]
    assert_true_identity(json.loads(text))


def test_our_credentials_do_not_arrive(trial: Trial, ada: Browser) -> None:
    """Neither cookies nor the token; the app's own cookies and its own Authorization do."""
    ada.jar[ada.host("echo")]["theme"] = "dark"
    basic = "Basic " + base64.b64encode(b"user:secret").decode()
    seen = ada.ask("GET", "echo", "/", Authorization=basic).json()
    assert [value for name, value in seen if name == "cookie"] == ["theme=dark"]
    assert [value for name, value in seen if name == "authorization"] == [basic]
    token = ada.token()
    seen = Browser(trial).ask("GET", "echo", "/", Authorization=f"Bearer {token}", Cookie="theme=dark").json()
    assert token not in json.dumps(seen)
    assert [value for name, value in seen if name == "cookie"] == ["theme=dark"]


@pytest.mark.parametrize("size", [10, 7000, 12_000])
def test_cookies_of_an_app_arrive_whole_however_long_they_are(
    ada: Browser, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ada.jar[ada.host("echo")], "long", "y" * size)
    monkeypatch.setitem(ada.jar[ada.host("echo")], "theme", "dark")
    seen = ada.ask("GET", "echo", "/").json()
    (cookie,) = [value for name, value in seen if name == "cookie"]
    assert sorted(cookie.split("; ")) == [f"long={'y' * size}", "theme=dark"]


# Which page a request comes from


def test_requests_with_cookies_come_from_own_pages(ada: Browser) -> None:
    own, other, console = ada.origin("echo"), "https://evil.example", ada.origin("")
    assert ada.ask("POST", "echo", "/", "x", Origin=own).status == 200
    assert ada.ask("POST", "echo", "/", "x").status == 200
    assert ada.ask("POST", "echo", "/", "x", **{"Sec-Fetch-Site": "same-origin"}).status == 200
    for foreign in (
        other,
        console,
        ada.origin("hers"),
        "null",
        own.replace("http:", "https:"),
        own + ".evil",
    ):
        assert ada.ask("POST", "echo", "/", "x", Origin=foreign).status == 403, foreign
        assert ada.upgrade("echo", Origin=foreign) == 403, foreign
    assert ada.ask("POST", "echo", "/", "x", **{"Sec-Fetch-Site": "cross-site"}).status == 403
    assert ada.ask("POST", "echo", "/", "x", **{"Sec-Fetch-Site": "same-site"}).status == 403
    assert ada.upgrade("echo", Origin=own) == 101
    assert ada.upgrade("echo") == 403


def test_a_token_needs_no_origin(trial: Trial, ada: Browser) -> None:
    nobody = Browser(trial)
    token = {"Authorization": f"Bearer {ada.token()}"}
    assert nobody.ask("POST", "echo", "/", "x", **token).status == 200
    assert nobody.upgrade("echo", **token) == 101


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://echo.localhost"])
def test_the_console_heeds_only_its_own_pages(ada: Browser, origin: str) -> None:
    origin = origin if "echo" not in origin else ada.origin("echo")
    form = {"Origin": origin, "Content-Type": "application/x-www-form-urlencoded"}
    tokens = len(ada.ask("GET", "", "/api/v1/tokens").json()["items"])
    assert ada.ask("POST", "", "/account/tokens", "label=x&days=1", **form).status == 403
    assert ada.ask("POST", "", "/api/v1/tokens", "{}", **form).status == 403
    assert ada.ask("DELETE", "", "/api/v1/apps/echo", **form).status == 403
    assert ada.ask("POST", "", "/sign-out", "", **form).status == 403
    assert ada.ask("POST", "", "/sign-in", "name=ada&password=x", **form).status == 403
    assert len(ada.ask("GET", "", "/api/v1/tokens").json()["items"]) == tokens
    assert ada.ask("GET", "", "/api/v1/me").status == 200


# The hand-over


def begin(browser: Browser, path: str = "/page?a=1") -> tuple[str, str]:
    """Open an app without its cookies, up to the code: the transaction as a Cookie header, and the way to the callback."""
    browser.jar.pop(browser.host("echo"), None)
    away = browser.ask("GET", "echo", path, **NAVIGATION)
    assert away.status == 303
    opened = urlsplit(away.location)
    back = browser.ask("GET", "", f"{opened.path}?{opened.query}", **NAVIGATION)
    assert back.status == 303
    assert dict(back.headers)["referrer-policy"] == "no-referrer"
    callback = urlsplit(back.location)
    assert callback.netloc == browser.host("echo")
    (transaction,) = browser.jar[browser.host("echo")].items()
    return "=".join(transaction), f"{callback.path}?{callback.query}"


def assert_not_redeemed(got: Got) -> None:
    assert (got.status, got.location) in {(303, "/"), (400, "")}
    assert not {"tholos_pass", "tholos_handle"} & got.cookies.keys()


def test_the_hand_over(ada: Browser) -> None:
    """One code, one use, by the browser that began, back to where it wanted to go."""
    ada.jar.pop(ada.host("echo"), None)
    away = ada.ask("GET", "echo", "/page?a=1", **NAVIGATION)
    ((name, cookie),) = away.cookies.items()
    assert name.startswith("tholos_txn_")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    transaction, callback = begin(ada)
    done = ada.ask("GET", "echo", callback, **NAVIGATION)
    assert (done.status, done.location) == (303, "/page?a=1")
    assert dict(done.headers)["referrer-policy"] == "no-referrer"
    for name in ("tholos_pass", "tholos_handle"):
        assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(done.cookies[name].split("; "))
    assert "Max-Age=0" in done.cookies[transaction.partition("=")[0]]
    assert ada.ask("GET", "echo", "/").status == 200
    replayed = Browser(ada.trial)
    assert_not_redeemed(replayed.ask("GET", "echo", callback, Cookie=transaction))


def test_a_code_is_good_for_one_browser_and_one_app(ada: Browser, bea: Browser) -> None:
    transaction, callback = begin(ada)
    stranger = Browser(ada.trial)
    assert_not_redeemed(stranger.ask("GET", "echo", callback))
    assert_not_redeemed(
        stranger.ask("GET", "echo", callback, Cookie=transaction.partition("=")[0] + "=made-up.Lw==")
    )
    assert_not_redeemed(stranger.ask("GET", "hers", callback, Cookie=transaction))
    assert_not_redeemed(stranger.ask("GET", "echo", callback[:-4] + "AAAA", Cookie=transaction))
    assert_not_redeemed(stranger.ask("GET", "echo", "/.tholos/callback", Cookie=transaction))
    got = stranger.ask("GET", "echo", callback, Cookie=transaction)
    assert "tholos_pass" in got.cookies, "trying with the wrong browser must not have spent it"
    assert ada.go("echo", "/").status == 200


@pytest.mark.parametrize(
    "path",
    ["//evil.example/x", "/\\evil.example", "/%09/evil.example", "///evil.example", "/%5cevil.example"],
)
def test_the_way_back_leads_nowhere_else(ada: Browser, path: str) -> None:
    """Neither by the path that was asked for, nor by a cookie that somebody planted."""
    try:
        _, callback = begin(ada, path)
    except AssertionError:
        assert ada.go("echo", "/").status == 200
        return  # refused at once is good as well
    assert_stays(ada.ask("GET", "echo", callback, **NAVIGATION).location)
    transaction, callback = begin(ada)
    for planted in (path, "https://evil.example/", "javascript:alert(1)", "/\r\nSet-Cookie: a=b", "evil"):
        secret = transaction.partition(".")[0]
        kept = base64.urlsafe_b64encode(planted.encode()).decode()
        got = ada.ask("GET", "echo", callback, Cookie=f"{secret}.{kept}")
        assert_stays(got.location)
        assert "evil" not in got.cookies
        transaction, callback = begin(ada)
    assert ada.go("echo", "/").status == 200


def assert_stays(location: str) -> None:
    assert re.match(r"/(?![/\\])", location), location
    assert not urlsplit(location).netloc
    assert "\\" not in location
    assert "\t" not in location


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "/%09/x",
        "javascript:alert(1)",
        "\\\\evil",
    ],
)
def test_signing_in_leads_nowhere_else(ada: Browser, path: str) -> None:
    got = Browser(ada.trial).post("/sign-in", name="ada", password=PASSWORD, next=path)
    assert got.status == 303
    assert_stays(got.location)
    got = ada.ask("GET", "", "/sign-in?" + urlencode({"next": path}), **NAVIGATION)
    assert_stays(got.location)


@pytest.mark.parametrize("query", ["t=short", "t=" + "g" * 64, "t=//evil.example", "t=" + "a" * 5000])
def test_a_malformed_transaction_is_refused(ada: Browser, query: str) -> None:
    assert ada.ask("GET", "", f"/open/echo?{query}", **NAVIGATION).status == 400


def test_a_strange_host(ada: Browser) -> None:
    """No app, no redirect: nothing is served under a host that is not ours."""
    for host in (
        "evil.example",
        f"echo.evil.example:{ada.trial.server.port}",
        "echo.localhost",
        "a.echo.localhost",
    ):
        got = ada.ask("GET", "", "/", Host=host)
        assert (got.status, got.location) == (421, "")


# The end of access


def test_signing_out_ends_what_is_open(trial: Trial, ada: Browser) -> None:
    """Of this browser: the pass within a second, streams and websockets within five. Another one's go on."""
    first, second = (again(ada, "ada") for _ in range(2))
    for browser in (first, second):
        assert browser.go("echo", "/").status == 200
    with (
        first.stream("echo") as leaving,
        second.stream("echo") as staying,
        first.tunnel("echo", Origin=first.origin("echo")) as (one, leaving_tunnel),
        second.tunnel("echo", Origin=second.origin("echo")) as (two, staying_tunnel),
    ):
        assert (one, two) == (101, 101)
        watched = [Watched(opened) for opened in (leaving, leaving_tunnel)]
        others = [Watched(opened) for opened in (staying, staying_tunnel)]
        kept = {**first.jar[first.host("echo")]}
        assert first.post("/sign-out").status == 303
        time.sleep(0.9)
        cookie = "; ".join(f"{name}={value}" for name, value in kept.items())
        assert Browser(trial).ask("GET", "echo", "/", Cookie=cookie).status == 401
        assert Browser(trial).upgrade("echo", Cookie=cookie, Origin=first.origin("echo")) == 401
        assert all(one.ended_within(5) for one in watched)
        time.sleep(0.3)
        assert [one.ended_at for one in others] == [0.0, 0.0]
        assert second.ask("GET", "echo", "/").status == 200


def test_deleting_an_app_ends_its_streams(trial: Trial, bea: Browser) -> None:
    """And its passes are good for nothing, not even for an app of the same name that somebody else publishes."""
    token = bea.token()
    trial.publish("brief", {"app.py": ECHO}, token=token)
    bea.go("brief", "/")
    with (
        trial.stream("GET", "/stream", host="brief", token=token, headers=EVENTS) as stream,
        bea.tunnel("brief", Origin=bea.origin("brief")) as (status, tunnel),
    ):
        assert (stream.read(1), status) == (b".", 101)
        watched = Watched(tunnel)
        begun = trial.server.api("DELETE", "/api/v1/apps/brief", token=token)
        assert watched.ended_within(5)
        assert ends_within(stream, 5)
        trial.wait(str(begun["operation"]["id"]))
    assert bea.ask("GET", "brief", "/").status == 401
    trial.publish("brief", {"app.py": ECHO})
    eventually(lambda: trial.get("brief").status == 200)
    assert bea.ask("GET", "brief", "/").status == 401
    trial.delete("brief")
