"""What the supervisor is told by the server that starts it."""

from __future__ import annotations

from pathlib import Path

from tholos.runtime.launchers.local import LocalLauncher, shutdown


async def test_it_gets_nothing_of_the_servers_environment(tmp_path, monkeypatch):
    """It outlives the server, and what runs beside it on this machine may read what it was started with."""
    monkeypatch.setenv("THOLOS_DATABASE_URL", "postgresql://user:secret@host/tholos")
    launcher = LocalLauncher(tmp_path / "state", tmp_path)
    try:
        await launcher.list()
        found = _environments(str(tmp_path / "state"))
        assert found
        for environment in found:
            names = {one.partition(b"=")[0] for one in environment.split(b"\0") if one}
            assert names <= {b"PATH", b"LANG"}
    finally:
        await launcher.close()
        await shutdown(tmp_path / "state", tmp_path)


def _environments(word: str) -> list[bytes]:
    """What each living process with a word in its command line was started with."""
    return [
        _bytes(one / "environ")
        for one in Path("/proc").glob("[0-9]*")
        if word.encode() in _bytes(one / "cmdline").split(b"\0")
    ]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
