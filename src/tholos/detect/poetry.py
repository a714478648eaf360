"""Poetry's way of writing dependencies, turned into standard requirements: carets, tildes, wildcards, tables."""

from __future__ import annotations

import re
from urllib.parse import quote

from tholos.detect.own_packages import inside_of

_NUMBERS = re.compile(r"\d+(\.\d+)*")


class NotStandard(ValueError):
    """It has no standard form."""


def table(document: dict[str, object]) -> dict[str, object]:
    """``[tool.poetry.dependencies]``, empty where there is none."""
    found: object = document
    for key in ("tool", "poetry", "dependencies"):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def requirement(name: str, value: object, base: str = "") -> str:
    """One entry as a requirement line. Paths in it begin at ``base``, the folder of the file that says it.

    Raises:
        NotStandard: it is an address or of no known form.
    """
    if isinstance(value, str):
        return f"{name}{specifier(value)}"
    if not isinstance(value, dict):
        raise NotStandard("of several forms")
    extras = value.get("extras")
    listed = f"[{','.join(str(extra) for extra in extras)}]" if isinstance(extras, list) and extras else ""
    marker = f" ; {value['markers']}" if isinstance(value.get("markers"), str) else ""
    if isinstance(value.get("git"), str):
        ref = next(
            (f"@{value[key]}" for key in ("rev", "tag", "branch") if isinstance(value.get(key), str)), ""
        )
        return f"{name}{listed} @ git+{value['git']}{ref}{marker}"
    if isinstance(value.get("path"), str):
        return f"{name}{listed} @ file:{quote(_inside(base, value['path']))}{marker}"
    if not isinstance(value.get("version"), str):
        raise NotStandard("an address")
    return f"{name}{listed}{specifier(value['version'])}{marker}"


def _inside(base: str, path: str) -> str:
    found = inside_of(base, path)
    if found is None:
        raise NotStandard("a path that leads out of the folder")
    return f"./{found}"


def specifier(value: str) -> str:
    """A version constraint in the standard form; empty for any version.

    Raises:
        NotStandard: it has alternatives (``||``) or another form that has no standard one.
    """
    if "|" in value:
        raise NotStandard("a choice between ranges")
    parts = [part.strip() for part in value.split(",")]
    return ",".join(found for found in map(_one, parts) if found)


def _one(part: str) -> str:
    if part in {"*", ""}:
        return ""
    if part[0] in "^~" and not part.startswith("~="):
        return _between(part[1:].strip(), is_caret=part[0] == "^")
    if _NUMBERS.fullmatch(part):
        return f"=={part}"
    if re.fullmatch(r"\d+(\.\d+)*\.\*", part):
        return f"=={part}"
    if re.fullmatch(r"(===?|~=|!=|<=?|>=?)\s*\S+", part):
        return part.replace(" ", "")
    raise NotStandard(f"no version constraint: {part[:40]!r}")


def _between(version: str, *, is_caret: bool) -> str:
    found = _NUMBERS.match(version)
    if not found:
        raise NotStandard(f"no version constraint: {version[:40]!r}")
    numbers = [int(number[:9]) for number in found[0].split(".")]
    kept = (
        next((at for at, number in enumerate(numbers) if number), len(numbers) - 1)
        if is_caret
        else min(1, len(numbers) - 1)
    )
    upper = [*numbers[:kept], numbers[kept] + 1]
    return f">={version},<{'.'.join(map(str, upper))}"
