"""Asking for the lines of a log by the API and on its page, without a socket."""

import json
import struct
import time
from datetime import timedelta
from pathlib import Path

import pytest

from tholos.instances import service as instances
from tholos.instances.models import InstanceState
from tholos.runtime.layout import Layout
from tholos.testing.rows import add_release

TRACE = b"""Traceback (most recent call last):
  File "app.py", line 3, in total
    return row["total"]
KeyError: 'total'
"""
LINES = b"INFO:root:one\nWARNING:root:two\nplain three\n" + TRACE + b"INFO:root:Four\n"
URL = "/api/v1/apps/sales/logs"


class Written:
    def __init__(self, console, folder) -> None:
        self.console, self.layout = console, Layout(folder)
        self.app, self.release = console.add_app("ada", "sales")
        self.ada = console.by_token("ada")
        self.browser = console.by_session("ada")

    def add(self, text: bytes, release=None):
        with self.console.database.write() as db:
            made = instances.create_instance(
                db, self.app, release or self.release, self.layout, self.console.clock.now()
            )
        self.console.clock.move(1)
        path = Path(made.log)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
        return made.id, path

    def add_release(self):
        with self.console.database.write() as db:
            return add_release(db, self.console.people.ada, self.app, self.console.clock.now())

    def end(self, instance: str) -> None:
        with self.console.database.write() as db:
            instances.set_state(db, instance, InstanceState.STOPPED, "", self.console.clock.now())

    async def lines(self, query: str = "") -> list[str]:
        answer = await self.ada.get(f"{URL}?{query}")
        assert answer.status == 200, answer.text
        return answer.text.splitlines()

    async def json(self, query: str = "") -> list[dict]:
        return [json.loads(line) for line in await self.lines(f"format=json&{query}")]


@pytest.fixture
def written(console, tmp_path):
    return Written(console, tmp_path / "data")


def note(path, *pairs) -> None:
    data = b"".join(struct.pack("<QQ", offset, int(when.timestamp() * 1000)) for offset, when in pairs)
    path.with_name(path.name + ".times").write_bytes(data)


async def test_level_and_search(written):
    written.add(LINES)
    assert await written.lines() == LINES.decode().splitlines()
    assert await written.lines("level=error") == TRACE.decode().splitlines()
    assert await written.lines("level=warning") == ["WARNING:root:two", *TRACE.decode().splitlines()]
    assert await written.lines("level=warn&q=TWO") == ["WARNING:root:two"]
    assert await written.lines("q=four") == ["INFO:root:Four"]
    assert await written.lines("q=o&lines=2") == ["KeyError: 'total'", "INFO:root:Four"]
    assert await written.lines("q=nothing") == []
    assert await written.lines("lines=0") == []


async def test_since(written, clock):
    """True to a second; with neither a time of the line nor one of the log all of it is told."""
    _, path = written.add(LINES)
    assert len(await written.lines("since=10m")) == 8
    early, late = clock.now() - timedelta(hours=3), clock.now() - timedelta(minutes=5)
    note(path, (0, early), (LINES.index(TRACE), late))
    assert (await written.lines("since=10m"))[0] == "Traceback (most recent call last):"
    assert await written.lines("since=2m") == []
    assert len(await written.lines("since=1d")) == 8
    stamp = late.isoformat().replace("+00:00", "Z")
    assert len(await written.lines(f"since={stamp}")) == 5
    assert await written.lines("since=10m&q=four") == ["INFO:root:Four"]


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("since=yesterday", "since"),
        ("since=10", "since"),
        ("since=999999w", "since"),
        ("since=2026-13-01", "since"),
        ("level=loud", "level"),
    ],
)
async def test_what_cannot_be_asked(written, query, where):
    written.add(LINES)
    answer = await written.ada.get(f"{URL}?{query}")
    assert (answer.status, answer.json["error"]["code"]) == (400, "log_query_invalid")
    assert answer.json["error"]["where"] == where
    assert answer.json["error"]["fix"]
    page = await written.browser.get(f"/apps/sales/logs?{query}")
    assert page.status == 400
    assert answer.json["error"]["fix"] in page.text
    assert page.text.count('class="line') == (8 if where == "since" else 0)


@pytest.mark.parametrize("path", [URL, "/apps/sales/logs"])
async def test_an_instance_that_is_no_name(written, path):
    for name in ("..%2Fx", "a%20b", "%ED%A0%80", "x" * 41):
        answer = await written.ada.get(f"{path}?instance={name}")
        assert (answer.status, answer.json["error"]["where"]) == (400, "instance")


async def test_json_says_all_of_a_line(written, clock):
    instance, path = written.add(LINES)
    note(path, (0, clock.now()))
    first, *_, last = await written.json()
    assert first == {
        "n": 1,
        "at": first["at"],
        "level": "info",
        "release": 1,
        "instance": instance,
        "offset": 14,
        "text": "INFO:root:one",
    }
    assert first["at"].endswith("Z")
    assert (last["n"], last["offset"]) == (8, len(LINES))
    (found,) = await written.json("q=keyerror")
    assert (found["n"], found["level"]) == (7, "error")
    assert [line["n"] for line in await written.json(f"before={first['offset']}")] == [1]


async def test_one_release_and_one_instance(written):
    one, _ = written.add(b"first\n")
    two, _ = written.add(b"second\n")
    other = written.add_release()
    written.add(b"third\n", other)
    assert await written.lines() == ["second"]
    assert await written.lines(f"instance={one}") == ["first"]
    assert await written.lines("release=2") == ["third"]
    answer = await written.ada.get(f"{URL}?instance=ins_none")
    assert (answer.status, answer.json["error"]["code"]) == (404, "instance_not_found")
    assert two != one


async def test_all_of_it_as_a_file(written):
    one, _ = written.add(b"first\n")
    two, path = written.add(b"second\nunfinished")
    answer = await written.ada.get(f"{URL}?download=true")
    assert answer.headers["content-disposition"] == 'attachment; filename="sales-release-1.log"'
    assert answer.text == (
        f"==> release 1, instance {one} <==\nfirst\n==> release 1, instance {two} <==\nsecond\nunfinished\n"
    )
    only = await written.ada.get(f"{URL}?download=true&instance={two}")
    assert "first" not in only.text
    path.unlink()
    gone = await written.ada.get(f"{URL}?download=true&instance={two}")
    assert "this log is gone" in gone.text


async def test_the_traceback_of_the_last_run(written):
    run = b"[tholos] started, pid 1\n"
    old = TRACE.replace(b"KeyError: 'total'", b"ValueError: old")
    text = run + old + b"[tholos] exited with code 1 after 1 s\n" + run + b"ok\n" + TRACE
    instance, path = written.add(text)
    found = (await written.ada.get("/api/v1/apps/sales/traceback")).json["traceback"]
    assert (found["error"], found["where"], found["instance"]) == ("KeyError: 'total'", "app.py:3", instance)
    assert (found["n"], found["offset"], found["release"]) == (9, text.index(TRACE), 1)
    assert found["text"].startswith("Traceback")
    path.write_bytes(text + b"[tholos] exited with code 1 after 1 s\n" + run)
    again = (await written.ada.get("/api/v1/apps/sales/traceback")).json["traceback"]
    assert again["error"] == "KeyError: 'total'"
    path.write_bytes(b"nothing\n")
    assert (await written.ada.get("/api/v1/apps/sales/traceback")).json == {"traceback": None}


async def test_the_page(written):
    """Without scripts: lines with their numbers, levels and colours, the first traceback, and a form that keeps what was asked."""
    written.add(LINES + b"\x1b[31mred\x1b[0m <b>\n")
    page = await written.browser.get("/apps/sales/logs")
    assert '<span class="a31">red</span> &lt;b&gt;' in page.text
    assert page.text.count('id="traceback"') == 1
    assert '<details class="trace" id="traceback" open>' in page.text
    assert 'class="line warn" id="L2"' in page.text
    narrowed = await written.browser.get("/apps/sales/logs?q=four&level=&since=1d")
    assert narrowed.text.count('class="line') == 1
    assert 'id="L8" data-n="8"' in narrowed.text
    assert 'value="four"' in narrowed.text
    assert 'value="1d"' in narrowed.text
    # The traceback is not among what is shown: it stands above.
    assert '<details class="crash" id="traceback" open>' in narrowed.text
    assert "KeyError" in narrowed.text
    stream = narrowed.text.partition('data-stream="')[2].partition('"')[0]
    assert stream.startswith("/api/v1/apps/sales/logs?q=four&amp;")
    assert "&amp;follow=true&amp;" in stream
    assert "since" not in stream


async def test_earlier_lines_have_a_page(written):
    written.add(b"".join(b"line %d\n" % n for n in range(2500)))
    page = await written.browser.get("/apps/sales/logs")
    assert 'id="L2001"' in page.text
    assert 'id="L2000"' not in page.text
    before = b"".join(b"line %d\n" % n for n in range(2000))
    assert f'href="/apps/sales/logs?before={len(before)}"' in page.text
    earlier = await written.browser.get(f"/apps/sales/logs?before={len(before)}")
    assert 'id="L1501"' in earlier.text
    assert 'id="L2000"' in earlier.text
    assert 'data-stream=""' in earlier.text
    assert '<a href="/apps/sales/logs">The last lines</a>' in earlier.text


async def test_instances_can_be_chosen(written):
    one, _ = written.add(b"first\n")
    written.add(b"second\n")
    written.end(one)
    page = await written.browser.get(f"/apps/sales/logs?instance={one}")
    assert f'<option value="{one}" selected>' in page.text
    assert "first" in page.text
    assert 'data-stream=""' in page.text
    none = await written.browser.get("/apps/sales/logs?instance=ins_none")
    assert none.status == 404


async def test_ten_thousand_lines_are_quick(written):
    """Of the server's time; the bound is loose, as other tests run beside this one."""
    lines = b"".join(
        b"2026-01-01 12:00:00,000 INFO app GET /things/%d?page=%d 200\n" % (n, n) for n in range(10_000)
    )
    written.add(lines.replace(b"\n", b"\n" + TRACE, 1))
    for path in (f"{URL}?level=error", f"{URL}?q=things/77", "/apps/sales/logs"):
        asker = written.browser if path.startswith("/apps") else written.ada
        await asker.get(path)
        spent = []
        for _ in range(3):
            began = time.perf_counter()
            answer = await asker.get(path)
            spent.append(time.perf_counter() - began)
            assert answer.status == 200
        print(f"{path}: {min(spent) * 1000:.0f} ms")
        assert min(spent) < 0.5
