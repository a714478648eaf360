"""What commands are declared with: how they are added, and the arguments that many have."""

from __future__ import annotations

import argparse
import os

# Its words stay English, as ours are: looking for translations of them, for each command, is half of the time of --help.
vars(argparse)["_"] = str

TYPE_CHECKING = False  # importing typing takes longer than reading this file
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any, TypeAlias

    Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - it has no public name


class HelpFormatter(argparse.HelpFormatter):
    """Help as wide as the terminal; the base class would import shutil, with every compressor, to ask for it."""

    def __init__(self, prog: str) -> None:
        try:
            columns = os.get_terminal_size().columns
        except OSError:
            columns = 80
        super().__init__(prog, width=min(columns, 100) - 2)


class Only:
    """Where commands are added to, of which one is wanted: the others are declared to nobody."""

    def __init__(self, commands: Commands, wanted: str) -> None:
        self._commands = commands
        self._wanted = wanted

    def add_parser(self, name: str, **said: Any) -> argparse.ArgumentParser | Nobody:
        """Add a command, if it is the one."""
        return self._commands.add_parser(name, **said) if name == self._wanted else Nobody()


class Nobody:
    """Takes whatever is declared of a command."""

    epilog = ""

    def __getattr__(self, name: str) -> Callable[..., Nobody]:
        return lambda *_, **__: self


def group(commands: Commands, name: str, text: str) -> Commands:
    """Commands of two words, such as ``tholos users list``; returns where the second ones are added."""
    parser = commands.add_parser(name, help=text, allow_abbrev=False, formatter_class=HelpFormatter)
    return parser.add_subparsers(metavar="COMMAND", required=True)


def account(
    commands: Commands, name: str, run: str, text: str, *, of: str = "account"
) -> argparse.ArgumentParser:
    """A command whose first argument is an account or group."""
    parser = add_json(add_server(add(commands, name, run, text)))
    parser.add_argument("name", metavar="NAME", help=f"of the {of}")
    return parser


def named(commands: Commands, name: str, run: str, text: str) -> argparse.ArgumentParser:
    """A command whose first argument is an app, always said: it changes who may open it."""
    parser = add_json(add_server(add(commands, name, run, text)))
    parser.add_argument("name", metavar="NAME", help="of the app")
    return parser


def add(commands: Commands, name: str, run: str, text: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        allow_abbrev=False,
        formatter_class=HelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def add_name(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="of the app; else what this folder was published as"
    )
    return parser


def add_server(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--server", metavar="URL", help="else THOLOS_SERVER, else the default one")
    return parser


def add_json(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--json", action="store_true", dest="as_json", help="print a JSON document")
    return parser


def path(text: str) -> Path:
    from pathlib import Path  # it takes longer to import than the rest of --help

    return Path(text)


def port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise ValueError(text)
    return number


def natural(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number
