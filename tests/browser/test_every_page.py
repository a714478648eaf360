"""Every page there is, as each of those who see it: what a machine can judge of its look is judged."""

from __future__ import annotations

import gzip
import html
import os
import re
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from starlette.routing import Match, Route

import tholos
from tholos.server.application import ROUTERS
from tholos.testing import tour

pytestmark = pytest.mark.timeout(1800)

STATIC = Path(tholos.__file__).parent / "server" / "static"
WIDE, NARROW = 1280, 390
MOST_SCRIPT = 60_000
MOST_SHIFT = 0.05
EVERYWHERE = bool(os.environ.get("THOLOS_RULES_EVERYWHERE"))
"""Judge every page as everybody sees it by all rules, and not only where there is a kind of element not seen before."""
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# Of what a page repeats without end one is enough: what is excluded from a run would still be walked through.
SHORTEN = """() => document.querySelectorAll(".call ~ .call, .prose > :nth-child(n + 25), tr:nth-child(n + 12)")
  .forEach((e) => e.remove())"""
# An element's kind: its tag, classes, colours and what rules read of its attributes, and what it is in.
KINDS = """() => {
  const rule = /^(aria-.*|role|href|type|alt|title|for|lang|headers|scope|tabindex|autocomplete|disabled)$/;
  const looks = (e) => `${e.tagName}.${[...e.classList].sort().join(".")}`;
  const read = (e) => e.getAttributeNames().filter((one) => rule.test(one)).sort().join(",");
  const grounds = new Map();
  const ground = (e) => {
    const own = e ? getComputedStyle(e).backgroundColor : "none";
    if (!grounds.has(e)) grounds.set(e, own === "rgba(0, 0, 0, 0)" ? ground(e.parentElement) : own);
    return grounds.get(e);
  };
  return [...new Set([...document.querySelectorAll("body *")].map((e) =>
    `${looks(e.parentElement)} > ${looks(e)}[${read(e)}] ${getComputedStyle(e).color} on ${ground(e)}`))];
}"""
AXE = """async (only) => (await axe.run({ runOnly: only, resultTypes: ["violations"] })).violations
  .map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 150)).join(" · ")}`)"""
WATCH_SHIFTS = """
  window.shifts = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
"""
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
NAMELESS = """() => [...document.querySelectorAll("input:not([type=hidden]), textarea, select, button, a, summary, table")]
  .filter((e) => !e.closest("[aria-hidden]") && !(e.labels?.length || e.ariaLabel || e.caption || e.textContent.trim()))
  .map((e) => `nameless: ${e.outerHTML.slice(0, 150)}`)"""
TWICE = """() => { const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  return ids.filter((id, i) => ids.indexOf(id) !== i).map((id) => `id said twice: ${id}`); }"""
LOST = """() => [...document.querySelectorAll("[aria-describedby], [aria-labelledby]")]
  .flatMap((e) => `${e.getAttribute("aria-describedby") ?? ""} ${e.getAttribute("aria-labelledby") ?? ""}`.trim().split(/ +/))
  .filter((id) => !document.getElementById(id)).map((id) => `names what is not there: ${id}`)"""
HEADINGS = """() => [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")]
  .filter((e) => e.checkVisibility()).map((e) => Number(e.tagName[1]))"""
CONTENT = """async (path) => {
  const bare = async () => new DOMParser().parseFromString(await (await fetch(path, { headers: { accept: "text/html" } })).text(), "text/html");
  const shown = path ? await bare() : document;
  const main = shown.querySelector("main");
  const words = (e) => e.textContent.replace(/\\s+/g, " ").trim();
  return {
    headings: [...main.querySelectorAll("h1, h2, h3")].map(words),
    links: [...main.querySelectorAll("a[href]")].map((e) => e.getAttribute("href")),
    fields: [...main.querySelectorAll("form [name]")].map((e) => `${e.form?.getAttribute("action")} ${e.name}`),
    rows: main.querySelectorAll("tr, .card, .line").length,
    buttons: [...shown.querySelectorAll("button[type=button]")].map((e) => `${e.parentElement.className} ${e.outerHTML}`),
  };
}"""


class Watched:
    """A tab that writes down what the browser complains of, what is asked of others and what scripts weigh."""

    def __init__(self, context, url):
        context.add_init_script(WATCH_SHIFTS)
        self.tab = context.new_page()
        self.url = url
        self.shown = ""
        self.status = 200
        self.complaints: list[str] = []
        self.scripts: set[str] = set()
        self.tab.on("console", self.said)
        self.tab.on("pageerror", lambda error: self.note(str(error)))
        self.tab.on("request", self.asked)

    def note(self, complaint):
        self.complaints.append(f"{self.shown}: {complaint}")

    def said(self, message):
        """A page of an error is an error to the browser as well."""
        if not (self.status >= 400 and str(self.status) in message.text):
            self.note(f"{message.type} {message.text}")

    def asked(self, request):
        if not request.url.startswith((self.url, "data:")):
            self.note(f"asks for {request.url}")
        if request.resource_type == "script":
            self.scripts.add(Path(urlsplit(request.url).path).name)

    def open(self, stop):
        self.shown, self.status, self.scripts = stop.name, stop.status, set()
        answer = self.tab.goto(stop.path)
        if answer is None or answer.status != stop.status:
            self.note(f"answers {answer and answer.status} instead of {stop.status}")

    def check_all(self):
        """What is to be true of every page, however wide."""
        tab = self.tab
        tab.wait_for_timeout(30)
        if (sideways := tab.evaluate(SIDEWAYS)) > 0:
            self.note(f"scrolls sideways by {sideways} px")
        if (shifted := tab.evaluate("window.shifts")) > MOST_SHIFT:
            self.note(f"shifts by {shifted:.3f}")

    def check_meaning(self):
        """What does not depend on width or colours."""
        tab = self.tab
        for claim in (NAMELESS, TWICE, LOST):
            for complaint in tab.evaluate(claim):
                self.note(complaint)
        if not tab.evaluate("document.title.trim() && document.documentElement.lang"):
            self.note("has no title, or no language")
        levels = tab.evaluate(HEADINGS)
        if levels.count(1) != 1 or any(after > before + 1 for before, after in pairwise(levels)):
            self.note(f"headings of the levels {levels}")
        weight = sum(len(gzip.compress((STATIC / name).read_bytes())) for name in self.scripts)
        if weight > MOST_SCRIPT:
            self.note(f"scripts of {weight} bytes")

    def check_rules(self, judged):
        """axe, where there are elements of kinds that it has judged on no other page; all of it in light and of what
        colours decide in dark. The page is cut short for it, so it is done last."""
        tab = self.tab
        tab.evaluate(SHORTEN)
        kinds = set(tab.evaluate(KINDS))
        if kinds <= judged and not EVERYWHERE:
            return
        judged |= kinds
        tab.evaluate(AXE_SCRIPT)
        for scheme, only in {"light": LEVELS, "dark": ["color-contrast"]}.items():
            tab.emulate_media(color_scheme=scheme)
            for violation in tab.evaluate(AXE, only):
                self.note(f"{scheme}: {violation}")
        tab.emulate_media(color_scheme="light")


@pytest.fixture
def pictures():
    """Takes pictures into the folder that SCREENSHOTS names, where somebody wants to look."""
    folder = os.environ.get("SCREENSHOTS", "")

    def take(tab, name, width):
        for scheme in ("light", "dark") if folder else ():
            tab.emulate_media(color_scheme=scheme)
            tab.screenshot(path=Path(folder) / f"{name}-{scheme}-{width}.png", full_page=True)
        tab.emulate_media(color_scheme="light")

    return take


def test_the_tour_is_complete(room):
    """A new page is put on the tour, or nobody looks at it."""
    shown = {stop.route for stop in tour.stops(room)}
    assert tour.page_routes() - shown == set()
    assert shown - tour.page_routes() == set()


@pytest.fixture(scope="module")
def arrived():
    """Names of pages that somebody saw arriving on a narrow screen: that is the same for everybody."""
    return set()


@pytest.fixture(scope="module")
def judged():
    """Kinds of elements that the rules were asked about."""
    return set()


@pytest.mark.parametrize("who", [*tour.VISITORS, "others"])
def test_a_visit(room, visiting, pictures, arrived, judged, who):
    """Rules of accessibility, names, headings, widths, shifts, weight, and nothing that the browser complains of."""
    complaints = []
    named = [who] if who != "others" else ["", "bob", "eve"]
    for name in named:
        watched = Watched(visiting(name), room.site.url)
        seen = [stop for stop in tour.stops(room) if name in stop.seen_by]
        assert seen
        for stop in seen:
            watched.open(stop)
            watched.check_all()
            watched.check_meaning()
            pictures(watched.tab, f"{stop.name}-{name}", WIDE)
            watched.tab.set_viewport_size({"width": NARROW, "height": 800})
            if stop.name not in arrived:
                watched.open(stop)
            watched.check_all()
            pictures(watched.tab, f"{stop.name}-{name}", NARROW)
            watched.tab.set_viewport_size({"width": WIDE, "height": 800})
            watched.check_rules(judged)
            arrived.add(stop.name)
        complaints += [f"{name} {one}" for one in watched.complaints]
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize("who", [*tour.VISITORS, "bob", "eve"])
def test_without_scripts(room, visiting, who):
    """The same headings, links, fields and rows, and nothing to press that would do nothing; once for each page."""
    tab = visiting(who).new_page()
    plain = visiting(who, java_script_enabled=False).new_page()
    known = set()
    for stop in tour.stops(room):
        if who != stop.seen_by[0]:
            continue
        tab.goto(stop.path)
        found, sent = tab.evaluate(CONTENT), tab.evaluate(CONTENT, stop.path)
        buttons = set(sent.pop("buttons"))
        for part, there in sent.items():
            assert found[part] == there, (stop.name, part)
        if not buttons <= known:
            plain.goto(stop.path)
            assert plain.locator("main").count() == 1
            assert plain.locator("button[type=button]:visible").count() == 0, stop.name
            known |= buttons


@pytest.fixture
def slowly(room):
    """The address of the room over a line that brings a page row by row."""

    class Line(BaseHTTPRequestHandler):
        def do_GET(self):
            asked = urllib.request.Request(
                room.site.url + self.path, headers={"cookie": self.headers["cookie"] or ""}
            )
            with urllib.request.urlopen(asked, timeout=20) as answer:
                kind, body = answer.headers["content-type"], answer.read()
            self.send_response(200)
            self.send_header("content-type", kind)
            self.end_headers()
            for row in body.split(b"<tr>") if "html" in kind else [body]:
                self.wfile.write(row if row is body else row + b"<tr>")
                time.sleep(0.03)

        def log_message(self, *_):
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Line) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


def test_a_page_that_comes_slowly_does_not_move(visiting, slowly):
    """Its longest table would take other widths with each of its rows."""
    context = visiting("ada")
    context.add_init_script(WATCH_SHIFTS)
    tab = context.new_page()
    tab.goto(f"{slowly}/help/reference/settings")
    assert tab.locator("tr").count() > 50
    tab.wait_for_timeout(50)
    assert tab.evaluate("window.shifts") <= 0.001


def ask(room, path, cookie):
    """The status and text of an answer, as a browser without scripts is given it."""
    headers = {"accept": "text/html", **({"cookie": cookie} if cookie else {})}
    request = urllib.request.Request(room.site.url + path, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.mark.parametrize("who", tour.VISITORS)
def test_who_is_not_meant_is_refused(room, who):
    """They get a page that says so, and learn nothing of what is there."""
    cookie = room.sign_in(who)
    for stop in tour.stops(room):
        if who in stop.refused:
            status, text = ask(room, stop.path, cookie)
            assert status in {403, 404}, stop.name
            assert '<form method="post"' not in text.partition("<main")[2], stop.name


@pytest.mark.parametrize("who", tour.VISITORS)
def test_nothing_leads_nowhere(room, who):
    """Every link of every page leads to one that is there, every form to a route that takes it."""
    cookie = room.sign_in(who)
    links: dict[str, str] = {}
    for stop in tour.stops(room):
        if who in stop.seen_by:
            _, text = ask(room, stop.path, cookie)
            found = re.findall(r'<a [^>]*href="(/[^"#]*)', text)
            links |= {html.unescape(path): stop.name for path in found}
            for action in re.findall(r'<form [^>]*method="post"[^>]*action="([^"]*)"', text):
                assert is_taken(html.unescape(action)), (stop.name, action)
    assert len(links) > 10
    opens = [path for path in links if path.startswith("/open/")]
    for path in sorted(links.keys() - set(opens)):
        status, _ = ask(room, path, cookie)
        assert status == 200, (links[path], path)


def is_taken(path):
    scope = {"type": "http", "method": "POST", "path": path, "root_path": "", "headers": []}
    return any(
        route.matches(scope)[0] == Match.FULL
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, Route)
    )
