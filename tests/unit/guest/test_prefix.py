"""What apps under a path are told."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from tholos_guest import prefix


@pytest.mark.parametrize(
    ("url", "is_used"),
    [("http://sales.localhost:8080/", False), ("https://t.example.org/app/sales/", True), ("", False)],
)
def test_it_is_seen_in_the_apps_address(monkeypatch, url, is_used):
    monkeypatch.setenv("THOLOS_URL", url)
    assert prefix.is_used() is is_used


def test_a_wsgi_app_has_it_as_its_script_name():
    app = prefix.of_wsgi(lambda environ, _start: [environ["SCRIPT_NAME"]])
    assert app({"HTTP_X_FORWARDED_PREFIX": "/app/sales"}, None) == ["/app/sales"]
    assert app({}, None) == [""]


def test_an_asgi_app_has_it_as_its_root_path():
    scope = {"path": "/a", "raw_path": b"/a"}
    prefix.of_asgi(scope, "/app/sales")
    assert scope == {"path": "/app/sales/a", "raw_path": b"/app/sales/a", "root_path": "/app/sales"}


@pytest.mark.parametrize(
    ("version", "path"), [("0.32.0", "/a"), ("0.33.0", "/p/a"), ("1.0.0", "/p/a"), ("new", "/p/a")]
)
def test_an_old_starlette_compares_the_whole_path(monkeypatch, version, path):
    monkeypatch.setitem(sys.modules, "starlette", SimpleNamespace(__version__=version))
    scope = {"path": "/a"}
    prefix.of_asgi(scope, "/p")
    assert (scope["path"], scope["root_path"]) == (path, "/p")
