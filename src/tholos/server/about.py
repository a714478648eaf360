"""Makes what an installation tells its administrators of itself."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from tholos import __version__
from tholos.console.about import About, SettingShown, Source, Stored
from tholos.runtime.doctor import Check, examine
from tholos.runtime.interpreters import Interpreters
from tholos.runtime.layout import Layout
from tholos.runtime.sandbox import OPEN, Enclosure
from tholos.server.parts import find_uv, wanted_of
from tholos.settings import Settings

PREFIX = "THOLOS_"
_AT_START_ONLY = frozenset({"port"})
"""What doctor looks at before a start, and what is so by now anyway."""


def about(
    settings: Settings,
    layout: Layout,
    interpreters: Interpreters,
    env: Mapping[str, str],
    enclosure: Enclosure = OPEN,
) -> About:
    """What is shown of an installation with these settings, started in this environment."""
    said = {name.upper() for name in env}

    def look() -> list[Check]:
        found = examine(
            layout,
            interpreters,
            find_uv(),
            settings.host,
            settings.port,
            enclosure,
            wanted_of(settings, env),
            is_one_origin=settings.apps.are_one_origin,
        )
        return [one for one in found if one.name not in _AT_START_ONLY]

    return About(
        __version__, [*_shown(settings, Settings, PREFIX, said)], look, lambda: [*storage(settings, layout)]
    )


def _shown(values: BaseModel, model: type[BaseModel], prefix: str, said: set[str]) -> Iterator[SettingShown]:
    for name, field in model.model_fields.items():
        value = getattr(values, name)
        variable = f"{prefix}{name.upper()}"
        if isinstance(value, BaseModel):
            yield from _shown(value, type(value), f"{variable}__", said)
            continue
        yield SettingShown(
            variable, _text(value), _source(variable, value, field, said), field.description or ""
        )


def _text(value: object) -> str:
    if isinstance(value, SecretStr):
        return "set" if value.get_secret_value() else ""
    return "" if value is None else str(value)


def _source(variable: str, value: object, field: FieldInfo, said: set[str]) -> Source:
    if variable in said:
        return Source.ENVIRONMENT
    return Source.DEFAULT if value == field.default else Source.ARGUMENT


def storage(settings: Settings, layout: Layout) -> Iterator[Stored]:
    """Where things are kept, and how much that is."""
    if settings.database_url.get_secret_value():
        yield Stored("Database", "PostgreSQL", None)
    else:
        size = sum(_size(Path(f"{layout.database}{end}")) for end in ("", "-wal"))
        yield Stored("Database", str(layout.database), size)
    used = shutil.disk_usage(layout.data)
    yield Stored("Data folder", str(layout.data), None)
    yield Stored("Free on its disk", os.path.realpath(layout.data), used.free)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
