"""What is noted of a start, and what is imported ahead by it."""

import os
import socket
import sys
from pathlib import Path
from types import ModuleType
from types import SimpleNamespace as Spec

import pytest

from tholos_guest import warm


@pytest.fixture(autouse=True)
def notes(tmp_path, monkeypatch):
    """The file of notes; variables count from here on."""
    made = warm.Notes()
    made.path, made.variables = str(tmp_path / "notes"), dict(os.environ)
    monkeypatch.setattr(warm, "NOTES", made)
    return tmp_path / "notes"


def module(name, origin="", spec_name=""):
    made = ModuleType(name)
    made.__spec__ = Spec(name=spec_name or name, origin=origin or f"{sys.prefix}/lib/{name}.py")
    return made


def test_packages_are_noted_in_their_order_and_the_apps_own_modules_are_not(tmp_path):
    found = {
        "zebra": module("zebra"),
        "app": module("app", str(tmp_path / "app.py")),
        "made": ModuleType("made"),
        "other": module("other", spec_name="another"),
        "ant": module("ant"),
    }
    assert warm.packages(found) == ["zebra", "ant"]


@pytest.mark.parametrize(
    ("found", "keeps"),
    [
        ({"sqlite3": module("sqlite3", spec_name="pysqlite3")}, False),
        ({"gevent.monkey": module("gevent.monkey")}, False),
        ({"MySQLdb": module("MySQLdb", spec_name="pymysql")}, True),
        ({"json": module("json")}, True),
    ],
)
def test_what_changes_the_standard_library_is_left_alone(found, keeps):
    """Others would have imported what was there before."""
    assert warm.keeps_order(found) is keeps


def test_a_start_is_noted_once(notes, monkeypatch):
    monkeypatch.setattr(warm, "WORTH_S", 0.0)
    monkeypatch.setenv("SET_BY_SOMEBODY", "1")
    warm.note()
    names = notes.read_text().split()
    assert "pytest" in names
    assert "=SET_BY_SOMEBODY" in names
    notes.write_text("json\n")
    warm.note()
    assert notes.read_text() == "json\n"


def test_a_cheap_start_is_not_noted(notes, monkeypatch):
    monkeypatch.setattr(warm, "WORTH_S", 1e9)
    warm.note()
    assert not notes.exists()


@pytest.mark.parametrize(
    ("text", "is_same"),
    [
        ("json\n", True),
        ("no_such_module_here\n", False),
        ("json\n=SET_BY_THE_APP\n", False),  # packages that are imported first would have read it
    ],
)
def test_it_imports_ahead_only_what_is_the_same_then(notes, text, is_same):
    notes.write_text(text)
    assert warm.import_ahead(str(notes)) is is_same


def test_an_ordinary_process_does_not_wait(notes, monkeypatch):
    with Path(os.devnull).open("rb") as null:
        monkeypatch.setattr(warm, "WORD_FD", null.fileno())
        warm.begin(str(notes))
    assert warm.NOTES.path == str(notes)


def test_the_word_may_be_there_before_it_is_waited_for(monkeypatch):
    """It was needed before it was prepared: whoever told it so listens no more."""
    theirs, ours = socket.socketpair()
    theirs.send(b"g")
    theirs.close()
    monkeypatch.setattr(warm, "WORD_FD", ours.fileno())
    warm.wait()
    assert not warm.is_told()
    ours.close()
