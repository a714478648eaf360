"""Packages that are loaded where they are first used: what a server at rest does not need takes none of its memory."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import cast


class _Later(ModuleType):
    """Stands for a package. That of ``importlib.util`` is not for several threads before Python 3.12; importing is."""

    def __getattr__(self, name: str) -> object:
        return getattr(import_module(self.__name__), name)


def load_when_used(name: str) -> ModuleType:
    """A package that is loaded with the first look at one of its attributes.

    That look raises ModuleNotFoundError where it is not installed.
    """
    return _Later(name)


def leave_out(name: str) -> None:
    """A package that libraries load only to see that nothing of it is in use: to them it is not installed.

    None stands for that in ``sys.modules`` (the language's reference, 5.3.1).
    """
    cast("dict[str, ModuleType | None]", sys.modules).setdefault(name, None)
