"""The way from the event loop to runs of git, which may hang on a host for minutes: threads of their own, and few."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_fetching = ThreadPoolExecutor(4, "git")
_asking = ThreadPoolExecutor(2, "git-asking")
"""Of their own: that a large repository is fetched keeps nobody from seeing pushes to others."""


async def in_git_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a synchronous function that fetches. Cancelling the wait does not end the thread."""
    return await asyncio.get_running_loop().run_in_executor(_fetching, partial(function, *args, **kwargs))


async def in_asking_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """The same, of one that only asks."""
    return await asyncio.get_running_loop().run_in_executor(_asking, partial(function, *args, **kwargs))
