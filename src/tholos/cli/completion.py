"""``tholos completion``: a script for a shell that completes commands, options, their choices, and names of apps.

It is made of the parser, so that it knows every command; names of apps it asks the server for, by ``tholos list --names``.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tholos.cli.main import build_parser

FILES, APPS, NOTHING = "<files>", "<apps>", ""
_OF_FILES = frozenset({"FILE", "DIR", "FOLDER"})


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a command."""

    names: Sequence[str]
    text: str
    has_value: bool
    values: str
    """Words to choose from, ``FILES``, ``APPS`` or ``NOTHING``."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command, or words that others follow."""

    path: str
    text: str
    children: Sequence[str]
    options: Sequence[Option]
    arguments: Sequence[str]
    """The values of each place."""


def print_completion(*, shell: str) -> int:
    """Print the script of a shell."""
    commands = list(commands_of(build_parser()))
    if shell == "fish":
        print("\n".join(fish_lines(commands)))
        return 0
    head = ["#compdef tholos", "autoload -U +X bashcompinit && bashcompinit"] if shell == "zsh" else []
    print("\n".join([*head, *bash_lines(commands)]))
    return 0


def commands_of(parser: argparse.ArgumentParser, path: str = "", text: str = "") -> Iterator[Command]:
    """The parser's commands, the outer ones first."""
    children: dict[str, argparse.ArgumentParser] = {}
    texts: dict[str, str] = {}
    options, arguments = [], []
    for action in parser._actions:  # noqa: SLF001 - it has no public name
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - the same
            children = dict(action.choices)
            texts = {one.dest: one.help or "" for one in action._choices_actions}  # noqa: SLF001 - the same
        elif action.option_strings:
            names = action.option_strings
            options.append(Option(names, action.help or "", action.nargs != 0, values_of(action)))
        else:
            arguments.append(values_of(action))
    yield Command(path, text, list(children), options, arguments)
    for name, child in children.items():
        yield from commands_of(child, f"{path} {name}".strip(), texts.get(name, ""))


def values_of(action: argparse.Action) -> str:
    """What an option or argument can be."""
    if action.choices is not None:
        return " ".join(str(one) for one in action.choices if one)
    if action.dest == "app" or (action.dest == "name" and (action.help or "").startswith("of the app")):
        return APPS
    return FILES if action.metavar in _OF_FILES else NOTHING


def bash_lines(commands: Sequence[Command]) -> Iterator[str]:
    """For bash; zsh takes it too."""
    paths = [f" {one.path}" for one in commands if one.path]
    valued = [
        (f" {one.path} {name}", option.values)
        for one in commands
        for option in one.options
        if option.has_value
        for name in option.names
    ]
    yield "_tholos() {"
    yield '    local word="${COMP_WORDS[COMP_CWORD]}" at="" skip="" words="" place=0 i one'
    yield "    for ((i = 1; i < COMP_CWORD; i++)); do"
    yield '        one="${COMP_WORDS[i]}"'
    yield '        if [ -n "$skip" ]; then skip=""; continue; fi'
    yield '        case "$at $one" in'
    yield f'            {_either(paths)}) at="$at $one" ;;'
    yield f'            {_either(name for name, _ in valued)}) skip="$at $one" ;;'
    yield "            *' '-*) ;;"
    yield "            *) place=$((place + 1)) ;;"
    yield "        esac"
    yield "    done"
    yield '    if [ -n "$skip" ]; then'
    yield from _bash_cases(
        '"$skip"', [(name, values) for name, values in valued if values not in {FILES, NOTHING}]
    )
    yield '    else case "$word" in'
    yield "        -*)"
    yield from _bash_cases(
        '"$at"',
        [(_at(one), " ".join(name for option in one.options for name in option.names)) for one in commands],
    )
    yield "            ;;"
    yield "        *)"
    places = [(f"{_at(one)} 0", " ".join(one.children)) for one in commands if one.children]
    places += [
        (f"{_at(one)} {number}", values)
        for one in commands
        for number, values in enumerate(one.arguments)
        if values not in {FILES, NOTHING}
    ]
    yield from _bash_cases('"$at $place"', places)
    yield "            ;;"
    yield "    esac; fi"
    yield '    COMPREPLY=($(compgen -W "$words" -- "$word"))'
    yield "}"
    yield "complete -o default -F _tholos tholos"


def fish_lines(commands: Sequence[Command]) -> Iterator[str]:
    """For fish."""
    yield "function __tholos_at"
    yield "    string join ' ' -- (string match -v -- '-*' (commandline -opc)[2..-1])"
    yield "end"
    yield "function __tholos_is"
    yield "    set -l at (__tholos_at)"
    yield '    test "$at" = "$argv"'
    yield "end"
    yield "function __tholos_in"
    yield "    set -l at (__tholos_at)"
    yield """    string match -q -- "$argv *" "$at " """.rstrip()
    yield "end"
    yield "complete -c tholos -f"
    texts = {one.path: one.text for one in commands}
    for one in commands:
        condition = f"__tholos_in {one.path}".strip()
        for child in one.children:
            text = texts[f"{one.path} {child}".strip()]
            yield f"complete -c tholos -n {_quoted(f'__tholos_is {one.path}'.strip())} -a {child} -d {_quoted(text)}"
        for values in one.arguments:
            if values:
                yield f"complete -c tholos -n {_quoted(condition)} {_fish_values(values)}"
        for option in one.options if one.path else ():
            flags = " ".join(
                f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names
            )
            given = f" -r {_fish_values(option.values)}" if option.has_value else ""
            yield f"complete -c tholos -n {_quoted(condition)} {flags}{given.rstrip()} -d {_quoted(option.text)}"


def _bash_cases(subject: str, cases: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield f"            case {subject} in"
    for pattern, values in cases:
        words = "$(tholos list --names 2>/dev/null)" if values == APPS else values
        yield f'                {_quoted(pattern)}) words="{words}" ;;'
    yield "            esac"


def _fish_values(values: str) -> str:
    if values == FILES:
        return "-F"
    if values == APPS:
        return "-a '(tholos list --names 2>/dev/null)'"
    return f"-a {_quoted(values)}" if values else ""


def _at(command: Command) -> str:
    return f" {command.path}" if command.path else ""


def _either(patterns: Iterable[str]) -> str:
    return "|".join(map(_quoted, patterns))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "") + "'"
