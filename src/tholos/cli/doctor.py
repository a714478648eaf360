"""``tholos doctor``: what this machine can and cannot do for a server."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tholos.cli.up import ServerNotInstalled

_MARKS = {"ok": "OK", "note": "note", "missing": "MISSING"}


def doctor(data: Path, *, as_json: bool) -> int:
    """Print one line a check; 1 if something that is needed is missing.

    Raises: ServerNotInstalled.
    """
    try:
        from tholos.runtime.doctor import Verdict, examine  # start-up time: no other command needs the server
        from tholos.server.parts import enclosure_of, find_uv, interpreters_of, layout_of, wanted_of
        from tholos.settings import Settings
    except ModuleNotFoundError as error:
        raise ServerNotInstalled(
            f"Cannot examine this machine for a server: {error.name} is missing.",
            fix='pip install "tholos[server]"',
        ) from error
    settings = Settings(data=data)
    checks = examine(
        layout_of(settings),
        interpreters_of(os.environ),
        find_uv(),
        settings.host,
        settings.port,
        enclosure_of(settings),
        wanted_of(settings, os.environ),
        is_one_origin=settings.apps.are_one_origin,
    )
    if as_json:
        shown = [
            {"name": one.name, "verdict": one.verdict.value, "text": one.text, "fix": one.fix}
            for one in checks
        ]
        print(json.dumps({"version": 1, "checks": shown}, indent=2, ensure_ascii=False))
    else:
        for one in checks:
            fix = f" · {one.fix}" if one.fix else ""
            print(f"  {one.name:<13} {_MARKS[one.verdict]:<8} {one.text}{fix}")
    return int(any(one.verdict is Verdict.MISSING for one in checks))
