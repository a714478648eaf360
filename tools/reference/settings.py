"""The settings, from the descriptions in tholos.settings."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel, SecretStr
from tools.reference.tables import MADE, code, table

from tholos.settings import Settings

HEAD = f"""# Settings

Every setting is an environment variable of the server, read once when it starts; `tholos up` takes `--data`, `--host` and
`--port` as arguments too. A variable `THOLOS_A__B` is the setting `b` of the group `a`.

{MADE}

"""


def text() -> str:
    return HEAD + table(("variable", "default", "what it is"), rows(Settings, "THOLOS_"))


def rows(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str]]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from rows(kind, f"{prefix}{name.upper()}__")
            continue
        default = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
        shown = "" if default is None else str(default)
        yield code(f"{prefix}{name.upper()}"), code(shown), field.description or ""
