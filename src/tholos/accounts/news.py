"""How much news somebody has, for the frame of every page. What news is, a domain above this one knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tholos.accounts.service import Actor
from tholos.kit.db import ReadDb


@dataclass(frozen=True, slots=True)
class News:
    """Counts what an account was told and has not seen."""

    unseen: Callable[[ReadDb, Actor], int]
