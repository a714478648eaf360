"""Every code block of the documentation does what its page says: it is run, or read by what reads such files."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tools.reference import settings

from tholos.cli.main import build_parser
from tholos.notifications import signing
from tholos.settings import Settings
from tholos.testing.documentation import Block, Terminal, blocks_of, calls_in, is_as_shown, typed_in
from tholos.testing.installation import Installation
from tholos.testing.trial import Trial

DOCS = Path(__file__).parents[3] / "docs"
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
READERS = {"json": json.loads, "toml": tomllib.loads, "yaml": yaml.safe_load, "text": str}
LANGUAGES = {*READERS, "console", "sh", "python", "html", "css"}
NOT_RUN = {
    "tholos up": "it serves until Ctrl-C",
    "tholos login": "it asks for a password, or for a link of one's own",
    "tholos open": "it shows a browser",
    "pip install": "it needs the network",
    "tholos publish --git": "it needs a repository's host",
    "tholos source": "the same",
    "tholos git-credentials set": "it needs a file with a token",
    "rsconnect": "tests/integration/connect does, with the real one",
    "createdb": "there is no such database server here",
}
"""Commands that stand in the pages and are not run, with the reason. Those of ours have to be well-formed all the same."""
PEOPLE = {"ada": "publisher", "grace": "publisher", "linus": "viewer"}
SALES = '''"""The week's sales."""


def app(environ, start_response):
    print("asked for", environ["PATH_INFO"], flush=True)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"{} sold"]
'''


def blocks(page: str) -> list[Block]:
    return [*blocks_of((DOCS / page).read_text("utf-8"))]


@pytest.fixture(scope="module")
def documented(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    """The server that the pages speak of, with its people."""
    installation = Installation(tmp_path_factory.mktemp("documented"))
    installation.start()
    try:
        for name, role in PEOPLE.items():
            installation.new_account(name, role)
        yield Trial(installation)
    finally:
        installation.clean()


@pytest.fixture
def terminal(documented: Trial, tmp_path: Path) -> Terminal:
    """A terminal of the administrator, in an empty folder; there are no apps, and only the people that every page knows."""
    for app in documented.server.api("GET", "/api/v1/apps")["items"]:
        documented.delete(app["name"])
    for account in documented.server.api("GET", "/api/v1/accounts")["items"]:
        if account["name"] not in {"admin", *PEOPLE} and not account["is_disabled"]:
            documented.server.api("POST", f"/api/v1/accounts/{account['name']}/disable")
    folder = tmp_path / "work"
    folder.mkdir()
    return Terminal(documented.server, folder, tmp_path)


@pytest.mark.parametrize("page", PAGES)
def test_blocks_are_of_known_languages_and_well_formed(page):
    for block in blocks(page):
        assert block.language in LANGUAGES, f"{page}:{block.line}: {block.language or 'no language'}"
        READERS.get(block.language, str)(block.text)
        if block.language == "python":
            compile(block.text, f"{page}:{block.line}", "exec")


@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(one.language == "console" for one in blocks(page))]
)
def test_commands_of_ours_are_well_formed(page):
    for block in blocks(page):
        for typed in typed_in(block.text) if block.language == "console" else ():
            for program, *arguments in calls_in(typed.command):
                if program == "tholos":
                    build_parser().parse_args(arguments)


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if any(one.language in {"console", "sh", "python"} for one in blocks(page))],
)
def test_blocks_do_what_the_page_says(page, terminal, monkeypatch):
    if page.startswith("how-to/") and "sales" in (DOCS / page).read_text("utf-8"):
        publish_sales(terminal)
    known: dict[str, object] = {}
    for block in blocks(page):
        at = f"{page}:{block.line}"
        if block.file:
            file = terminal.folder / block.file
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text)
        elif block.language == "python":
            run_python(block, at, known, terminal, monkeypatch)
        elif block.language == "sh":
            code, output = terminal.run(block.text)
            assert code == 0, f"{at}\n{output}"
        elif block.language == "console":
            run_console(block, at, terminal)


def publish_sales(terminal: Terminal) -> None:
    """What a reader of a how-to has: an app called sales, of two releases, in a folder of that name."""
    (terminal.folder / "sales").mkdir()
    for number, words in enumerate(("1", "2"), 1):
        (terminal.folder / "sales" / "app.py").write_text(SALES.replace("{}", words))
        code, output = terminal.run(f"tholos publish sales -m 'number {number}'")
        assert code == 0, output


def run_python(block: Block, at: str, known: dict[str, object], terminal: Terminal, monkeypatch) -> None:
    """In one namespace for the page, as a reader would paste it."""
    for name, value in terminal.env.items():
        if os.environ.get(name) != value:
            monkeypatch.setenv(name, value)
    monkeypatch.chdir(terminal.folder)
    exec(compile(terminal.at_port(block.text), at, "exec"), known)  # noqa: S102 - that is what pages are tested by


def run_console(block: Block, at: str, terminal: Terminal) -> None:
    for typed in typed_in(block.text):
        if typed.command.startswith(tuple(NOT_RUN)) or typed.command.endswith(" -f"):
            continue
        code, output = terminal.run(typed.command)
        assert (code != 0) == typed.is_refused, f"{at}: $ {typed.command}\n{output}"
        assert not typed.shown or is_as_shown(output, typed.shown), f"{at}: $ {typed.command}\n{output}"


@pytest.mark.parametrize("start", NOT_RUN)
def test_nothing_is_left_out_that_is_not_there(start):
    commands = [typed.command for page in PAGES for block in blocks(page) for typed in typed_in(block.text)]
    assert any(command.startswith(start) for command in commands)


def test_the_receiver_of_webhooks_that_is_shown_takes_what_is_sent_and_nothing_else():
    (shown,) = [one.text for one in blocks("how-to/webhooks.md") if one.language == "python"]
    known: dict[str, object] = {}
    exec(shown, known)  # noqa: S102 - that is what it is tested by
    secret, body = signing.new_secret(), b'{"type": "app.failing"}'
    headers = signing.sign(secret, "dlv_1", 1_700_000_000, body)
    assert known["is_from_tholos"](secret, headers, body)
    assert not known["is_from_tholos"](secret, headers, body + b" ")


def test_settings_in_the_pages_are_there():
    known = {name.strip("`") for name, _, _ in settings.rows(Settings, "THOLOS_")} | {
        "THOLOS_SERVER", "THOLOS_TOKEN", "THOLOS_URL", "THOLOS_", "THOLOS_OPENID__", "THOLOS_A__B",
    }  # fmt: skip
    for page in PAGES:
        assert set(re.findall(r"THOLOS_[A-Z_]*", (DOCS / page).read_text("utf-8"))) <= known, page


def test_what_is_shown_is_compared():
    assert is_as_shown("  release 3   live 0.2 s\n", "release 3  live …")
    assert is_as_shown("a\nb\n", "a b")
    assert not is_as_shown("release 4 live", "release 3 …")
    assert not is_as_shown("one more line\nrelease 3", "release 3")


def test_commands_are_read_with_what_is_shown_of_them():
    first, second = typed_in("$ tholos list  # all\na b\n$ tholos status \\\n    sales\n")
    assert (first.command, first.shown) == ("tholos list", "a b")
    assert (second.command.split(), second.shown) == (["tholos", "status", "sales"], "")


def test_calls_are_those_of_a_command_line():
    found = [*calls_in("printf 'a; b' | tholos vars set --app x --secret KEY || echo \"code $?\"")]
    assert found == [
        ["printf", "a; b"], ["tholos", "vars", "set", "--app", "x", "--secret", "KEY"], ["echo", "code $?"],
    ]  # fmt: skip


def test_files_are_those_that_a_paragraph_names():
    page = "Write `a/b.py`:\n\n```python\nx = 1\n```\n\nSay `--yes`:\n\n```json\n{}\n```\n"
    assert [(one.language, one.file, one.line) for one in blocks_of(page)] == [
        ("python", "a/b.py", 3), ("json", "", 9),
    ]  # fmt: skip
