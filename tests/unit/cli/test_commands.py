"""Every command takes what its function takes, and prints JSON when it is asked to."""

from __future__ import annotations

import argparse
import importlib
import inspect
from collections.abc import Iterator

import pytest

from tholos.cli.main import build_parser

WITHOUT_JSON = {
    "up": "it serves until it is stopped, and its lines are read by people",
    "login": "it is talked with: a code, a page, a password",
    "completion": "what it prints is a script for a shell",
}


def leaves(
    parser: argparse.ArgumentParser, words: tuple[str, ...] = ()
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    groups = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    if not groups:
        yield " ".join(words), parser
    for group in groups:
        for name, child in group.choices.items():
            yield from leaves(child, (*words, name))


LEAVES = dict(leaves(build_parser()))


@pytest.mark.parametrize("name", sorted(LEAVES))
def test_every_command_prints_json_or_has_a_reason_not_to(name):
    options = LEAVES[name]._option_string_actions
    assert ("--json" in options) is (name not in WITHOUT_JSON)


@pytest.mark.parametrize("name", sorted(LEAVES))
def test_a_command_takes_exactly_what_is_parsed_for_it(name):
    parser = LEAVES[name]
    parsed = {one.dest for one in parser._actions if one.dest != "help"}
    module, _, function = parser.get_default("run").partition(":")
    taken = inspect.signature(getattr(importlib.import_module(f"tholos.cli.{module}"), function))
    assert set(taken.parameters) == parsed
