from __future__ import annotations

import importlib
import inspect

import pytest

from tholos.cli.main import build_parser, parser_for

COMMANDS = {
    "up": [],
    "doctor": [],
    "login": ["http://localhost:8080"],
    "logout": [],
    "publish": [],
    "write-manifest": [],
    "list": [],
    "status": [],
    "why": [],
    "open": [],
    "logs": [],
    "delete": ["sales"],
    "cancel": ["op_1"],
    "operations": [],
    "version": [],
}


def test_every_command_is_in_this_table():
    help_text = build_parser().format_help()
    assert all(f"\n    {name}" in help_text for name in COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_takes_exactly_what_is_parsed_for_it(name):
    parsed = vars(build_parser().parse_args([name, *COMMANDS[name]]))
    module, _, function = parsed.pop("run").partition(":")
    taken = inspect.signature(getattr(importlib.import_module(f"tholos.cli.{module}"), function))
    assert set(taken.parameters) == set(parsed)


@pytest.mark.parametrize(
    "words", [["vars", "list"], ["users", "add", "nora"], *([name, *COMMANDS[name]] for name in COMMANDS)]
)
def test_declared_alone_a_command_is_read_as_among_all(words):
    assert vars(parser_for(words).parse_args(words)) == vars(build_parser().parse_args(words))


def test_declared_alone_no_other_command_is_there():
    with pytest.raises(SystemExit):
        parser_for(["publish"]).parse_args(["logs"])


@pytest.mark.parametrize("words", [[], ["--help"], ["frob"], ["--version", "publish"]])
def test_what_names_no_command_is_read_with_all_of_them(words):
    assert parser_for(words).format_help() == build_parser().format_help()


def test_up_and_doctor_are_called_as_agreed():
    up = vars(build_parser().parse_args(["up", "--port", "0", "--open"]))
    assert {key: str(value) for key, value in up.items()} == {
        "run": "up:up",
        "data": "tholos-data",
        "host": "127.0.0.1",
        "port": "0",
        "examples": "None",
        "open_browser": "True",
    }
    doctor = vars(build_parser().parse_args(["doctor", "--json"]))
    assert set(doctor) == {"run", "data", "as_json"}


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["frob"],
        ["publish", "a", "b"],
        ["logs", "--lines", "-1"],
        ["logs", "--release", "x"],
        ["up", "--port", "70000"],
        ["list", "--js"],
        ["delete"],
    ],
)
def test_wrong_usage_is_exit_code_2(argv, capsys):
    with pytest.raises(SystemExit) as caught:
        build_parser().parse_args(argv)
    assert caught.value.code == 2
    assert "usage: tholos" in capsys.readouterr().err


def test_keep_can_be_given_often():
    parsed = build_parser().parse_args(["publish", "--keep", "a", "--keep", "b", "-m", "text"])
    assert (parsed.keep, parsed.message) == (["a", "b"], "text")
