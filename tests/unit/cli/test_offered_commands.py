"""Every command that a page or a message offers is one that this command line takes as it stands there."""

import ast
import re
import shlex
from functools import cache
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

import tholos
from tholos.cli.main import build_parser

ROOT = Path(tholos.__file__).parent
COMMAND = re.compile(r"\btholos +([a-z][a-z-]*)")
END = re.compile(r"[`,;()\n<]| · |: |\. |\.$| or | and ")
NOT_COMMANDS = {"on", "wrote", "command"}
"""What else follows the name: "another version of tholos wrote it"."""
GAP = "1"
"""Stands for what is filled in: it is a name as well as a number."""
FILLED = {
    "N": GAP, "LEVEL": "viewer", "ROLE": "viewer", "…": GAP, "VERSION": "3.12", "SECONDS": GAP, "DAYS": GAP,
}  # fmt: skip
CHOSEN = {"--scope 1": "--scope full"}
"""Gaps that hold one of some words."""


def said_in_code(path: Path) -> list[str]:
    """Every text of a module but docstrings, with gaps where something is filled in."""
    tree = ast.parse(path.read_text())
    inside = {id(part) for node in ast.walk(tree) for part in _parts(node)}
    docs = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)
    }  # docstrings, also those below attributes
    return [
        text
        for node in ast.walk(tree)
        if id(node) not in inside | docs and (text := _text(node)) and COMMAND.search(text)
    ]


def _parts(node: ast.AST) -> list[ast.AST]:
    if isinstance(node, ast.JoinedStr):
        return [*node.values]
    return [node.left, node.right] if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) else []


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    parts = _parts(node)
    return "".join(_text(part) or GAP for part in parts) if parts else ""


def said_in_template(path: Path) -> list[str]:
    """Every text of a template, in its own words and in what it hands to macros."""
    tree = Environment(autoescape=True, extensions=["jinja2.ext.do"]).parse(path.read_text())
    found = [_printed(node) for node in tree.find_all((nodes.Output, nodes.Concat, nodes.Const))]
    whole = [text for text in found if COMMAND.search(text)]
    return [text for text in whole if not any(text != other and text in other for other in whole)]


def _printed(node: nodes.Node) -> str:
    if isinstance(node, nodes.TemplateData):
        return node.data
    if isinstance(node, nodes.Const):
        return node.value if isinstance(node.value, str) else GAP
    if isinstance(node, (nodes.Output, nodes.Concat)):
        return "".join(_printed(part) for part in node.nodes)
    return GAP


def commands_in(text: str) -> list[str]:
    """The commands that a text names: each goes on to the end of its quotes, or of what is said in one breath."""
    text = text.replace("{name}", GAP).replace("{id}", GAP)
    found = []
    for match in COMMAND.finditer(text):
        if match[1] not in NOT_COMMANDS:
            said = text[match.start() :]
            end = END.search(said)
            found.append(said[: end.start()] if end else said)
    return found


_parser = cache(build_parser)


def takes(command: str) -> bool:
    for gap, filled in CHOSEN.items():
        command = command.replace(gap, filled)
    words = [FILLED.get(word, word) for word in shlex.split(command.strip())[1:]]
    try:
        _parser().parse_args(words)
    except SystemExit:
        return False
    return True


SAID = [
    (path.relative_to(ROOT).as_posix(), command)
    for path in sorted(ROOT.rglob("*"))
    if path.suffix in {".py", ".html"} and "testing" not in path.parts
    for text in (said_in_code(path) if path.suffix == ".py" else said_in_template(path))
    for command in commands_in(text)
]


def test_they_are_found():
    """In code and templates, whole and joined."""
    assert {"tholos open 1", "tholos tokens add LABEL"} <= {command for _, command in SAID}
    assert any(path.endswith("app_compare.html") for path, _ in SAID)
    assert len(SAID) > 60


@pytest.mark.parametrize(("path", "command"), sorted(set(SAID)))
def test_it_is_taken(path, command):
    assert takes(command), f"{path} says: {command}"


@pytest.mark.parametrize("command", ["tholos diff sales 1 2", "tholos tokens add", "tholos lst"])
def test_what_is_wrong_is_noticed(command):
    assert not takes(command)
