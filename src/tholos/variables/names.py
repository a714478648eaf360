"""What a variable and a secret may be called and may hold. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from tholos.kit import envtext
from tholos.variables.errors import NameInvalid, SecretNameInvalid, TooMany, ValueInvalid

LONGEST_VALUE = 64 * 1024
MOST_VARIABLES = 200
MOST_BYTES = 512 * 1024
"""Of all names and values of an app together: the kernel gives a new process little more."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_SECRET_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,79}")
_TOLD_BY_US = "Tholos sets it for each process"
_REFUSED: Mapping[str, str] = {
    "PATH": "Tholos sets it, so that the packages of the release are found first",
    "VIRTUAL_ENV": _TOLD_BY_US,
    "PYTHONPATH": "Tholos sets it; to import from further folders, declare them in pyproject.toml",
    "PYTHONHOME": "Python would not find its own library",
    "PYTHONINSPECT": "the process would wait for a keyboard instead of ending",
    "PYTHONEXECUTABLE": _TOLD_BY_US,
    "LD_PRELOAD": "it loads foreign code into every process",
    "LD_AUDIT": "it loads foreign code into every process",
    "BASH_ENV": "it runs foreign code in every shell",
    "IFS": "it changes how every shell reads commands",
}


def check_name(name: str) -> str:
    """A name that a variable may have.

    Raises: NameInvalid.
    """
    if not _NAME.fullmatch(name):
        raise NameInvalid(
            f'Cannot name a variable "{name[:40]}": a name has letters, digits and underscores, and begins with no digit.',
            fix="Names such as DATABASE_URL do; they have at most 128 characters.",
            where=name[:40],
        )
    if name.upper().startswith("THOLOS_"):
        raise NameInvalid(
            f"Cannot set {name}: names that begin with THOLOS_ are what Tholos itself tells an app.",
            fix="Choose another name.",
            where=name,
        )
    if name in _REFUSED:
        raise NameInvalid(f"Cannot set {name}: {_REFUSED[name]}.", fix="Choose another name.", where=name)
    return name


def check_secret_name(name: str) -> str:
    """A name that a shared secret may have.

    Raises: SecretNameInvalid.
    """
    if not _SECRET_NAME.fullmatch(name):
        raise SecretNameInvalid(
            f'Cannot name a secret "{name[:40]}": a name has letters, digits, ".", "_" and "-", and begins with a letter.',
            fix="Names such as warehouse-password do; they have at most 80 characters.",
            where="name",
        )
    return name


def check_value(value: str, where: str) -> str:
    """A value that a process can be given. What is wrong is told without the value.

    Raises: ValueInvalid.
    """
    if "\0" in value:
        raise ValueInvalid(f"Cannot set {where}: the value has a NUL in it.", where=where)
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise ValueInvalid(f"Cannot set {where}: the value is no text.", where=where) from None
    if size > LONGEST_VALUE:
        raise ValueInvalid(
            f"Cannot set {where}: the value has {size} bytes, at most {LONGEST_VALUE} are possible.",
            fix="Keep what is large in a file of the app.",
            where=where,
        )
    return value


def check_amount(sizes: Iterable[tuple[str, int]]) -> None:
    """Names and sizes of values that one app has.

    Raises: TooMany.
    """
    found = list(sizes)
    if len(found) > MOST_VARIABLES:
        raise TooMany(
            f"Cannot set so many variables: {len(found)}, at most {MOST_VARIABLES} are possible.",
            fix="Remove some, or keep settings in a file of the app.",
        )
    total = sum(len(name) + size for name, size in found)
    if total > MOST_BYTES:
        raise TooMany(
            f"Cannot set these variables: together they have {total} bytes, at most {MOST_BYTES} are possible.",
            fix="Keep what is large in a file of the app.",
        )


def parse_env_text(text: str) -> dict[str, str]:
    """Names and values of a text of the form of ``.env`` files.

    Raises: EnvTextInvalid, NameInvalid, ValueInvalid.
    """
    found = envtext.parse(text)
    return {check_name(name): check_value(value, name) for name, value in found.items()}
