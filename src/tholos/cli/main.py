"""``tholos``: the one place that parses arguments. A command is a function of plain arguments in a module of its own.

A command's module is imported only when it runs, so that ``tholos --help`` starts as fast as the interpreter does.
"""

from __future__ import annotations

import argparse
import importlib
import sys

from tholos import __version__
from tholos.cli.commands import add_all
from tholos.cli.parsing import HelpFormatter, Only

TYPE_CHECKING = False  # importing typing takes longer than reading this file
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tholos.cli.parsing import Commands

EPILOG = (
    "Reading commands print JSON with --json. Exit codes: 0 done, 1 failed, 2 usage, 3 conflict, 4 not permitted, \
5 unreachable, 6 not found, 70 bug, 130 interrupted."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; answers its exit code."""
    words = [*(sys.argv[1:] if argv is None else argv)]
    arguments = vars(parser_for(words).parse_args(words))
    module, _, function = arguments.pop("run").partition(":")

    from tholos.cli import failures  # of no use to --help

    def command() -> int:
        run: Callable[..., int] = getattr(importlib.import_module(f"tholos.cli.{module}"), function)
        return run(**arguments)

    return failures.guarded(command, as_json=bool(arguments.get("as_json")))


def parser_for(words: Sequence[str]) -> argparse.ArgumentParser:
    """What reads a command line: its command alone, for the others take longer to declare than most commands run."""
    parser, commands = _begin()
    only = Only(commands, words[0] if words else "")
    add_all(only)  # type: ignore[arg-type]  # commands are added to it, and no more is asked of it
    return parser if commands.choices else build_parser()


def build_parser() -> argparse.ArgumentParser:
    """Every command with its arguments; ``run`` is where its function is."""
    parser, commands = _begin()
    add_all(commands)
    return parser


def _begin() -> tuple[argparse.ArgumentParser, Commands]:
    parser = argparse.ArgumentParser(
        "tholos",
        description="Publish a folder of Python and it runs.",
        epilog=EPILOG,
        allow_abbrev=False,
        formatter_class=HelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"tholos {__version__}")
    return parser, parser.add_subparsers(metavar="COMMAND", required=True)
