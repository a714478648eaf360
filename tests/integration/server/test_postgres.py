"""The whole on PostgreSQL: publish, survive a crash of the server, delete."""

from pathlib import Path

from tholos.testing import postgres
from tholos.testing.installation import Installation

APP = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
"""


def test_an_installation_lives_on_postgresql(tmp_path: Path):
    """One setting moves the database; nothing else is different."""
    folder = tmp_path / "hello"
    folder.mkdir()
    (folder / "app.py").write_text(APP, "utf-8")
    with postgres.running() as server:
        installation = Installation(
            tmp_path / "tholos", settings={"THOLOS_DATABASE_URL": server.create("tholos")}
        )
        try:
            installation.start()
            published = installation.cli("publish", str(folder), "--name", "hello")
            assert published.returncode == 0, published.stderr
            assert installation.cli("publish", str(folder)).stdout.startswith("  nothing changed")
            installation.restart()
            assert installation.ask("GET", "/", host="hello").body == b"hello"
            assert installation.cli("delete", "hello", "--yes").returncode == 0
            assert installation.ask("GET", "/", host="hello").status == 403
            assert not (installation.data / "tholos.db").exists()
        finally:
            installation.clean()
