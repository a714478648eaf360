"""The command that reads the audit record: who did what, and all of it into a file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tholos.cli.console import age_of, of_terminal, say_done
from tholos.cli.failures import print_json
from tholos.cli.session import connected
from tholos.client.deeds import AuditEntry, AuditQuery
from tholos.kit.errors import Invalid

_SPAN = re.compile(r"([0-9]{1,5})([mhdw])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


class SaidTwice(Invalid):
    """Cannot search for that: an app is named, and something else as well."""

    code = "said_twice"


def show_audit(
    *,
    server: str | None,
    app: str,
    actor: str,
    action: str,
    since: str,
    until: str,
    kind: str,
    name: str,
    text: str,
    lines: int,
    export: Path | None,
    as_json: bool,
) -> int:
    """Print who did what, the newest first, or write all that is asked for to a file."""
    if app and (kind or name):
        raise SaidTwice(fix="Leave out --app, or --kind and --name.")
    now = datetime.now(UTC)
    asked = AuditQuery(actor, action, moment_of(since, now), moment_of(until, now), text, kind, name)
    with connected(server) as client:
        if export is not None:
            form = "csv" if export.suffix == ".csv" else "ndjson"
            wanted = replace(asked, kind="app", name=app) if app else asked
            count = write_lines(export, client.export_audit(form, wanted))
            told = f"{count} lines"
            return say_done(str(export), told, as_json=as_json, file=str(export), lines=count)
        found = client.audit(asked, app=app, most=lines)
    if as_json:
        print_json(entries=[asdict(one) for one in found])
        return 0
    console = of_terminal()
    if not found:
        console.row("nothing of that kind was done")
        return 0
    rows = [(age_of(one.at), one.actor, one.words, one.subject, changes_of(one)) for one in found]
    console.table([("WHEN", "WHO", "WHAT", "WITH", "DETAILS"), *rows])
    return 0


def moment_of(text: str, now: datetime) -> str:
    """``10m``, ``2h``, ``7d`` or ``2w`` before now as a moment; what is a moment already stays as it is."""
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        return text.strip()
    return (now - int(match[1]) * _UNITS[match[2]]).isoformat(timespec="seconds")


def changes_of(entry: AuditEntry) -> str:
    """What differs between before and after, in one line."""
    before, after = entry.before or {}, entry.after or {}
    fields = [field for field in dict.fromkeys([*before, *after]) if before.get(field) != after.get(field)]
    told = [
        f"{field}: {before[field]} → {after.get(field, '')}"
        if field in before
        else f"{field}: {after[field]}"
        for field in fields
    ]
    return " ".join("; ".join([entry.note, *told] if entry.note else told).split())


def write_lines(path: Path, lines: Iterable[bytes]) -> int:
    """A file of its own that replaces the old one once it is whole; for its owner's eyes only."""
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    count = 0
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            for line in lines:
                file.write(line + b"\n")
                count += 1
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
    return count
