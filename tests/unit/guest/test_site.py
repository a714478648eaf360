from __future__ import annotations

import io
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tholos_guest import site
from tholos_guest.failure import CannotStart


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("site")
    outside = tmp_path_factory.mktemp("outside") / "secret.txt"
    outside.write_text("secret")
    for name in (
        "index.html",
        "a b.txt",
        "docs/index.html",
        "docs/x.js",
        ".env",
        ".well-known/x",
        "d/.git/config",
        "ü.css",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / "empty").mkdir()
    (folder / "leak.txt").symlink_to(outside)
    (folder / "alias.txt").symlink_to(folder / ".env")
    return site.root_of(str(folder))[0]


@pytest.mark.parametrize(
    ("target", "name", "type_"),
    [
        ("/", "index.html", "text/html; charset=utf-8"),
        ("/?x=/../y", "index.html", "text/html; charset=utf-8"),
        ("/a%20b.txt", "a b.txt", "text/plain; charset=utf-8"),
        ("/docs/", "docs/index.html", "text/html; charset=utf-8"),
        ("//docs///x.js", "docs/x.js", "text/javascript; charset=utf-8"),
        ("/%C3%BC.css", "ü.css", "text/css; charset=utf-8"),
        ("/.well-known/x", ".well-known/x", "application/octet-stream"),
    ],
)
def test_a_path_means_a_file(root, target, name, type_):
    found = site.find(root, target)
    assert (found.status, found.path, found.headers) == (200, f"{root}/{name}", {"Content-Type": type_})


def test_a_first_page_of_another_name_is_that_of_the_root_alone(tmp_path):
    for name in ("report.html", "deep/index.html", "deep/report.html"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    for place in (tmp_path, tmp_path / "deep"):
        assert site.root_of(str(place / "report.html")) == (str(place), "report.html")
    root, first = site.root_of(str(tmp_path / "report.html"))
    found = {
        target: site.find(root, target, first).path
        for target in ("/", "/deep/", "/report.html", "/index.html")
    }
    assert found == {
        "/": f"{root}/report.html",
        "/deep/": f"{root}/deep/index.html",
        "/report.html": f"{root}/report.html",
        "/index.html": None,
    }


def test_a_place_that_is_not_there_is_told(tmp_path):
    with pytest.raises(CannotStart, match=r"there is no folder .*/lost\.html"):
        site.root_of(str(tmp_path / "lost.html"))


def test_a_folder_is_asked_for_with_its_slash_whatever_the_prefix(root):
    found = site.find(root, "/docs?a=1")
    assert (found.status, found.headers["Location"]) == (301, "./docs/?a=1")
    assert site.find(root, "//docs").headers["Location"] == "./docs/"


@pytest.mark.parametrize(
    "target",
    [
        "/nosuch", "/empty/", "/index.html/", "/.env", "/d/.git/config", "/leak.txt", "/alias.txt", "/../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd", "/docs%2fx.js", "/..%2f..%2fetc%2fpasswd", "/docs/../index.html", "/.well-known/.x",
    ],
)  # fmt: skip
def test_what_is_not_there_hidden_or_outside_is_not_found(root, target):
    found = site.find(root, target)
    assert (found.status, found.path) == (404, None)


@pytest.mark.parametrize("target", ["", "*", "http://x/", "/%ff", "/a%00b"])
def test_what_is_no_path_is_refused(root, target):
    assert site.find(root, target).status == 400


@given(st.text(max_size=40))
def test_no_path_leads_out_of_the_site(root, text):
    found = site.find(root, "/" + text)
    assert found.path is None or found.path.startswith(root + "/")
    assert found.path is None or "/." not in found.path.removeprefix(root).replace("/.well-known", "")


def test_the_sites_own_page_stands_in_for_what_is_not_there(tmp_path):
    (tmp_path / "404.html").write_text("lost")
    found = site.find(str(tmp_path), "/x")
    assert (found.status, found.path) == (404, f"{tmp_path}/404.html")


def ask(tmp_path, content: bytes = b"0123456789", **headers: str) -> site.Reply:
    asked = Message()
    for name, value in headers.items():
        asked[name.replace("_", "-")] = value
    path = tmp_path / "x.txt"
    if not path.exists() or path.read_bytes() != content:
        path.write_bytes(content)
    with path.open("rb") as file:
        return site.negotiate(file, site.Found(200, {}, str(path)), asked)


def test_an_etag_is_the_contents(tmp_path):
    first = ask(tmp_path).headers["ETag"]
    assert ask(tmp_path).headers["ETag"] == first
    assert ask(tmp_path, b"9876543210").headers["ETag"] != first


def test_what_the_visitor_has_is_not_sent_again(tmp_path):
    full = ask(tmp_path)
    etag, modified = full.headers["ETag"], full.headers["Last-Modified"]
    assert ask(tmp_path, If_None_Match=etag).status == 304
    assert ask(tmp_path, If_None_Match=f'"x", W/{etag}').status == 304
    assert ask(tmp_path, If_None_Match="*").status == 304
    assert ask(tmp_path, If_Modified_Since=modified).status == 304
    assert ask(tmp_path, If_None_Match='"x"', If_Modified_Since=modified).status == 200
    assert ask(tmp_path, If_Modified_Since="yesterday").status == 200


@pytest.mark.parametrize(
    ("text", "status", "offset", "length"),
    [
        ("bytes=0-3", 206, 0, 4), ("bytes=8-", 206, 8, 2), ("bytes=-3", 206, 7, 3), ("bytes=5-99", 206, 5, 5),
        ("bytes=-99", 206, 0, 10), ("bytes=10-", 416, 0, 0), ("bytes=-0", 416, 0, 0), ("bytes=3-1", 200, 0, 10),
        ("bytes=0-1,3-4", 200, 0, 10), ("lines=0-1", 200, 0, 10), ("bytes=-", 200, 0, 10), ("bytes=a-b", 200, 0, 10),
        ("bytes=٣-", 200, 0, 10),
    ],
)  # fmt: skip
def test_one_range_is_cut_and_anything_else_answered_whole(tmp_path, text, status, offset, length):
    reply = ask(tmp_path, Range=text)
    assert (reply.status, reply.offset, reply.length) == (status, offset, length)


def test_a_range_of_another_version_is_answered_whole(tmp_path):
    assert ask(tmp_path, Range="bytes=0-3", If_Range='"old"').status == 200
    etag = ask(tmp_path).headers["ETag"]
    assert ask(tmp_path, Range="bytes=0-3", If_Range=etag).status == 206


def test_the_page_of_a_refusal_says_no_more_than_its_status():
    found = site.refuse(405)
    assert found.headers["Allow"] == "GET, HEAD"
    assert io.BytesIO(found.body).read().startswith(b"<!doctype html>")
