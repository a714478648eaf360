"""The commands, from the parser of the command line."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

from tools.reference.tables import MADE, code, table

from tholos.cli.main import EPILOG, build_parser

HEAD = f"""# Commands

{EPILOG}

The server is the one that `--server` names, else `THOLOS_SERVER`, else the one that was logged in to last; the token is
`THOLOS_TOKEN`, else the one that `tholos login` keeps. `tholos COMMAND --help` says the same as this page.

{MADE}

"""
WIDTH = 120


def text() -> str:
    found = dict(commands())
    contents = table(
        ("command", "what it does"), ((_link(name), one.description or "") for name, one in found.items())
    )
    return HEAD + contents + "".join(_section(name, one) for name, one in found.items())


def commands() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command that runs something, by its words."""
    yield from _below(build_parser(), "tholos")


def listed(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    """Every command and group of commands, with its text in the help of what it belongs to."""
    for group in _groups(parser):
        yield from ((one.dest, one.help or "") for one in group._choices_actions)  # noqa: SLF001
        for one in group.choices.values():
            yield from listed(one)


def _groups(parser: argparse.ArgumentParser) -> Sequence[argparse._SubParsersAction[argparse.ArgumentParser]]:
    return [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001


def _below(parser: argparse.ArgumentParser, words: str) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    groups = _groups(parser)
    if not groups:
        yield words, parser
    for group in groups:
        for name, one in group.choices.items():
            yield from _below(one, f"{words} {name}")


def _link(name: str) -> str:
    return f"[{code(name)}](#{name.replace(' ', '-')})"


def _section(name: str, parser: argparse.ArgumentParser) -> str:
    rows = [_row(action) for action in parser._actions if action.dest != "help"]  # noqa: SLF001
    arguments = "\n" + table(("argument", "what it is"), rows) if rows else ""
    told = "\n\n".join(filter(None, (parser.description, parser.epilog)))
    return f"\n## {name}\n\n{told}\n\n```text\n{_usage(name, parser)}\n```\n{arguments}"


def _usage(name: str, parser: argparse.ArgumentParser) -> str:
    """As ``--help`` has it, but as wide on every terminal."""
    formatter = argparse.HelpFormatter(name, width=WIDTH)
    shown = [action for action in parser._actions if action.dest != "help"]  # noqa: SLF001
    formatter.add_usage(None, shown, [], prefix="")
    return formatter.format_help().strip()


def _row(action: argparse.Action) -> tuple[str, str]:
    value = action.metavar or (
        "{" + ",".join(map(str, action.choices)) + "}" if action.choices else action.dest.upper()
    )
    takes = action.nargs != 0
    names = [f"{name} {value}" if takes else name for name in action.option_strings] or [str(value)]
    shown = (action.help or "") % {**vars(action), "prog": "tholos"}
    return ", ".join(map(code, names)), shown
