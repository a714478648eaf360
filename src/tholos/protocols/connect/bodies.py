"""Bodies as this wire's clients send them: JSON objects with more or fewer fields than are known, or none at all."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body

JsonBody = Annotated[dict[str, object], Body()]
OptionalBody = Annotated[dict[str, object] | None, Body()]
