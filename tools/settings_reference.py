"""Writes docs/settings.md from the descriptions in tholos.settings; a test fails when the two differ."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, SecretStr

from tholos.settings import Settings

HEAD = """# Settings

Every setting is an environment variable of the server; `tholos up` takes `--data`, `--host` and `--port` as arguments too.
This page is made from the code: `python tools/settings_reference.py`.

| variable | default | what it is |
|---|---|---|
"""


def rows(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from rows(kind, f"{prefix}{name.upper()}__")
            continue
        default = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
        shown = f"`{default}`" if str(default) else ""
        yield f"| `{prefix}{name.upper()}` | {shown} | {field.description} |\n"


def text() -> str:
    return HEAD + "".join(rows(Settings, "THOLOS_"))


if __name__ == "__main__":
    Path(sys.argv[1] if len(sys.argv) > 1 else "docs/settings.md").write_text(text(), "utf-8")
