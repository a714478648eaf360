"""Applications that nobody here wrote: published as they are, opened, changed and published again without a failed request."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.timeout(300)


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def test_the_tutorial_of_flask(server, person, packages, tmp_path, asking):
    """A blog with a database that a command makes first; what people wrote in it survives the next release."""
    folder = shutil.copytree(packages.flask / "examples" / "tutorial", tmp_path / "tutorial")
    told = person.publish(folder, "--prepare", "flask --app flaskr init-db", name="flaskr")
    assert "Flask" in told

    page, address = person.page, f"http://flaskr.localhost:{server.port}"
    page.goto(f"{address}/auth/register")
    for button in ("Register", "Log In"):
        page.fill("[name=username]", "ada")
        page.fill("[name=password]", "a few words")
        page.click(f"input[value='{button}']")
    page.click("text=New")
    page.fill("[name=title]", "First post")
    page.fill("[name=body]", "It is still here.")
    page.click("input[value='Save']")
    expect(page.locator("article")).to_contain_text("It is still here.")

    change(folder / "flaskr" / "templates" / "base.html", '">Flaskr</a>', '">Flaskr, again</a>')
    # The command would empty the tables: it is for the first release.
    with asking("flaskr", looking_for="Flaskr, again") as asked:
        person.publish(folder, "--prepare", "", name="flaskr")
    assert asked.failed == {}
    print(asked.answers)
    assert asked.answers["200 old"] > 5
    page.goto(address)
    expect(page.locator("nav h1")).to_have_text("Flaskr, again")
    expect(page.locator("article")).to_contain_text("It is still here.")
    expect(page.locator("nav")).to_contain_text("Log Out")


def test_an_example_of_fastapi(server, person, packages, tmp_path, asking):
    """A chat of one file that declares no packages; its websockets reach everybody, on the new release too."""
    script = shutil.copy(packages.fastapi / "docs_src" / "websockets_" / "tutorial003.py", tmp_path)
    told = person.publish(Path(script), name="chat")
    assert "FastAPI" in told

    page, address = person.page, f"chat.localhost:{server.port}"
    page.goto(f"http://{address}/")
    expect(page.locator("h1")).to_have_text("WebSocket Chat")
    # The example's own script asks port 8000 of this machine; the same messages from the same page go to where it is.
    talk = """(address) => new Promise((resolve, reject) => {
      const said = [];
      const hear = (socket) => { socket.onmessage = (message) => {
        said.push(message.data);
        if (said.length === 3) resolve(said);
      }; };
      const first = new WebSocket(`ws://${address}/ws/1`);
      hear(first);
      first.onerror = reject;
      first.onopen = () => {
        const second = new WebSocket(`ws://${address}/ws/2`);
        hear(second);
        second.onopen = () => second.send("hello");
      };
    })"""
    heard = ["Client #2 says: hello", "Client #2 says: hello", "You wrote: hello"]
    assert sorted(page.evaluate(talk, address)) == heard

    change(Path(script), "<h1>WebSocket Chat</h1>", "<h1>WebSocket Chat, again</h1>")
    with asking("chat", looking_for="WebSocket Chat, again") as asked:
        person.publish(Path(script), name="chat")
    assert asked.failed == {}
    print(asked.answers)
    assert asked.answers["200 old"] > 5
    page.reload()
    expect(page.locator("h1")).to_have_text("WebSocket Chat, again")
    assert sorted(page.evaluate(talk, address)) == heard


def test_hello_of_streamlit(server, person, packages, tmp_path, asking):
    """Pages, charts and widgets over one websocket; packages are found by the imports."""
    folder = shutil.copytree(packages.streamlit / "streamlit" / "hello", tmp_path / "hello")
    told = person.publish(folder, name="hello")
    assert "Streamlit" in told

    page, address = person.page, f"http://hello.localhost:{server.port}/"
    with page.expect_websocket(lambda socket: "/_stcore/stream" in socket.url):
        page.goto(address)
    expect(page.locator("h1").first).to_contain_text("Welcome to Streamlit!", timeout=60_000)
    page.get_by_role("link", name="Plotting demo").click()
    expect(page.get_by_role("heading", name="Plotting demo")).to_be_visible(timeout=60_000)
    code = page.get_by_role("heading", name="Code", exact=True)
    expect(code).to_be_visible(timeout=90_000)
    page.get_by_text("Show code").click()
    expect(code).to_be_hidden(timeout=90_000)

    change(folder / "hello.py", "Welcome to Streamlit!", "Welcome back to Streamlit!")
    with asking("hello") as asked:
        person.publish(folder, name="hello")
    assert asked.failed == {}
    print(asked.answers)
    assert asked.answers["200 old"] > 5
    page.goto(address)
    expect(page.locator("h1").first).to_contain_text("Welcome back to Streamlit!", timeout=60_000)
