"""What clients of Posit Connect print leads to our pages, in a browser."""

from __future__ import annotations

import io
import json
import tarfile

MANIFEST = json.dumps({
    "version": 1, "metadata": {"appmode": "static", "entrypoint": "index.html", "primary_html": "index.html"}, "files": {},
})  # fmt: skip


def pack(files):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path, text in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()


def deploy(person):
    """Content as a client makes it."""

    def ask(method, path, body=None):
        answer = person.server.ask(method, f"/__api__/v1/{path}", body, token=person.token)
        assert answer.status < 300, answer.text
        return json.loads(answer.body)

    content = ask("POST", "content", {})
    files = {"index.html": "<title>A site</title><h1>It is here</h1>", "manifest.json": MANIFEST}
    bundle = ask("POST", f"content/{content['guid']}/bundles", pack(files))["id"]
    task = ask("POST", f"content/{content['guid']}/deploy", {"bundle_id": bundle})["task_id"]
    while not (told := ask("GET", f"tasks/{task}?first=1000&wait=10"))["finished"]:
        pass
    assert told["code"] == 0
    return content, bundle


def test_a_link_to_the_dashboard_ends_at_our_page(person):
    """``…/connect/#/apps/GUID/logs``: what stands behind the mark is known to the browser alone."""
    content, bundle = deploy(person)
    page = person.page
    page.goto(content["dashboard_url"] + "/logs")
    page.wait_for_url("**/apps/*/logs")
    assert page.locator("h1").count() == 1
    page.goto(content["dashboard_url"])
    page.wait_for_url(lambda url: "/apps/" in url and "/connect" not in url)
    page.goto(content["dashboard_url"] + f"/draft/{bundle}")
    page.get_by_role("heading", name="It is here").wait_for()
    assert ".localhost" in page.url


def test_the_address_of_content_opens_the_app(person):
    content, _ = deploy(person)
    person.page.goto(content["content_url"])
    person.page.get_by_role("heading", name="It is here").wait_for()
    assert ".localhost" in person.page.url
