"""The log tab of a real app: asked without scripts, narrowed with them, and smooth with a hundred thousand lines."""

import re
import time

import pytest
from playwright.sync_api import expect

from tholos.testing.waiting import until

FLOODS = '''"""Prints a hundred thousand lines, and then answers."""
import os

for begin in range(0, 100_000, 1000):
    lines = (f"INFO:root:line {n} \\x1b[3{n % 8}mtotals\\x1b[0m of page={n}" for n in range(begin, begin + 1000))
    os.write(1, "\\n".join(lines).encode() + b"\\n")


def application(environ, start_response):
    print("WARNING:root:asked for", environ["PATH_INFO"], flush=True)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]
'''
FAILS_LATER = '''"""Answers until it is told to end."""
import os, threading


def fail():
    try:
        {}["total"]
    except KeyError:
        import traceback

        traceback.print_exc()
    os._exit(1)


def application(environ, start_response):
    if environ["PATH_INFO"] == "/fail":
        threading.Timer(0.1, fail).start()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]
'''
FRAMES = """async () => {
  const body = document.querySelector(".log-body");
  const times = [];
  let long = 0;
  const observer = new PerformanceObserver((list) => { long += list.getEntries().length; });
  observer.observe({ type: "longtask" });
  body.scrollTop = body.scrollHeight / 2;
  await new Promise(requestAnimationFrame);
  for (let i = 0; i < 120; i += 1) {
    const began = performance.now();
    body.scrollTop -= 300;
    await new Promise(requestAnimationFrame);
    await new Promise((resolve) => setTimeout(resolve));
    times.push(performance.now() - began);
  }
  observer.disconnect();
  times.sort((a, b) => a - b);
  return { p50: times[60], p95: times[114], long };
}"""


def test_a_form_without_scripts(newcomer, folder):
    """Search, level and time are asked of the server; what was asked stays in the form, and what is wrong is said."""
    person = newcomer(java_script_enabled=False)
    person.sign_in()
    made = folder(FLOODS.replace("100_000", "2_000"))
    person.publish(made)
    page = person.page
    page.goto(f"{person.url}/apps/{made.name}/logs")
    assert page.locator(".line").count() == 500
    page.get_by_role("link", name="Earlier lines").click()
    expect(page.get_by_role("link", name="The last lines")).to_be_visible()
    page.get_by_role("link", name="The last lines").click()
    page.get_by_label("Filter lines").fill("PAGE=77")
    page.get_by_label("Since a span").fill("10m")
    page.get_by_role("button", name="Filter").click()
    assert page.locator(".line").count() == 11
    assert page.locator(".line .a35").first.inner_text() == "totals"
    assert page.get_by_label("Filter lines").input_value() == "PAGE=77"
    page.get_by_label("Since a span").fill("yesterday")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("alert")).to_contain_text("Use a span such as 10m")
    assert page.get_by_label("Since a span").input_value() == "yesterday"
    page.goto(f"{person.url}/apps/{made.name}/logs?level=error")
    assert page.locator(".line").count() == 0
    expect(page.get_by_text("No line fits")).to_be_visible()


def test_typing_narrows_and_enter_asks(person, folder):
    made = folder(FLOODS.replace("100_000", "2_000"))
    person.publish(made)
    page = person.page
    page.goto(f"{person.url}/apps/{made.name}/logs")
    field = page.get_by_label("Filter lines")
    field.fill("page=77")
    expect(page.locator(".log-status")).to_contain_text("0 lines of")
    field.press("Enter")
    page.wait_for_url(re.compile(r"q=page%3D77"))
    expect(page.locator(".line:visible")).to_have_count(11)
    person.server.ask("GET", "/page=771", host=made.name, token=person.token)
    person.server.ask("GET", "/other", host=made.name, token=person.token)
    expect(page.locator(".line:visible")).to_have_count(12)
    expect(page.locator(".line.warn")).to_have_count(1)
    assert re.search(r"\d:\d\d:\d\d [AP]M \w+", page.locator(".line.warn").get_attribute("title"))
    page.get_by_label("Level").select_option("warn")
    expect(page.locator(".line:visible")).to_have_count(1)


def test_the_badge_leads_to_the_traceback(person, folder):
    made = folder(FAILS_LATER)
    person.publish(made)
    page = person.page
    person.server.ask("GET", "/fail", host=made.name, token=person.token)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        page.goto(f"{person.url}/apps/{made.name}/logs#traceback")
        if page.locator("#traceback").count():
            break
    expect(page.locator("#traceback")).to_contain_text("KeyError: 'total'")
    assert page.locator("#traceback").get_attribute("open") is not None
    page.goto(f"{person.url}/apps/{made.name}/logs?q=started")
    expect(page.locator(".crash")).to_contain_text("app.py:")
    page.get_by_role("link", name=re.compile("^Line")).click()
    expect(page.locator(".trace[open]")).to_contain_text("KeyError")


@pytest.mark.timeout(900)
def test_a_hundred_thousand_lines_are_shown_narrowed_and_searched(person, folder):
    """All of them arrive by the stream, and one is found in them by the page and by the server; what it took is printed."""
    made = folder(FLOODS)
    person.publish(made)
    page = person.page
    page.goto(f"{person.url}/apps/{made.name}/logs")
    page.evaluate(
        """(name) => {
          document.querySelector(".log-body .block").replaceChildren();
          return import("/static/log.js").then(({ LogView }) => {
            const section = document.querySelector("[data-log]");
            const source = new EventSource(`/api/v1/apps/${name}/logs?follow=true&format=json&lines=100000`);
            window.began = performance.now();
            source.addEventListener("message", (event) => section.view.add(0, JSON.parse(event.data).text));
          });
        }""",
        made.name,
    )
    until(lambda: page.evaluate("document.querySelectorAll('.line').length >= 100000"), 400)
    arrived = page.evaluate("performance.now() - window.began")
    frames = page.evaluate(FRAMES)
    began = time.perf_counter()
    page.get_by_label("Filter lines").fill("page=99998")
    until(
        lambda: page.evaluate("document.querySelector('.log-status').textContent.startsWith('1 line')"), 200
    )
    narrowed = time.perf_counter() - began
    began = time.perf_counter()
    page.goto(f"{person.url}/apps/{made.name}/logs?q=page%3D50000")
    assert page.locator(".line").count() == 1
    searched = time.perf_counter() - began
    print(
        f"100,000 lines after {arrived / 1000:.1f} s; frame p50 {frames['p50']:.0f} ms, p95 {frames['p95']:.0f} ms,"
        f" {frames['long']} long tasks; filter {narrowed:.2f} s; search {searched:.2f} s"
    )
