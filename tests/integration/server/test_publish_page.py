"""Publishing from a browser without scripts: send, look, change, publish; whatever is sent gets a clear answer."""

import html
import io
import json
import re
import zipfile
from urllib.parse import parse_qs, urlsplit

import pytest

from tholos.operations import service as operations
from tholos.operations.models import Operation

FLASK = "from flask import Flask\napp = Flask(__name__)\n"
TYPE = "multipart/form-data; boundary=XX"
PAGE = {"accept": "text/html"}


def _form(files=(), **fields):
    parts = [(f'name="{name}"', value.encode()) for name, value in fields.items()]
    parts += [
        (f'name="{field}"; filename="{name}"', data if isinstance(data, bytes) else data.encode())
        for field, name, data in files
    ]
    body = b"".join(
        f"--XX\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + data + b"\r\n"
        for head, data in parts
    )
    return body + b"--XX--\r\n"


def _folder(files):
    return [("files", path, data) for path, data in files.items()]


def _zip(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return out.getvalue()


def _field(text, name):
    """What a field of the page holds."""
    found = re.search(rf'<input[^>]*name="{name}"[^>]*>', text)
    value = re.search(r'value="([^"]*)"', found[0]) if found else None
    return html.unescape(value[1]) if value else ""


def _chosen(text):
    return re.search(r'<option value="(\w*)" selected', text)[1]


def _fields(text):
    """Everything that the form would send."""
    names = re.findall(r'<input type="hidden" name="([\w-]+)"', text)
    fields = {name: _field(text, name) for name in names}
    for name in ("name", "message", "entrypoint", "python", "requirements", "prepare"):
        fields[name] = _field(text, name)
    fields["kind"] = _chosen(text)
    fields["keep"] = html.unescape(re.search(r"<textarea[^>]*>([^<]*)<", text)[1])
    return fields


@pytest.fixture
def ada(console):
    return console.by_session("ada")


async def _send(asgi, files, **fields):
    return await asgi.send("POST", "/publish/upload", _form(files, **fields), TYPE)


async def _look(asgi, files, **fields):
    """The page about what was sent."""
    sent = await _send(asgi, files, **fields)
    assert sent.status == 303, sent.text
    return (await asgi.get(sent.headers["location"])).text


class TestSending:
    async def test_a_folder_leads_to_what_was_found(self, ada):
        files = {"My app/app.py": FLASK, "My app/requirements.txt": "flask\n", "My app/.git/HEAD": "x"}
        sent = await _send(ada, _folder(files), message="first", name="")
        assert sent.status == 303
        query = parse_qs(urlsplit(sent.headers["location"]).query)
        assert (query["name"], query["message"], query["left"]) == (["my-app"], ["first"], ["1"])
        page = await ada.get(sent.headers["location"])
        assert page.status == 200
        fields = _fields(page.text)
        assert (fields["name"], fields["entrypoint"], fields["kind"]) == ("my-app", "app:app", "wsgi")
        assert fields["requirements"] == "requirements.txt"
        assert "This is Flask" in page.text
        assert "app.py:2" in page.text
        assert "1 left out" in page.text

    async def test_a_zip_does_the_same(self, ada):
        text = await _look(
            ada, [("archive", "site.zip", _zip({"top/index.html": "<h1>", "top/.env": "A=1"}))]
        )
        assert (_field(text, "name"), _chosen(text)) == ("site", "static")
        assert "because it may hold secrets" in text

    async def test_a_script_is_told_where_to_go(self, console):
        browser = console.by_session("ada").with_headers(accept="application/json")
        sent = await _send(browser, _folder({"app.py": FLASK}), name="sales")
        assert sent.status == 200
        assert sent.json["next"].startswith("/publish/check?snapshot=")
        wrong = await _send(browser, _folder({"../app.py": FLASK}))
        assert (wrong.status, wrong.json["error"]["code"]) == (400, "bad_path")

    @pytest.mark.parametrize(
        ("files", "told"),
        [
            ([], "Choose a folder or an archive."),
            (_folder({"t/../../x": ""}), "component '..'"),
            (_folder({"/etc/passwd": ""}), "absolute"),
            (_folder({"t/a\\b": ""}), "backslash"),
            (_folder({"t/a": "", "t/a/b": ""}), "both a file and a folder"),
            ([("archive", "x.zip", _zip({"../x": ""}))], "component '..'"),
            ([("archive", "x.zip", b"nothing")], "neither a tar"),
            ([("archive", "x.zip", _zip({"zeros": b"\0" * 3_000_000}))], ""),
            ([("archive", "x.zip", b""), *_folder({"a.py": "", "b.py": ""})], "not both"),
        ],
    )
    async def test_what_is_refused_is_told_on_the_page(self, ada, files, told):
        answer = await _send(ada, files, name="kept-name", message="kept words")
        if not told:
            assert answer.status == 303  # an honest archive of zeros, as a counter-example
            return
        assert answer.status == 400
        text = html.unescape(answer.text)
        assert told in text
        assert (_field(text, "name"), _field(text, "message")) == ("kept-name", "kept words")

    @pytest.mark.parametrize("body", [b"", b"--XX", b"--XX--\r\n", b"\0" * 1000, _form(name="a")[:-5]])
    async def test_a_damaged_form(self, ada, body):
        answer = await ada.send("POST", "/publish/upload", body, TYPE)
        assert answer.status == 400
        assert "Cannot" in answer.text
        assert (await ada.send("POST", "/publish/upload", body, "text/plain")).status == 400

    async def test_who_may_not_publish_sends_nothing(self, console):
        for browser in (
            console.by_session("vic"),
            console.by_session("ada").with_headers(origin="http://evil.example"),
        ):
            assert (await _send(browser, _folder({"app.py": FLASK}))).status == 403
        shown = await console.by_session("vic").get("/publish")
        assert (shown.status, "data-drop" in shown.text) == (200, False)
        assert "data-drop" in (await console.by_session("ada").get("/publish")).text


class TestLooking:
    async def test_a_wrong_guess_is_changed_and_stays_changed(self, ada):
        files = {"t/one.py": FLASK, "t/two.py": FLASK}
        text = html.unescape(await _look(ada, _folder(files), name="sales"))
        assert "Cannot choose between 2 apps" in text
        assert 'value="two:app"' in text
        fields = {**_fields(text), "entrypoint": "two:app", "keep": "data\r\nuploads\r\n"}
        again = await ada.form("/publish/check", fields)
        assert again.status == 200
        fields = _fields(again.text)
        assert (fields["entrypoint"], fields["found-entrypoint"]) == ("two:app", "")
        assert (fields["keep"].split(), fields["found-keep"]) == (["data", "uploads"], "")
        third = await ada.form("/publish/check", {**fields, "message": "x"})
        assert (_field(third.text, "entrypoint"), _field(third.text, "found-entrypoint")) == ("two:app", "")

    @pytest.mark.parametrize(
        ("field", "value", "told"),
        [
            ("entrypoint", "gone:app", "Cannot use the entry point"),
            ("kind", "asgi", "Cannot"),
            ("python", "the newest", "it is not a version"),
            ("requirements", "gone.txt", "is not in the folder"),
            ("keep", "../up", "no path inside the folder"),
            ("prepare", "a\nb", "of several lines"),
            ("name", "Not A Name", "Cannot take"),
            ("name", "", "Give the app a name"),
            ("message", "x" * 3000, "2000"),
            ("entrypoint", "x" * 401, "400"),
        ],
    )
    async def test_errors_stand_at_their_field_and_keep_what_was_typed(self, ada, field, value, told):
        fields = _fields(await _look(ada, _folder({"t/app.py": FLASK}), name="sales"))
        answer = await ada.form("/publish/confirm", {**fields, field: value})
        assert answer.status == 400
        text = html.unescape(answer.text)
        error = re.search(rf'id="error-{field}">(.*?)</p>', text, re.DOTALL)
        assert error, text
        assert told in error[1]
        assert "--" not in error[1].replace("--entrypoint", "") or field == "entrypoint"
        typed = _fields(answer.text)[field]
        assert typed == value if field != "kind" else typed == "asgi"
        with_session = await ada.get("/api/v1/operations")
        assert with_session.json["items"] == []

    async def test_somebody_elses_snapshot_is_none(self, console, ada):
        location = (await _send(ada, _folder({"app.py": FLASK}))).headers["location"]
        answer = await console.by_session("bob").get(location)
        assert answer.status == 404
        for broken in ("/publish/check", "/publish/check?snapshot=x", "/publish/check?snapshot=" + "0" * 64):
            assert (await ada.get(broken)).status in {400, 404}

    @pytest.mark.parametrize("path", ["/publish/check", "/publish/confirm"])
    async def test_a_form_of_nothing(self, ada, path):
        for fields in ({}, {"snapshot": "x"}, {"snapshot": "0" * 64, "left": "9" * 5000}):
            assert (await ada.form(path, fields)).status in {400, 404}


class TestPublishing:
    async def test_it_begins_the_operation(self, ada):
        fields = _fields(await _look(ada, _folder({"t/app.py": FLASK}), name="sales", message="first"))
        answer = await ada.form("/publish/confirm", {**fields, "prepare": "python -V"})
        assert answer.status == 303
        assert answer.headers["location"].startswith("/operations/op_")
        found = (await ada.get("/api/v1/operations")).json["items"]
        assert [(one["kind"], one["app"]) for one in found] == [("publish", "sales")]
        releases = (await ada.get("/api/v1/apps/sales/releases")).json["items"]
        assert (releases[0]["entrypoint"], releases[0]["message"]) == ("app:app", "first")

    async def test_what_was_found_is_not_remembered_as_said(self, console, ada):
        fields = _fields(await _look(ada, _folder({"t/app.py": FLASK}), name="sales"))
        await ada.form("/publish/confirm", {**fields, "prepare": "python -V"})
        with console.database.read() as db:
            operation = db.query(Operation).one()
            assert operation.request["remembered"] == {"prepare": "python -V"}

    async def test_somebody_elses_name(self, console, ada):
        console.add_app("bob", "taken")
        text = html.unescape(await _look(ada, _folder({"t/app.py": FLASK}), name="taken"))
        assert "somebody else has an app of that name" in text


class TestDetectCall:
    async def test_nothing_is_recorded(self, console):
        ada = console.by_token("ada")
        body = _zip({"one.py": FLASK, "app.py": FLASK, ".tholosignore": ""})
        snapshot = (await ada.send("POST", "/api/v1/snapshots", body, "application/zip")).json["id"]
        found = (await ada.post("/api/v1/detect", {"snapshot": snapshot})).json
        assert (found["kind"], found["entrypoint"]["value"], found["entrypoint"]["where"]) == (
            "wsgi", "app:app", "app.py:2",
        )  # fmt: skip
        assert [one["value"] for one in found["alternatives"]] == ["one:app"]
        assert (found["interpreter"], found["requirements"]["source"], found["files"]) == (
            "3.12.1",
            "imports",
            3,
        )
        assert (await ada.get("/api/v1/operations")).json["items"] == []
        assert (await ada.get("/api/v1/apps")).json["items"] == []

    async def test_settings_that_the_first_release_takes(self, console):
        ada, browser = console.by_token("ada"), console.by_session("ada")

        async def send(**ours):
            manifest = json.dumps({"version": 1, "metadata": {}, "tholos": ours})
            body = _zip({"app.py": FLASK, "manifest.json": manifest})
            return (await ada.send("POST", "/api/v1/snapshots", body, "application/zip")).json["id"]

        snapshot = await send(variables={"TARGET": "120", "KEY": None}, limits={"open_files": 4096})
        ask = {"snapshot": snapshot, "name": "sales"}
        found = (await ada.post("/api/v1/detect", ask)).json
        assert (found["variables"], found["limits"], found["secrets"]) == (
            {"TARGET": "120"}, {"open_files": 4096}, ["KEY"],
        )  # fmt: skip
        page = (await browser.get(f"/publish/check?snapshot={snapshot}&name=sales")).text
        assert "TARGET" in page
        assert "open_files" in page
        bad = await send(limits={"open_files": 1})
        for path in ("/api/v1/detect", "/api/v1/apps/sales/publish"):
            body = {"snapshot": bad, **({"name": "sales"} if path.endswith("detect") else {})}
            refused = await ada.post(path, body)
            assert (refused.status, refused.json["error"]["where"]) == (
                400, "manifest.json: limits.open_files",
            )  # fmt: skip
        page = html.unescape((await browser.get(f"/publish/check?snapshot={bad}&name=sales")).text)
        assert "Cannot give it 1 open files" in page
        assert (await ada.post("/api/v1/apps/sales/publish", {"snapshot": snapshot})).status == 202
        settings = (await ada.get("/api/v1/apps/sales/limits")).json
        assert settings["open_files"] == 4096
        again = (await ada.post("/api/v1/detect", ask)).json
        assert (again["variables"], again["limits"]) == ({}, {})
        assert (await ada.post("/api/v1/detect", {"snapshot": bad, "name": "sales"})).status == 200

    async def test_overrides_and_errors(self, console):
        ada = console.by_token("ada")
        snapshot = (
            await ada.send("POST", "/api/v1/snapshots", _zip({"a.py": FLASK}), "application/zip")
        ).json["id"]
        ask = {"snapshot": snapshot, "overrides": {"entrypoint": "b:app"}}
        wrong = await ada.post("/api/v1/detect", ask)
        assert (wrong.status, wrong.json["error"]["code"]) == (400, "entrypoint_missing")
        assert (await console.by_token("bob").post("/api/v1/detect", {"snapshot": snapshot})).status == 404
        assert (await console.by_token("vic").post("/api/v1/detect", {"snapshot": snapshot})).status == 403
        for bad in (
            {},
            {"snapshot": "x"},
            {"snapshot": snapshot, "more": 1},
            {"snapshot": snapshot, "name": "N"},
        ):
            assert (await ada.post("/api/v1/detect", bad)).status == 400


class TestComparePage:
    async def test_it_needs_no_script(self, console, ada):
        console.add_app("ada", "sales")
        answer = await ada.get("/apps/sales/compare")
        assert answer.status in {200, 404}  # the snapshot of that row was never stored

    async def test_a_manifest_of_earlier_files_is_told_and_blocks_nothing(self, console):
        ada = console.by_token("ada")
        manifest = json.dumps({
            "version": 1, "metadata": {"appmode": "python-api", "entrypoint": "app"},
            "python": {"package_manager": {"name": "pip", "package_file": "requirements.txt"}},
            "files": {"app.py": {"checksum": "0" * 32}, "requirements.txt": {"checksum": "0" * 32}, "old.py": {"checksum": ""}},
        })  # fmt: skip
        body = _zip({"app.py": FLASK, "requirements.txt": "flask\n", "new.py": "", "manifest.json": manifest})
        snapshot = (await ada.send("POST", "/api/v1/snapshots", body, "application/zip")).json["id"]
        told = (
            "manifest.json is out of date: app.py, requirements.txt changed since; old.py listed and not here; "
            "new.py not listed. Write it anew with what wrote it, or with tholos write-manifest --overwrite."
        )
        assert told in (await ada.post("/api/v1/detect", {"snapshot": snapshot})).json["notes"]
        begun = await ada.post("/api/v1/apps/sales/publish", {"snapshot": snapshot})
        assert begun.status == 202
        operation = begun.json["operation"]["id"]
        with console.database.read() as db:
            events = operations.list_events(db, operation, 0)
        assert told in [one.data["value"] for one in events if one.data.get("label") == "note"]
