"""How pages behave in a browser: keyboard, dialogs, logs and live steps, over made-up rows; and what styles promise."""

from __future__ import annotations

import gzip
import json
import math
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

import tholos
from tholos.apps import service as apps
from tholos.apps.models import AppState
from tholos.operations import service as operations
from tholos.operations.models import StepState
from tholos.operations.service import Said
from tholos.testing.furnishing import log_texts
from tholos.testing.waiting import until

SOURCE = Path(tholos.__file__).parent
STATIC = SOURCE / "server" / "static"


@pytest.fixture
def page(visiting):
    context = visiting("ada")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    return context.new_page()


def test_forms_without_scripts(visiting):
    """What is typed arrives: a variable, a secret, a webhook, a share; and the dialog is a part of its page."""
    page = visiting("ada", java_script_enabled=False).new_page()
    page.goto("/apps/map/settings")
    page.click("text=Delete this app")
    page.fill("[name=name]", "maps")
    page.click("button:has-text('Delete map')")
    expect(page.locator("#error-name")).to_be_visible()
    assert page.input_value("[name=name]") == "maps"
    page.goto("/secrets")
    page.get_by_label("Name").fill("of-a-form")
    page.get_by_label("Value").fill("s3cret")
    page.get_by_role("button", name="Make it").click()
    expect(page.locator("h1")).to_have_text("of-a-form")
    page.goto("/apps/map/webhooks")
    page.get_by_label("Address").fill("https://127.0.0.1/hook")
    page.get_by_role("button", name="Make it").click()
    expect(page.locator("#error-url")).to_be_visible()
    assert page.get_by_label("Address").input_value() == "https://127.0.0.1/hook"
    page.goto("/apps/map/access")
    page.get_by_label("With whom").fill("vic")
    page.get_by_role("button", name="See what this does").first.click()
    expect(page.locator("main")).to_contain_text("vic can open it from now on")
    page.goto("/apps/sales/logs")
    assert page.locator(".line").count() >= 200
    page.fill(".log-tools [name=q]", "totals")
    page.press(".log-tools [name=q]", "Enter")
    assert "?q=totals&level=&since=" in page.url


def test_keyboard(page):
    """The first Tab reaches the skip link, / and Ctrl-K the search box, Escape closes the menu; focus is always seen."""
    page.goto("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("/")
    page.keyboard.type("note")
    expect(page.locator("#palette")).to_contain_text("notebook")
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()
    page.keyboard.press("Control+k")
    assert page.evaluate("document.activeElement.name") == "q"
    page.goto("/")
    page.click("[data-menu] summary")
    page.keyboard.press("Escape")
    assert page.locator("[data-menu][open]").count() == 0
    unseen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("""() => { const e = document.activeElement; const box = e.matches("h2 a") ? e.closest(".card") : e;
             return e !== document.body && getComputedStyle(box).outlineStyle === "none"; }"""):
            unseen.append(page.evaluate("document.activeElement.outerHTML"))
    assert unseen == []


def test_escape_closes_what_is_found_and_asks_nothing(page):
    """The first one leaves what was typed; browsers would clear a search box, and so it would be asked for everything."""
    page.goto("/")
    page.keyboard.press("/")
    page.keyboard.type("note")
    expect(page.locator("#palette [role=option]").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.keyboard.press("Escape")
    page.wait_for_timeout(500)
    assert asked == []
    expect(page.locator("#palette")).to_be_hidden()
    assert page.locator("[data-search] input").input_value() == "note"
    page.keyboard.press("Escape")
    assert page.locator("[data-search] input").input_value() == ""
    assert page.evaluate("document.activeElement === document.body")


def test_copy(page):
    page.goto("/publish")
    page.click("[data-copy='tholos publish']")
    page.wait_for_selector(".copy.done")
    assert page.evaluate("navigator.clipboard.readText()") == "tholos publish"


def test_delete_dialog(page):
    """It is modal, says what is lost, can be left without a trace, and comes back open with the error at the field."""
    page.goto("/apps/map/settings")
    page.click("text=Delete this app")
    assert page.evaluate("document.querySelector('dialog').matches(':modal')")
    assert page.evaluate("document.activeElement.name") == "name"
    page.click("text=Keep it")
    assert page.locator("dialog").count() == 0
    page.click("text=Delete this app")
    page.fill("dialog [name=name]", "maps")
    page.click("dialog button:has-text('Delete map')")
    assert page.input_value("dialog [name=name]") == "maps"
    assert 'Type "map"' in page.inner_text("dialog .error")


def go_on(room, operation_id, *changes):
    """Write what a worker would, and tell who watches."""
    with room.database.write() as db:
        for change in changes:
            change(db, operation_id, room.clock.now())
    room.notices.publish(operations.topic(operation_id))


def test_live_operation(room, page, visiting):
    """Steps, findings and lines come as they happen; the end is what the server's page says; a reload shows the same.

    Without scripts the page comes again by itself.
    """
    operation_id = room.rows.operations["running"]
    plain = visiting("ada", java_script_enabled=False).new_page()
    plain.goto(f"/operations/{operation_id}")
    expect(plain.locator("meta[http-equiv=refresh]")).to_have_count(1)
    page.goto(f"/operations/{operation_id}")
    assert page.inner_text("#outcome .state") == "running"
    before = page.locator(".line").count()
    go_on(room, operation_id, lambda db, id_, now: operations.start_step(db, id_, "environment", now))
    expect(page.locator("[data-step=environment]")).to_have_attribute("data-state", "running")
    kept = {"label": "keep", "value": "data", "why": "written to in app.py:40", "where": "app.py:40"}
    said = [Said("finding", "", "", kept), Said("line", "\x1b[32mInstalled\x1b[0m pandas", "environment")]
    go_on(
        room,
        operation_id,
        lambda db, id_, now: operations.say(db, id_, said, now),
        lambda db, id_, now: operations.end_step(db, id_, "environment", StepState.DONE, "7 packages", now),
        lambda db, id_, now: operations.finish(
            db, id_, {"release": 1, "url": "http://map.localhost/", "draft": False}, now
        ),
    )
    page.wait_for_selector(".head .state[data-state=done]")
    assert page.inner_text("h1") == "Published map"
    assert page.locator("#steps [data-state=running], #steps [data-state=waiting]").count() == 0
    assert page.locator(".line").count() == before + 1
    assert "written to in app.py:40" in page.inner_text("#found")
    page.reload()
    assert page.inner_text("h1") == "Published map"
    assert page.locator(".line").count() == before + 1


def said_once(text):
    """Without what only one of the two has a reason to say."""
    text = re.sub(r' (?:open=""|id="traceback"|title="[^"]*")', "", text)
    return re.sub("(?<=Traceback)(?:, the first| of the last run)", "", text)


def test_log_says_the_same_twice(page):
    """Lines that come later look as those that the server wrote: colours, folds and all."""
    page.goto("/apps/sales/logs")
    of_server = page.inner_html(".block")
    same = page.evaluate(
        """async (texts) => {
          const levels = [...document.querySelectorAll(".line")].map((line) => line.classList[1] ?? "");
          const { LogView } = await import("/static/log.js");
          const section = document.querySelector("[data-log]");
          const block = section.querySelector(".block");
          const { source } = section.dataset;
          block.replaceChildren();
          delete section.dataset.source;
          const view = new LogView(section);
          texts.forEach((text, i) => view.add(i + 1, text, { level: levels[i], source }));
          while (section.querySelectorAll(".line").length < texts.length) await new Promise(requestAnimationFrame);
          return [...section.querySelectorAll(".block")].map((part) => part.innerHTML).join("");
        }""",
        list(log_texts(200)),
    )
    ours, theirs = said_once(same), said_once(of_server)
    at = next((i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), 0)
    assert ours == theirs, (ours[at - 60 : at + 120], theirs[at - 60 : at + 120])
    assert page.locator(".a36").first.text_content() == "GET /totals HTTP/1.1"
    assert page.locator(".line", has_text="<script>").count() == 1


def test_log_follows_and_lets_go(room, page):
    page.goto("/apps/notebook/logs")
    before = page.locator(".line").count()
    with room.rows.logs["notebook"].open("a") as log:
        log.write(
            "".join(f"2026-01-01 13:00:00 INFO GET /totals?page={n} took 3 ms\n" for n in range(1000, 1300))
        )
    until(lambda: page.evaluate(f"document.querySelectorAll('.line').length === {before + 300}"))
    at_end = "() => { const b = document.querySelector('.log-body'); return b.scrollHeight - b.scrollTop - b.clientHeight < 40; }"
    until(lambda: page.evaluate(at_end))
    page.hover(".log-body")
    page.mouse.wheel(0, -800)
    page.wait_for_selector("[data-follow][aria-pressed=false]")
    with room.rows.logs["notebook"].open("a") as log:
        log.write("one more\n")
    until(lambda: page.evaluate("document.querySelector('.log-status').textContent === '1 new line below'"))
    assert not page.evaluate(at_end)
    page.click("[data-follow]")
    until(lambda: page.evaluate(at_end))
    page.fill(".log-tools [type=search]", "page=1277")
    until(
        lambda: page.evaluate(
            f"document.querySelector('.log-status').textContent.endsWith('of {before + 301}')"
        )
    )
    assert all("page=1277" in text for text in page.locator(".line:visible").all_inner_texts())


def test_a_page_looks_when_its_stream_opens(room, page):
    """What changed after the page was made and before the stream was there is shown as well."""

    def set_state(state):
        with room.database.write() as db:
            app = apps.get_visible(db, room.rows.people["ada"], "sales")
            before = AppState(app.state)
            apps.set_state(db, app.id, state, "", room.clock.now())
        return before

    before = []

    def change(route):
        before.append(set_state(AppState.STOPPED))
        route.continue_()

    page.route("**/api/v1/events?**", change)
    page.goto("/apps/sales")
    try:
        expect(page.locator("#app-head")).to_contain_text("stopped")
    finally:
        page.unroute("**/api/v1/events?**")
        set_state(before[0])


def test_a_log_tells_who_writes_from_here_on(page):
    """Streams that break, and an instance that takes over in the third."""
    asked = []

    def answer(route):
        asked.append(route)
        line = {"n": 10_000 + len(asked), "text": f"line of stream {len(asked)}", "level": "", "at": None,
                "release": 1, "instance": "inst_a" if len(asked) < 3 else "inst_b"}  # fmt: skip
        body = f"retry: 10\nid: inst_a:{len(asked)}:{line['n']}\ndata: {json.dumps(line)}\n\n"
        if len(asked) > 3:
            return
        route.fulfill(status=200, content_type="text/event-stream", body=body)

    page.route("**/api/v1/apps/notebook/logs?**", answer)
    page.goto("/apps/notebook/logs")
    expect(page.locator(".log-body")).to_contain_text("line of stream 3")
    until(lambda: page.evaluate("document.querySelectorAll('.log-source').length >= 2"))
    assert page.locator(".log-source").all_inner_texts()[-2:] == ["Release 1 · inst_a", "Release 1 · inst_b"]
    assert page.locator(".line", has_text="line of stream").count() == 3


def test_crash_is_linked_from_the_badge(visiting):
    page = visiting("bob").new_page()
    page.goto("/apps/turbine")
    page.click(".head .state")
    page.wait_for_url("**/logs#traceback")
    until(lambda: page.evaluate("document.querySelector('.log-body').scrollTop > 0"))
    assert page.locator("#traceback .line").first.is_visible()
    assert page.locator(".trace[open]").count() == 1


def test_the_tab_that_one_is_at_is_seen(page):
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto("/apps/map/activity")
    until(
        lambda: page.evaluate(
            "document.querySelector('.tabs [aria-current]').getBoundingClientRect().right <= innerWidth"
        )
    )
    page.goto("/apps/map")
    assert page.evaluate("document.querySelector('.tabs').scrollLeft") == 0


def test_reduced_motion_and_print(page):
    page.goto("/")
    assert page.evaluate("getComputedStyle(document.querySelector('.button')).transitionDuration") == "0s"
    page.emulate_media(media="print")
    assert not page.is_visible(".bar")


# Without a browser.


def tokens(css: str) -> dict[str, dict[str, tuple[float, float, float]]]:
    """Colours by scheme and name, as the first two `:root` blocks say them."""
    found = {}
    for scheme, block in zip(("light", "dark"), re.findall(r":root \{(.*?)\}", css, re.DOTALL), strict=False):
        values = re.findall(r"--([a-z]+): oklch\(([\d.]+)% ([\d.]+) ([\d.]+)\)", block)
        found[scheme] = {
            name: (float(light) / 100, float(chroma), float(hue)) for name, light, chroma, hue in values
        }
    return found


def luminance(colour: tuple[float, float, float]) -> float:
    """Relative luminance (WCAG 2.2) of an oklch colour, clipped to sRGB as screens do."""
    light, chroma, hue = colour
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (light - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short
    return sum(
        w * min(max(c, 0), 1) for w, c in zip((0.2126, 0.7152, 0.0722), (red, green, blue), strict=True)
    )


def contrast(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "raised", "sunk"])
def test_contrast(scheme, ground):
    """Text is AAA, what is coloured AA, the edges of fields 3:1, on every ground; button words on their colour too."""
    colours = tokens((STATIC / "tholos.css").read_text())[scheme]
    least = dict.fromkeys(["ink", "muted"], 7.0) | {"edge": 3.0}
    least |= dict.fromkeys(["accent", "ok", "busy", "sleep", "warn", "bad", "draft"], 4.5)
    low = {name: contrast(colours[name], colours[ground]) for name in least}
    assert {name: value for name, value in low.items() if value < least[name]} == {}


def test_standalone_has_the_same_colours():
    ours = tokens((STATIC / "tholos.css").read_text())
    alone = tokens((SOURCE / "server/templates/error_standalone.html").read_text())
    for scheme, colours in alone.items():
        assert colours.items() <= ours[scheme].items()
        assert len(colours) >= 9


def test_weight():
    """Scripts and styles stay light: compressed, all files together."""
    for kind, limit in {"js": 15_000, "css": 12_000}.items():
        files = sorted(STATIC.glob(f"*.{kind}"))
        assert sum(len(gzip.compress(file.read_bytes(), 9)) for file in files) < limit


def test_nothing_inline():
    """What the content security policy refuses is not there, except the one style of the standalone error page."""
    for file in [*SOURCE.glob("*/templates/**/*.html")]:
        text = file.read_text()
        assert not re.search(
            r"<script(?![^>]*src=)|\son[a-z]+=|\sstyle=|javascript:|(?:src|href|action)=\"?https?:",
            re.sub(r"\{#.*?#\}", "", text, flags=re.DOTALL),
        ), file
        assert "<style" not in text or file.name == "error_standalone.html"
