"""What nobody publishes, and what a folder's own `.tholosignore` adds or takes back. Pure.

The patterns are a subset of gitignore(5): names, `*`, `?`, `[...]`, `**`, a leading or inner slash ties to the root, a trailing one
means folders only, `!` takes back; the last one that matches decides, and no rule of the built-in list stands against it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

FILE_NAME = ".tholosignore"

_FOLDERS = {
    **dict.fromkeys((".git", ".hg", ".svn", ".bzr", "CVS"), "version control"),
    **dict.fromkeys(
        ("__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".tox", ".nox"), "a cache"
    ),
    **dict.fromkeys(("node_modules",), "installed packages"),
    **dict.fromkeys((".ipynb_checkpoints",), "notebook checkpoints"),
}
_FILES = re.compile(
    r"(?P<secret>\.env)|(?P<system>\.DS_Store|Thumbs\.db|\.git|\.nfs.*)|(?P<compiled>.*\.py[co])"
    r"|(?P<editor>\..*\.sw[a-p]|.*~|\.~.*|~\$.*|\.#.*|#.*#)",
    re.DOTALL,
)
_REASONS = {
    "secret": "it may hold secrets",
    "system": "a file of the system",
    "compiled": "compiled code",
    "editor": "an editor's temporary file",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of an ignore file."""

    line: int
    text: str
    pattern: re.Pattern[str]
    folders_only: bool
    takes_back: bool


def parse(text: str) -> tuple[Rule, ...]:
    """The rules of an ignore file; blank lines and comments have none."""
    rules = (_parse_line(number, line) for number, line in enumerate(text.splitlines(), 1))
    return tuple(rule for rule in rules if rule)


def find_reason(rules: Iterable[Rule], path: str, *, is_folder: bool) -> str:
    """Why a file or folder is not sent, as a few words; empty if it is."""
    decision = decide(rules, path, is_folder=is_folder)
    if decision:
        return "" if decision.takes_back else f"{FILE_NAME} line {decision.line}: {decision.text}"
    name = path.rpartition("/")[2]
    if is_folder:
        return _FOLDERS.get(name, "")
    match = _FILES.fullmatch(name)
    return _REASONS[match.lastgroup] if match and match.lastgroup else ""


def decide(rules: Iterable[Rule], path: str, *, is_folder: bool) -> Rule | None:
    """The last rule that matches, if any."""
    found = None
    for rule in rules:
        if (is_folder or not rule.folders_only) and rule.pattern.fullmatch(path):
            found = rule
    return found


def _parse_line(number: int, line: str) -> Rule | None:
    text = line.rstrip()
    takes_back = text.startswith("!")
    body = text[1:] if takes_back else text
    if not body.strip("/") or body.startswith("#"):
        return None
    folders_only = body.endswith("/")
    body = body.rstrip("/").removeprefix("\\")
    tied = "/" in body
    pattern = ("" if tied else "(?:.*/)?") + _to_regex(body.lstrip("/"))
    return Rule(number, text, re.compile(pattern, re.DOTALL), folders_only, takes_back)


def _to_regex(glob: str) -> str:
    parts = re.split(r"(\*\*/|/\*\*$|\*+|\?|\[!?\]?[^\]/\\]*\])", glob)
    return "".join(
        _special_to_regex(part) if place % 2 else re.escape(part) for place, part in enumerate(parts)
    )


def _special_to_regex(piece: str) -> str:
    known = {"**/": "(?:.*/)?", "/**": "/.*", "?": "[^/]"}
    if piece in known:
        return known[piece]
    return _class_to_regex(piece[1:-1]) if piece.startswith("[") else "[^/]*"


def _class_to_regex(members: str) -> str:
    inverted = members.startswith("!") and len(members) > 1
    # Range by range: to `re`, `--` and `[` inside of a class mean something else than to gitignore(5).
    body = re.sub(r"(.)-(.)|(.)", _range_to_regex, members[1:] if inverted else members)
    pattern = f"(?!/)[{'^' if inverted else ''}{body}]"
    try:
        re.compile(pattern)
    except re.error:
        return re.escape(f"[{members}]")
    return pattern


def _range_to_regex(found: re.Match[str]) -> str:
    return "-".join(re.escape(end) for end in found.groups() if end)
