"""Which app a request is for, at hosts and under paths."""

from __future__ import annotations

import pytest

from tholos.access.addresses import Address, Addresses
from tholos.gateway.model import RequestHead

CONSOLE = "tholos.example.org"
HOSTS = Addresses("https://{name}.apps.example.org", {CONSOLE})
PATHS = Addresses(f"https://{CONSOLE}/app/{{name}}", {CONSOLE})


def head(host: str, target: str) -> RequestHead:
    return RequestHead("GET", target, host, (), "", "")


def test_at_a_host():
    assert HOSTS.find(head("sales.apps.example.org", "/a?b")) == Address("sales", "", "/a?b")
    assert HOSTS.of("sales", "/a").headers == []


@pytest.mark.parametrize(
    ("target", "name", "seen"),
    [
        ("/app/sales/", "sales", "/"),
        ("/app/sales/a/b?c=/d", "sales", "/a/b?c=/d"),
        ("/app/sales--r3//x", "sales--r3", "//x"),
        ("/app/sales", "sales", ""),
        ("/app/sales?x", "sales", ""),
    ],
)
def test_under_a_path(target, name, seen):
    found = PATHS.find(head(CONSOLE, target))
    assert found == Address(name, f"/app/{name}", seen)
    assert found.cookie_path == f"/app/{name}/"
    assert dict(found.headers)[b"x-forwarded-prefix"] == f"/app/{name}".encode()
    assert PATHS.of(name, seen) == found


@pytest.mark.parametrize(
    "target", ["/app/", "/app", "/apps/sales", "/app/Sales/", "/app/%73ales/", "/app//sales/", "/"]
)
def test_what_is_the_consoles(target):
    assert PATHS.find(head(CONSOLE, target)) is None


@pytest.mark.parametrize("addresses", [HOSTS, PATHS])
@pytest.mark.parametrize(
    "host", [CONSOLE, "apps.example.org", "sales.example.org", "sales.apps.example.org.evil"]
)
def test_what_is_nobodys(addresses, host):
    assert addresses.find(head(host, "/")) is None


def test_nobody_is_led_out_of_an_app():
    found = PATHS.of("sales", "/")
    assert found.keep_inside("/app/sales/a?b") == "/app/sales/a?b"
    assert (
        found.keep_inside("/app/salesx/")
        == found.keep_inside("//evil")
        == found.keep_inside("/")
        == "/app/sales/"
    )
    assert HOSTS.of("sales", "/").keep_inside("/x") == "/x"
