"""The command that reads the audit record: who did what, and all of it into a file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tholos.cli.console import age_of, of_terminal
from tholos.cli.failures import print_json
from tholos.cli.session import connected
from tholos.client.deeds import AuditEntry, AuditQuery
from tholos.kit.errors import Invalid

_SPAN = re.compile(r"([0-9]{1,5})([mhdw])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


class ExportOfApp(Invalid):
    """Cannot export the record of one app only: an export is of the whole installation."""

    code = "export_of_app"


def show_audit(
    *,
    server: str | None,
    app: str,
    actor: str,
    action: str,
    since: str,
    text: str,
    lines: int,
    export: Path | None,
    as_json: bool,
) -> int:
    """Print who did what, the newest first, or write all that is asked for to a file."""
    asked = AuditQuery(actor=actor, action=action, since=moment_of(since, datetime.now(UTC)), text=text)
    if app and export:
        raise ExportOfApp(fix="Leave --app out, or print it with --json.")
    with connected(server) as client:
        if export is not None:
            form = "csv" if export.suffix == ".csv" else "ndjson"
            count = write_lines(export, client.export_audit(form, asked))
            of_terminal().row(str(export), f"{count} lines")
            return 0
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
