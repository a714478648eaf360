"""The import statements of a file without parsing the rest of it, which takes a tenth of the time.

Only where that is safe: every mention of ``import`` outside triple-quoted strings and comments stands in a statement that
begins its line at the margin. Such imports are unconditional, so nothing about them has to be weighed.
"""

from __future__ import annotations

import ast
import re

_TEXTS = re.compile(r'"""[\s\S]*?"""|\'\'\'[\s\S]*?\'\'\'')
_COMMENT = re.compile(r"#[^\n]*")
_MENTION = re.compile(r"\b(?:import|__import__)\b")
_STATEMENT = re.compile(
    r"^(?:from[ \t]+[\w.]+[ \t]+import[ \t]*(?:\([^()]*\)|(?:[^\n\\]|\\\n)+)|import[ \t]+(?:[^\n\\]|\\\n)+)",
    re.MULTILINE,
)


def imports_of(data: bytes, *, strict: bool = True) -> ast.Module | None:
    """A tree of the imports at the margin, on their own lines; ``None`` where the file has to be parsed.

    Args:
        data: the file; other encodings than UTF-8 have to be parsed.
        strict: whether to give up where an import stands elsewhere; else those are passed over.
    """
    try:
        text = data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError:
        return None
    if "\r" in text or "\f" in text or "\0" in text:
        return None
    code = _COMMENT.sub("", _TEXTS.sub(_emptied, text))
    statements = list(_STATEMENT.finditer(code))
    inside = sum(len(_MENTION.findall(found[0])) for found in statements)
    if strict and (inside != len(_MENTION.findall(code)) or '"""' in code or "'''" in code):
        return None
    lines: list[str] = []
    at = 0
    for found in statements:
        lines.extend(("\n" * code.count("\n", at, found.start()), found[0]))
        at = found.end()
    try:
        return ast.parse("".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _emptied(found: re.Match[str]) -> str:
    return "''" + "\n" * found[0].count("\n")
