"""``tholos backup`` and ``tholos restore``: a whole installation into one folder or archive, and out of it."""

from __future__ import annotations

from pathlib import Path

from tholos.cli.failures import print_json
from tholos.cli.up import ServerNotInstalled


def backup(target: Path, data: Path, *, as_json: bool) -> int:
    """Take a backup while the server runs.

    Raises: ServerNotInstalled, and what ``tholos.server.backup.take`` does.
    """
    try:
        from tholos.server.backup import take  # start-up time: no other command needs the server
        from tholos.server.parts import layout_of
        from tholos.settings import Settings
    except ModuleNotFoundError as error:
        raise _not_installed(error) from error
    settings = Settings(data=data)
    taken = take(layout_of(settings), settings.database_url.get_secret_value(), target.absolute())
    if as_json:
        print_json(backup={
            "path": str(target), "rows": taken.rows, "packs": taken.packs, "apps": taken.apps, "bytes": taken.bytes
        })  # fmt: skip
        return 0
    print(
        f"  {target}: {taken.bytes / 1e6:.1f} MB, {taken.rows} rows, {taken.packs} packs, data of {taken.apps} apps"
    )
    print("  It has the keys that open every secret: keep it where only you read it.")
    return 0


def restore(source: Path, data: Path, *, as_json: bool) -> int:
    """Make an installation of a backup, in a folder that is not there.

    Raises: ServerNotInstalled, and what ``tholos.server.restoring.restore`` does.
    """
    try:
        from tholos.server.parts import layout_of
        from tholos.server.restoring import restore as run
        from tholos.settings import Settings
    except ModuleNotFoundError as error:
        raise _not_installed(error) from error
    settings = Settings(data=data)
    done = run(source.absolute(), layout_of(settings), settings.database_url.get_secret_value())
    if as_json:
        print_json(
            restored={
                "data": str(data),
                "taken_at": done.taken_at,
                "version": done.version,
                "rows": done.rows,
            }
        )
        return 0
    print(f"  {data} is as it was at {done.taken_at}: {done.rows} rows, taken by Tholos {done.version}")
    print(f"  start it with: tholos up --data {data}")
    return 0


def _not_installed(error: ModuleNotFoundError) -> ServerNotInstalled:
    return ServerNotInstalled(
        f"Cannot do that without a server: {error.name} is missing.", fix='pip install "tholos[server]"'
    )
