"""The reference is complete and current: what the code has and a page lacks fails here."""

import re

import pytest
from tools.reference import calls, commands, failures, methods, settings, tables
from tools.reference.__main__ import main
from tools.reference.pages import FOLDER, PAGES

from tholos.audit.models import Action
from tholos.cli.main import build_parser
from tholos.client import Client
from tholos.kit.errors import NotFound, TholosError
from tholos.settings import Settings


def read(page: str) -> str:
    return (FOLDER / page).read_text("utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_what_the_code_says(page):
    """To mend it: ``python -m tools.reference``."""
    assert read(page) == PAGES[page]()


def test_check_passes_and_writes_nothing(capsys):
    assert main(["--check"]) == 0
    assert capsys.readouterr().out == ""


def test_check_names_what_is_not_current(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("tools.reference.__main__.FOLDER", tmp_path)
    stale = tmp_path / "reference" / "settings.md"
    stale.parent.mkdir()
    stale.write_text("# Settings\n")
    assert main(["--check"]) == 1
    assert "settings.md is not current" in capsys.readouterr().out
    assert stale.read_text() == "# Settings\n"


def test_a_cell_is_read_alike_by_every_reader():
    assert tables.table(("a | b", "<c> `<d>`"), []) == "| a \\| b | &lt;c> `<d>` |\n| --- | --- |\n"
    with pytest.raises(ValueError, match="x"):
        tables.table(("`x | y`",), [])


def test_every_setting_has_its_entry_and_says_what_it_is():
    page = read("reference/settings.md")
    for name, _, text in settings.rows(Settings, "THOLOS_"):
        assert f"| {name} |" in page
        assert text, name


def test_groups_of_settings_are_entered_too():
    assert "`THOLOS_MAIL__HOST`" in read("reference/settings.md")


def test_every_command_and_argument_has_its_entry_and_says_what_it_does():
    page = read("reference/commands.md")
    found = dict(commands.commands())
    assert "tholos publish" in found
    assert "tholos webhooks add" in found
    for name, parser in found.items():
        assert f"\n## {name}\n" in page
        assert parser.description, name
        section = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        for action in parser._actions:
            assert action.help, (name, action.dest)
            assert action.dest == "help" or all(f"`{one}" in section for one in action.option_strings)


def test_every_command_says_what_it_does_in_the_list_of_all():
    listed = [*commands.listed(build_parser())]
    assert {"publish", "webhooks", "add"} <= {name for name, _ in listed}
    assert [name for name, text in listed if not text] == []


def test_every_error_code_has_its_entry_and_its_sentence():
    page = read("reference/errors.md")
    found = failures.classes_by_code()
    assert len(found) > 150
    for code, classes in found.items():
        assert re.fullmatch(r"[a-z][a-z_]*", code)
        assert f"\n| `{code}` |" in page
        for error in classes:
            assert (error.__doc__ or "").strip(), error


def test_an_error_shows_what_it_becomes():
    row = next(
        line for line in read("reference/errors.md").splitlines() if line.startswith("| `app_not_found`")
    )
    assert row == "| `app_not_found` | not found | 404 | 6 | There is no such app among those you may see. |"


def test_a_code_of_several_places_says_so():
    first = type(
        "First", (NotFound,), {"__doc__": "One.", "__module__": "tholos.apps.errors", "code": "twice"}
    )
    second = type(
        "Second", (TholosError,), {"__doc__": "Two.", "__module__": "tholos.cli.x", "code": "twice"}
    )
    row = failures._row("twice", (first, second))
    assert row == ("`twice`", "not found or failed", "404", "6 or 1", "In several places: One. Or: Two.")


@pytest.mark.parametrize("action", Action)
def test_every_action_has_its_entry(action):
    assert f"\n| `{action}` |" in read("reference/audit.md")


def test_every_route_has_its_entry():
    page = read("reference/api.md")
    routes = [*calls.calls(), *calls.pages()]
    assert len(routes) > 100
    for route in routes:
        assert f"\n| `{route.method} {route.path}` | {route.permission} |" in page


def test_every_call_says_what_it_does():
    """A handler's docstring is its call's entry, here and in the OpenAPI document."""
    assert [f"{call.method} {call.path}" for call in calls.calls() if not call.text] == []


def test_every_call_of_the_client_has_its_entry_and_its_docstring():
    page = read("reference/client.md")
    found = dict(methods.methods())
    assert {"publish", "roll_back", "variables"} <= set(found)
    for name, method in found.items():
        assert f"\n## {name}\n\n```text\n{name}(" in page
        assert (method.__doc__ or "").strip(), name


def test_the_client_as_a_whole_is_told_of():
    assert (Client.__doc__ or "").startswith("A connection to one server.")
