"""The pages of a publisher's day, on a real server."""

from __future__ import annotations

import os
import re
import signal
import threading
import time

import pytest
from playwright.sync_api import expect

SLOW = """import time

print("warming up", flush=True)
time.sleep(4)


def application(environ, start_response):
    start_response("200 OK", [])
    return [b"ready"]
"""
BROKEN = '''"""Counts."""

TOTAL = sum(["1"])


def application(environ, start_response):
    start_response("200 OK", [])
    return [str(TOTAL).encode()]
'''


def test_home(person, folder):
    """What to do first; then a card for each app, found by a few letters."""
    page = person.page
    expect(page.locator("main")).to_contain_text("tholos publish")
    names = []
    for name in ("tides", "forecast"):
        made = folder(name=name)
        person.publish(made)
        names.append(made.name)
    page.reload()
    assert sorted(page.locator(".card h2").all_inner_texts()) == sorted(names)
    expect(page.locator(".card").first.locator(".state")).to_have_text("serving")
    page.keyboard.press("/")
    page.keyboard.type("tid")
    expect(page.locator("#palette")).to_contain_text(names[0])
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"\?q=tid$"))
    assert page.locator(".card h2").all_inner_texts() == names[:1]
    page.goto(f"{person.url}/?q=zebra")
    expect(page.locator("main")).to_contain_text("No app matches")
    page.get_by_role("link", name="Show home").first.click()
    page.locator(".card", has_text=names[1]).first.get_by_role("link", name="Open").click()
    expect(page).to_have_url(person.app_url(names[1]) + "/")


def test_an_app_and_its_tabs(person, folder):
    """Each tab has its address; the overview tells what runs, the releases what was published."""
    made = folder()
    person.publish(made)
    (made / "notes.txt").write_text("a second release")
    person.publish(made)
    page = person.page
    page.goto(f"{person.url}/apps/{made.name}")
    expect(page.locator("#app-head .state")).to_have_text("serving")
    expect(page.get_by_role("table", name=re.compile("^Instances"))).to_contain_text("ready")
    expect(page.locator("aside")).to_contain_text("app:application")
    page.get_by_role("link", name="Releases", exact=True).click()
    expect(page).to_have_url(f"{person.url}/apps/{made.name}/releases")
    assert page.locator("tbody tr").count() == 2
    expect(page.locator("tr.live")).to_contain_text("live")
    page.get_by_role("link", name="Logs", exact=True).first.click()
    expect(page).to_have_url(f"{person.url}/apps/{made.name}/logs")


def test_a_publish_is_watched(person, folder, browsing):
    """Its steps go on without a reload, with scripts; without them the page comes again by itself."""
    made = folder(SLOW.replace("sleep(4)", "sleep(10)"))
    publishing = threading.Thread(target=person.publish, args=(made,))
    assert person.token
    publishing.start()
    try:
        page = person.page
        wait_for_card(person, made.name)
        page.goto(f"{person.url}/apps/{made.name}")
        page.get_by_role("link", name="Watch it").click()
        page.evaluate("window.sameDocument = true")
        expect(page.locator("#outcome .state")).to_have_text("running")
        expect(page.locator("[data-step=environment]")).to_have_attribute("data-state", "done")
        plain = browsing(java_script_enabled=False, storage_state=page.context.storage_state()).new_page()
        plain.goto(page.url)
        expect(plain.locator("[data-step=health]")).to_have_attribute("data-state", "running")
        first = page.locator("[data-step=health] .elapsed").inner_text()
        expect(page.locator("[data-step=health] .elapsed")).not_to_have_text(first)
        expect(page.locator("h1")).to_have_text(f"Published {made.name}")
        assert page.evaluate("window.sameDocument")
        assert page.locator("[data-state=running], [data-state=waiting]").count() == 0
        expect(page.locator("#found")).to_contain_text("app:application")
        expect(plain.locator("h1")).to_have_text(f"Published {made.name}")
    finally:
        publishing.join()
    page.locator(".head").get_by_role("link", name="Open").click()
    expect(page.locator("body")).to_have_text("ready")


def wait_for_card(person, name):
    for _ in range(100):
        if person.server.ask("GET", f"/api/v1/apps/{name}", token=person.token).status == 200:
            return
        time.sleep(0.05)
    pytest.fail(f"{name} did not appear")


def test_a_failed_publish_tells_its_cause_first(person, folder):
    """The cause stands above everything, with its line; what was live serves on."""
    made = folder()
    person.publish(made)
    (made / "app.py").write_text(BROKEN)
    person.publish(made, exits=1)
    page = person.page
    page.goto(person.url)
    page.locator(".card-news").click()
    expect(page.locator("#outcome .state")).to_have_text("failed")
    cause = page.locator(".cause")
    expect(cause).to_contain_text("TypeError: unsupported operand type(s)")
    expect(cause.locator("code").first).to_have_text("app.py:3")
    top = {part: page.locator(part).bounding_box()["y"] for part in (".cause", "#steps", "[data-log]")}
    assert sorted(top, key=top.get) == [".cause", "#steps", "[data-log]"]
    expect(page.locator("#outcome")).to_contain_text("Release 1 keeps serving")
    page.goto(f"{person.url}/apps/{made.name}/logs?release=2")
    expect(page.locator("#traceback")).to_contain_text("TypeError")
    page.goto(f"{person.app_url(made.name)}/still")
    expect(page.locator("h1")).to_have_text("/still?")


def test_a_log_is_followed(person, folder):
    """A line is there soon after it is written, once, and after a reload too."""
    made = folder()
    person.publish(made)
    page = person.page
    page.goto(f"{person.url}/apps/{made.name}/logs")
    line = page.locator(".line", has_text="asked for /followed")
    for count in (1, 2):
        person.server.ask("GET", "/followed", host=made.name, token=person.token)
        expect(line).to_have_count(count)
    page.reload()
    expect(line).to_have_count(2)
    expect(line.first).to_contain_text(f"by {person.name}")
    page.get_by_placeholder("Filter lines").fill("/followed")
    expect(page.locator(".line:visible")).to_have_count(2)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert "asked for /followed" in download.value.path().read_text()


def test_an_app_is_deleted_by_its_name(person, folder):
    """The dialog says what is lost and wants the name; the app, its address and its page are gone after it."""
    made = folder()
    person.publish(made)
    page = person.page
    page.goto(f"{person.url}/apps/{made.name}/settings")
    page.get_by_text("Delete this app").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"the address {person.app_url(made.name)}/")
    dialog.get_by_role("textbox").fill("another")
    dialog.get_by_role("button", name=re.compile("^Delete")).click()
    expect(page.locator("#error-name")).to_be_visible()
    assert page.locator("dialog [name=name]").input_value() == "another"
    dialog.get_by_role("textbox").fill(made.name)
    dialog.get_by_role("button", name=re.compile("^Delete")).click()
    expect(page.locator("h1")).to_have_text(f"Deleted {made.name}")
    page.goto(f"{person.url}/apps/{made.name}")
    expect(page.locator("h1")).to_have_text("There is nothing here")
    page.goto(person.app_url(made.name))
    expect(page.locator(".code")).to_have_text("404")


def test_what_is_not_there(person, newcomer, folder):
    """A page that is none, an app of somebody else's, on the console and on its own host: what and what to do."""
    made = folder()
    person.publish(made)
    person.page.goto(f"{person.url}/no/such/page")
    expect(person.page.locator("h1")).to_have_text("There is nothing here")
    expect(person.page.locator("main")).to_contain_text("/no/such/page")
    expect(person.page.locator("main")).to_contain_text("req_")
    viewer = newcomer("viewer")
    viewer.sign_in()
    viewer.page.goto(f"{person.url}/apps/{made.name}")
    expect(viewer.page.locator("h1")).to_have_text("There is nothing here")
    viewer.page.goto(person.app_url(made.name))
    expect(viewer.page.locator("h1")).to_have_text(f"{made.name} is not shared with you")
    expect(viewer.page.locator("main")).to_contain_text(person.name)
    expect(viewer.page.get_by_role("button", name="Ask for access")).to_be_visible()


def test_an_operation_without_a_log_is_followed(person, folder):
    """A restart writes no log; its page shows the steps as they happen, and how it ended, by itself."""
    made = folder(SLOW)
    person.publish(made)
    begun = person.server.api("POST", f"/api/v1/apps/{made.name}/restart", token=person.token)
    page = person.page
    page.goto(f"{person.url}/operations/{begun['operation']['id']}")
    expect(page.locator("#outcome .state")).to_have_attribute("data-state", "running")
    expect(page.locator("[data-log]")).to_have_count(0)
    expect(page.locator("#outcome")).to_contain_text("Release 1 is live.")


def test_an_operation_that_was_queued_as_its_page_was_opened(person, folder):
    """Its turn comes while somebody looks: the page says that it runs, and then how it ended."""
    made = folder(SLOW)
    person.publish(made)
    begun = person.server.api("POST", f"/api/v1/apps/{made.name}/restart", token=person.token)
    page, url = person.page, f"{person.url}/operations/{begun['operation']['id']}"

    def as_it_was_before_its_turn(route):
        told = route.fetch()
        early = re.sub(r'data-last="\d+"', 'data-last="0"', told.text()).replace('"running"', '"queued"')
        route.fulfill(response=told, body=re.sub(r"events\?after=\d+", "events?after=0", early))

    page.route(url, as_it_was_before_its_turn, times=1)
    page.goto(url)
    expect(page.locator("#outcome .state")).to_have_attribute("data-state", "running")
    expect(page.locator("#outcome")).to_contain_text("Release 1 is live.")


def test_an_app_that_does_not_start_again(person, folder):
    """Its host says so with the way to the reason; its page and card do as well."""
    dies = "import os\n\n\ndef application(environ, start_response):\n    os._exit(3)\n"
    made = folder(dies)
    person.publish(made, exits=1)
    page = person.page
    page.goto(person.app_url(made.name))
    expect(page.locator("main")).to_contain_text(f"{made.name} has no release that serves yet")
    page.goto(f"{person.url}/apps/{made.name}")
    expect(page.locator("main")).to_contain_text("None yet.")


def test_an_app_that_is_starting(person, folder):
    """Who comes too early is told so, and is there as soon as the app is, without doing anything."""
    made = folder(SLOW)
    person.publish(made)
    instances = person.server.api("GET", f"/api/v1/apps/{made.name}/instances", token=person.token)["items"]
    os.killpg(instances[0]["pid"], signal.SIGKILL)
    page = person.page
    page.goto(person.app_url(made.name))
    expect(page.locator("h1")).to_have_text(f"{made.name} is starting")
    expect(page.locator("main")).to_contain_text("This page looks again by itself")
    expect(page.locator("body")).to_have_text("ready")
