"""Taking a release along and comparing two, over HTTP."""

import io
import json
import tarfile
from dataclasses import replace

import pytest

from tholos.apps import service as apps
from tholos.detect.core import detect
from tholos.kit.sealing import Sealer
from tholos.publishing import manifest as manifests
from tholos.store import archives
from tholos.store.model import Scope
from tholos.testing.rows import new_release
from tholos.variables.models import Value

FLASK = "from flask import Flask\napp = Flask(__name__)\n"
LOCK = "flask==3.0.0 \\\n    --hash=sha256:" + "0" * 64 + "\n"


class Tree:
    def __init__(self, files) -> None:
        self._files = files

    def paths(self):
        return list(self._files)

    def read(self, path, limit=1 << 20):
        return self._files[path].encode()[:limit]


def _tar(files) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for path, data in files.items():
            raw = data if isinstance(data, bytes) else data.encode()
            entry = tarfile.TarInfo(path)
            entry.size = len(raw)
            archive.addfile(entry, io.BytesIO(raw))
    return out.getvalue()


def _untar(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        return {one.name: archive.extractfile(one).read() for one in archive}


@pytest.fixture
def release(console):
    """Adds a release of these files, live."""

    def add(files, *, owner="ada", name="sales", lock=LOCK, settings=None, **manifest):
        actor = getattr(console.people, owner)
        unpacked = archives.unpack(
            console.store, Scope(actor.account_id), io.BytesIO(_tar(files)), strip=False
        )
        text = {path: data for path, data in files.items() if isinstance(data, str)}
        found = manifests.to_json(detect(Tree(text)), "newest") | manifest
        with console.database.write() as db:
            app = apps.find_own_or_free(db, actor, name) or apps.create_app(
                db, actor, name, console.clock.now()
            )
            new = replace(new_release(unpacked.snapshot), manifest=found, settings=settings or {})
            made = apps.create_release(db, actor, app, new, console.clock.now())
            if lock is not None:
                apps.record_environment(db, made.id, lock, "env", 1)
            apps.switch(db, made.id, console.clock.now())
        return made.number

    return add


@pytest.fixture
def plain(console):
    """Adds the value of a plain variable; its id is what a release names."""

    def add(app_id, name, value, value_id):
        sealer = console.application.state.services.get(Sealer)
        with console.database.write() as db:
            db.add(
                Value(
                    id=value_id, organization_id=console.people.ada.organization_id, app_id=app_id, name=name,
                    sealed=value if value_id == "val_broken" else sealer.seal(value, value_id),
                    created_at=console.clock.now(), created_by="ada",
                )
            )  # fmt: skip
        return value_id

    return add


class TestTaking:
    async def test_a_download_is_the_sources_with_manifest_and_lock(self, console, release):
        release({"app.py": FLASK, "data/x.bin": b"\0\1"})
        answer = await console.by_token("ada").get("/api/v1/apps/sales/releases/1/download")
        assert answer.status == 200
        assert answer.headers["content-type"] == "application/gzip"
        assert answer.headers["content-disposition"] == 'attachment; filename="sales-r1.tar.gz"'
        files = _untar(answer.body)
        assert set(files) == {"app.py", "data/x.bin", "manifest.json", "requirements.txt"}
        assert (files["data/x.bin"], files["requirements.txt"]) == (b"\0\1", LOCK.encode())
        assert json.loads(files["manifest.json"])["tholos"]["entrypoint"] == "app:app"

    async def test_the_manifest_alone_is_that_of_the_download(self, console, release):
        release({"app.py": FLASK, "requirements.txt": "flask\n"})
        ada = console.by_token("ada")
        files = _untar((await ada.get("/api/v1/apps/sales/releases/1/download")).body)
        alone = await ada.get("/api/v1/apps/sales/releases/1/manifest")
        assert alone.json == json.loads(files["manifest.json"])

    async def test_what_was_downloaded_is_detected_as_it_was(self, console, release):
        """Sent as an archive to another installation, it is the same app with the same packages."""
        release({"web/app.py": "import views\n" + FLASK, "web/views.py": "", "other.py": FLASK}, lock=LOCK)
        body = (await console.by_token("ada").get("/api/v1/apps/sales/releases/1/download")).body
        bob = console.by_token("bob")
        snapshot = (await bob.send("POST", "/api/v1/snapshots", body, "application/gzip")).json["id"]
        files = {file.path: file for file in console.store.tree(snapshot).files}
        text = {path: console.store.read(snapshot, path, 1 << 20).decode() for path in files}
        found = detect(Tree(text))
        assert (found.entrypoint.value, found.paths) == ("app:app", ("web", ""))
        assert found.requirements.text == LOCK

    async def test_the_lock_alone(self, console, release):
        release({"app.py": FLASK})
        answer = await console.by_token("ada").get("/api/v1/apps/sales/releases/1/lock")
        assert (answer.status, answer.text) == (200, LOCK)
        assert answer.headers["content-type"].startswith("text/plain")

    async def test_pages_of_editors_lead_to_the_lock(self, console, release):
        release({"app.py": FLASK})
        lock = 'href="/api/v1/apps/sales/releases/1/lock"'
        for path in ("/apps/sales", "/apps/sales/releases"):
            assert lock in (await console.by_session("ada").get(path)).text
            assert lock not in (await console.by_session("vic").get(path)).text

    async def test_a_release_that_was_never_built_has_no_lock(self, console, release):
        release({"app.py": FLASK}, lock=None)
        ada = console.by_token("ada")
        answer = await ada.get("/api/v1/apps/sales/releases/1/lock")
        assert (answer.status, answer.json["error"]["code"]) == (404, "lock_unknown")
        assert (await ada.get("/api/v1/apps/sales/releases/1/download")).status == 200

    @pytest.mark.parametrize("what", ["download", "manifest", "lock"])
    async def test_a_release_that_is_not_there(self, console, release, what):
        release({"app.py": FLASK})
        ada = console.by_token("ada")
        answer = await ada.get(f"/api/v1/apps/sales/releases/7/{what}")
        assert (answer.status, answer.json["error"]["code"]) == (404, "release_not_found")
        for number in ("0", "-1", "x", str(1 << 31)):
            assert (await ada.get(f"/api/v1/apps/sales/releases/{number}/{what}")).status == 400

    @pytest.mark.parametrize(
        "what", ["releases/1/download", "releases/1/manifest", "releases/1/lock", "compare"]
    )
    async def test_sources_are_for_editors(self, console, release, what):
        release({"app.py": FLASK})
        assert (await console.by_token("bob").get(f"/api/v1/apps/sales/{what}")).status == 404
        assert (await console.by_token("vic").get(f"/api/v1/apps/sales/{what}")).status == 403

    async def test_secrets_are_only_named(self, console, release):
        release({"app.py": FLASK}, settings={"variables": {"KEY": "sec_1"}, "limits": {"memory": 5}})
        ours = (await console.by_token("ada").get("/api/v1/apps/sales/releases/1/manifest")).json["tholos"]
        assert (ours["variables"], ours["limits"]) == ({"KEY": None}, {"memory": 5})

    async def test_plain_values_are_told(self, console, release, plain):
        app, _ = console.add_app("ada", "sales")
        values = {"TARGET": plain(app.id, "TARGET", "120", "val_1"), "GONE": "val_none", "KEY": "sec_1"}
        number = release({"app.py": FLASK}, settings={"variables": values})
        answer = await console.by_token("ada").get(f"/api/v1/apps/sales/releases/{number}/manifest")
        assert answer.json["tholos"]["variables"] == {"TARGET": "120", "GONE": None, "KEY": None}

    async def test_settings_that_were_downloaded_are_those_of_the_first_release_elsewhere(
        self, console, release, plain
    ):
        app, _ = console.add_app("ada", "sales")
        named = {"TARGET": plain(app.id, "TARGET", "120", "val_1"), "KEY": "sec_1"}
        number = release({"app.py": FLASK}, settings={"variables": named, "limits": {"start_timeout_s": 60}})
        body = (await console.by_token("ada").get(f"/api/v1/apps/sales/releases/{number}/download")).body
        bob = console.by_token("bob")
        snapshot = (await bob.send("POST", "/api/v1/snapshots", body, "application/gzip")).json["id"]
        begun = await bob.post("/api/v1/apps/copy/publish", {"snapshot": snapshot})
        assert begun.status == 202, begun.text
        variables = (await bob.get("/api/v1/apps/copy/variables")).json["items"]
        assert [(one["name"], one["value"]) for one in variables] == [("TARGET", "120")]
        assert (await bob.get("/api/v1/apps/copy/limits")).json["start_timeout_s"] == 60


class TestComparing:
    async def test_everything_that_differs(self, console, release):
        release({"app.py": FLASK, "old.txt": "x", "pic": b"\0"}, lock="flask==3.0.0\n")
        release({"app.py": FLASK + "# new\n", "pic": b"\1\0"}, lock="flask==3.1.0\nadded==1\n",
                settings={"variables": {"KEY": "sec_1"}}, prepare="python -V")  # fmt: skip
        found = (await console.by_token("ada").get("/api/v1/apps/sales/compare?a=1&b=2")).json
        assert (found["app"], found["a"], found["b"], found["same"]) == ("sales", 1, 2, False)
        assert [(one["path"], one["change"], one["is_text"]) for one in found["files"]] == [
            ("app.py", "changed", True), ("old.txt", "removed", True), ("pic", "changed", False),
        ]  # fmt: skip
        assert [(one["name"], one["before"], one["after"]) for one in found["packages"]] == [
            ("added", "", "1"), ("flask", "3.0.0", "3.1.0"),
        ]  # fmt: skip
        assert [(one["name"], one["after"], one["is_secret"]) for one in found["variables"]] == [
            ("KEY", "a secret", True)
        ]
        assert [one["name"] for one in found["settings"]] == ["Prepare"]

    async def test_plain_variables_by_their_values(self, console, release, plain):
        app, _ = console.add_app("ada", "sales")
        for number, (name, value) in enumerate(
            [("TARGET", "110"), ("TARGET", "120"), ("SAME", "x"), ("SAME", "x")]
        ):
            plain(app.id, name, value, f"val_{number}")
        plain(app.id, "LOST", "nothing that opens", "val_broken")
        before = {"TARGET": "val_0", "SAME": "val_2", "KEY": "sec_1"}
        after = {"TARGET": "val_1", "SAME": "val_3", "KEY": "sec_1", "LOST": "val_broken", "MORE": "val_2"}
        a = release({"app.py": FLASK}, settings={"variables": before})
        b = release({"app.py": FLASK}, settings={"variables": after})
        found = (await console.by_token("ada").get(f"/api/v1/apps/sales/compare?a={a}&b={b}")).json
        assert found["same"] is False
        assert [(one["name"], one["change"], one["before"], one["after"]) for one in found["variables"]] == [
            ("LOST", "added", "", "a value that cannot be read"),
            ("MORE", "added", "", "x"),
            ("TARGET", "changed", "110", "120"),
        ]

    async def test_unsaid_it_is_the_newest_and_the_one_before(self, console, release):
        for number in range(3):
            release({"app.py": FLASK, "n": str(number)})
        ada = console.by_token("ada")
        found = (await ada.get("/api/v1/apps/sales/compare")).json
        assert (found["a"], found["b"]) == (2, 3)
        found = (await ada.get("/api/v1/apps/sales/compare?b=1")).json
        assert (found["a"], found["b"], len(found["files"])) == (3, 1, 1)

    async def test_one_file(self, console, release):
        release({"app.py": FLASK})
        release({"app.py": FLASK + "# new\n"})
        found = (
            await console.by_token("ada").get("/api/v1/apps/sales/compare/file?a=1&b=2&path=app.py")
        ).json
        assert found["diff"].endswith("+# new\n")
        assert found["lines"][-1] == {"mark": "+", "text": "# new", "before": 0, "after": 3}
        assert (found["change"], found["is_text"], found["note"]) == ("changed", True, "")

    @pytest.mark.parametrize(
        ("before", "after", "note"),
        [
            (b"\0", b"\1", "not text"),
            (b"a", b"\xff", "not text"),
            (b"a", b"b" * ((1 << 20) + 1), "more than 1 MB"),
            (b"a", b"a", "the same in both"),
        ],
    )
    async def test_a_file_that_has_no_lines_to_show(self, console, release, before, after, note):
        release({"app.py": FLASK, "f": before})
        release({"app.py": FLASK, "f": after})
        found = (await console.by_token("ada").get("/api/v1/apps/sales/compare/file?a=1&b=2&path=f")).json
        assert (note in found["note"], found["diff"]) == (True, "")

    async def test_a_file_that_neither_has(self, console, release):
        release({"app.py": FLASK})
        for path in ("nothing", "", "../etc/passwd", "%01"):
            answer = await console.by_token("ada").get(f"/api/v1/apps/sales/compare/file?path={path}")
            assert (answer.status, answer.json["error"]["code"]) == (404, "file_not_there")

    @pytest.mark.parametrize("query", ["a=0", "a=x", "b=-1", f"a={1 << 31}", "a=1&b=9"])
    async def test_releases_that_are_none(self, console, release, query):
        release({"app.py": FLASK})
        assert (await console.by_token("ada").get(f"/api/v1/apps/sales/compare?{query}")).status in {400, 404}
