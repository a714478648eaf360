"""Bundles in every form in which clients send them, at the level of HTTP."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import re
import zlib
from pathlib import Path

import pytest
from tests.integration.connect.conftest import manifest, pack, wsgi

MB = 1 << 20
LARGE = 100 * MB


@pytest.fixture(scope="module")
def guid(clients):
    """Content that nothing was uploaded to before."""
    return clients.ask("POST", "content", {}).json["guid"]


@pytest.fixture
def data():
    return pack({**wsgi(), "manifest.json": manifest()})


def form(data, metadata, boundary="---a-boundary"):
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="archive"; filename="bundle.tar.gz"\r\n'
    more = f'\r\n--{boundary}\r\nContent-Disposition: form-data; name="metadata"\r\n\r\n'
    end = f"\r\n--{boundary}--\r\n"
    body = head.encode() + b"Content-Type: application/x-tar\r\n\r\n" + data + more.encode()
    return body + json.dumps(metadata).encode() + end.encode(), f"multipart/form-data; boundary={boundary}"


def send(clients, guid, pieces, **headers):
    """Pieces without a length, as chunks; what is answered."""
    connection = http.client.HTTPConnection("127.0.0.1", clients.server.port, timeout=60)
    try:
        sent = {"Host": f"localhost:{clients.server.port}", "Authorization": f"Key {clients.key}", **headers}
        path = f"/__api__/v1/content/{guid}/bundles"
        connection.request("POST", path, pieces, sent, encode_chunked="Content-Length" not in sent)
        answer = connection.getresponse()
        return answer.status, answer.getheader("content-type"), json.loads(answer.read())
    finally:
        connection.close()


def is_kept(clients, guid, data, bundle):
    """Whether the files of a bundle are those that were sent."""
    assert bundle["size"] == sum(len(text) for text in wsgi().values()) + len(manifest())
    assert clients.api(f"content/{guid}/bundles/{bundle['id']}") == bundle
    return True


def test_chunks_of_no_type(clients, guid, data):
    status, _, bundle = send(clients, guid, iter([data[:50], data[50:]]), **{"Transfer-Encoding": "chunked"})
    assert status == 200
    assert is_kept(clients, guid, data, bundle)


def test_a_form_with_what_is_said_of_it(clients, guid, data):
    said = {"source": "git", "source_repo": "https://example.org/a", "source_commit": "abc-dirty", "own": "1"}
    body, media_type = form(data, said)
    answer = clients.ask("POST", f"content/{guid}/bundles", body, Content_Type=media_type)
    assert answer.json["metadata"] == said
    assert is_kept(clients, guid, data, answer.json)


def test_a_body_with_its_length(clients, guid, data):
    answer = clients.ask("POST", f"content/{guid}/bundles", data)
    assert is_kept(clients, guid, data, answer.json)


def test_a_body_with_its_checksum(clients, guid, data):
    checksum = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
    answer = clients.ask(
        "POST", f"content/{guid}/bundles", data, Content_Type="application/gzip", X_Content_Checksum=checksum
    )
    assert is_kept(clients, guid, data, answer.json)


def test_a_checksum_of_something_else(clients, guid, data):
    checksum = base64.b64encode(hashlib.md5(b"something else", usedforsecurity=False).digest()).decode()
    answer = clients.ask(
        "POST", f"content/{guid}/bundles", data, Content_Type="application/gzip", X_Content_Checksum=checksum
    )
    assert (answer.status, answer.json["code"]) == (400, 104)
    assert answer.json["payload"] is None


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"--x\r\n\r\n--x--\r\n", "multipart/form-data; boundary=x"),
        (b"nothing of the sort", "multipart/form-data; boundary=x"),
        (b"", "multipart/form-data; boundary=x"),
        (b"x", "multipart/form-data"),
        (b"", "application/gzip"),
        (b'--x\r\nContent-Disposition: form-data; name="other"\r\n\r\n1\r\n--x--\r\n', "multipart/form-data; boundary=x"),
    ],
)  # fmt: skip
def test_forms_that_are_none(clients, guid, body, media_type):
    answer = clients.ask("POST", f"content/{guid}/bundles", body, Content_Type=media_type)
    assert answer.status == 400
    assert answer.json["error"]
    assert isinstance(answer.json["code"], int)


def test_a_form_whose_metadata_is_none(clients, guid, data):
    body, media_type = form(data, ["no", "object"])
    answer = clients.ask("POST", f"content/{guid}/bundles", body, Content_Type=media_type)
    assert (answer.status, answer.json["code"]) == (400, 121)


def test_a_bundle_that_is_announced_as_too_large(clients, guid):
    """It is refused before any of it is sent, and in JSON."""
    status, media_type, told = send(clients, guid, iter(()), **{"Content-Length": str(3 << 30)})
    assert (status, media_type, told["code"]) == (413, "application/json", 126)
    assert "more than" in told["error"]


def test_a_bundle_that_grows_too_much(clients, guid):
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(bytes(MB)) for _ in range(64)) + packer.flush()
    answer = clients.ask("POST", f"content/{guid}/bundles", bomb)
    assert (answer.status, answer.json["code"]) == (400, 135)


def test_whoever_may_not_is_refused_before_the_body_is_read(server, clients, guid):
    other = clients.of(server.new_account("ugo"))
    status, _, told = send(other, guid, iter(()), **{"Content-Length": str(1 << 20)})
    assert (status, told["code"]) == (404, 4)


def packed_pieces(size):
    """A gzip-compressed tar with a manifest and one file of so many bytes that do not compress, piece by piece."""
    packer = zlib.compressobj(1, wbits=31)
    small = {"index.html": "<h1>large</h1>", "manifest.json": manifest("static", "index.html", python=None)}
    head = bytearray(b"large.bin".ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2)
    head += f"{size:011o}\0".encode() + b"00000000000\0" + b" " * 8 + b"0"
    head = head.ljust(512, b"\0")
    head[148:156] = f"{sum(head):06o}\0 ".encode()
    yield packer.compress(zlib.decompress(pack(small), wbits=31)[:2048])
    yield packer.compress(bytes(head))
    for _ in range(size // MB):
        yield packer.compress(os.urandom(MB))
    yield packer.compress(bytes(2048)) + packer.flush()


def peak_kb(server):
    lines = Path(f"/proc/{server.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


@pytest.mark.parametrize("is_form", [False, True])
def test_a_hundred_megabytes_take_no_memory(server, clients, is_form):
    """What arrives goes to the disk, whole or as a part of a form."""
    guid = clients.ask("POST", "content", {}).json["guid"]
    Path(f"/proc/{server.pid}/clear_refs").write_text("5")  # the peak is counted from here on (proc(5))
    before = peak_kb(server)
    pieces, headers = packed_pieces(LARGE), {"Transfer-Encoding": "chunked"}
    if is_form:
        (start, media_type), end = form(b"", {"is": "large"}), len(form(b"", {"is": "large"})[0])
        cut = start.index(b"\r\n\r\n") + 4

        def around(body=pieces):
            yield start[:cut]
            yield from body
            yield start[cut:end]

        pieces, headers = around(), {**headers, "Content-Type": media_type}
    status, _, bundle = send(clients, guid, filter(None, pieces), **headers)
    assert status == 200, bundle
    assert bundle["size"] > LARGE
    grown = peak_kb(server) - before
    # A form is read as a mapped file, whose pages the kernel counts and takes back as it likes.
    assert grown < (150 if is_form else 40) * 1024, f"{grown} kB more"
    kept = clients.ask("GET", f"content/{guid}/bundles/{bundle['id']}/download")
    assert re.fullmatch(r'attachment; filename="bundle-\d+\.tar\.gz"', kept.headers["content-disposition"])
