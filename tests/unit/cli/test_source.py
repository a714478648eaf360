from __future__ import annotations

from pathlib import Path

import pytest

from tholos.cli.login import split_link
from tholos.cli.memory import Folder
from tholos.cli.source import NameTakenHere, Source, choose_name, is_wide

HOME = Path("/nowhere/home/ada")


@pytest.mark.parametrize(
    "folder", ["/", "/etc", "/tmp", "/usr/local", "/nowhere", "/nowhere/home", "/nowhere/home/ada"]
)
def test_folders_that_hold_more_than_an_app(folder):
    assert is_wide(Path(folder), HOME)


@pytest.mark.parametrize("folder", ["/nowhere/home/ada/app", "/tmp/app", "/srv/app", "/nowhere/home/bob"])
def test_folders_of_apps(folder):
    assert not is_wide(Path(folder), HOME)


@pytest.mark.parametrize(
    ("path", "form", "title"),
    [
        ("/x/Sales", "folder", "Sales"),
        ("/x/v1.2", "folder", "v1.2"),
        ("/x/map.py", "script", "map"),
        ("/x/Map.tar.gz", "archive", "Map"),
        ("/x/map.ZIP", "archive", "map"),
    ],
)
def test_title_is_the_name_without_its_ending(path, form, title):
    assert Source(Path(path), form).title == title


SERVER = "http://localhost:8080"
SOURCE = Source(Path("/x/Sales API"), "folder")


def test_name_is_the_one_said_else_the_one_before_else_the_folders():
    before = {"/x/Sales API": Folder(SERVER, "totals")}
    assert choose_name(SOURCE, "said", SERVER, before) == "said"
    assert choose_name(SOURCE, None, SERVER, before) == "totals"
    assert choose_name(SOURCE, None, SERVER, {}) == "sales-api"


def test_the_name_of_another_folders_app_is_not_taken():
    known = {"/": Folder(SERVER, "sales-api")}
    with pytest.raises(NameTakenHere):
        choose_name(SOURCE, None, SERVER, known)
    assert choose_name(SOURCE, None, "http://other", known) == "sales-api"
    assert choose_name(SOURCE, None, SERVER, {"/nowhere/gone": Folder(SERVER, "sales-api")}) == "sales-api"


@pytest.mark.parametrize(
    ("link", "server", "code"),
    [
        ("http://localhost:8080", "http://localhost:8080", ""),
        ("http://localhost:8080/setup?code=K7QF-2M9P", "http://localhost:8080", "K7QF-2M9P"),
        ("https://x.example/tholos/sign-in?code=A#b", "https://x.example/tholos", "A"),
        ("https://x.example/sign-in#code=A", "https://x.example", "A"),
        ("http://[", "http://[", ""),
    ],
)
def test_link_is_a_server_and_a_code(link, server, code):
    assert split_link(link) == (server, code)
