"""Following a repository on pages without scripts: imported, watched, changed and let go; no page ever shows a secret again."""

import html
import re
from dataclasses import replace

import pytest

from tholos.apps import service as apps
from tholos.kit.sealing import Sealer
from tholos.operations import service as operations
from tholos.publishing.service import FOLLOW, FOLLOW_STEPS
from tholos.sharing.models import Audience
from tholos.sources import asking, commits
from tholos.sources import service as sources
from tholos.sources.asking import Wanted
from tholos.sources.errors import FetchFailed, FollowerGone, RepositoryClosed
from tholos.sources.mirrors import Commit
from tholos.sources.models import CommitState, Trigger
from tholos.sources.service import Wish
from tholos.testing.rows import new_release

URL = "https://git.example.org/team/reports.git"
TAB = "/apps/sales/source"
CAUSE = {
    "code": "instance_died",
    "message": "Cannot start the app: KeyError",
    "fix": "Mend it.",
    "where": "app.py:3",
}
KEY = "token-" + "0123456789" * 3


@pytest.fixture
def ada(console):
    return console.by_session("ada")


@pytest.fixture
def app(console):
    return console.add_app("ada", "sales")[0]


@pytest.fixture
def followed(console, app):
    """An app that follows a repository, and that nothing is under way of."""
    follow(console)
    return app


def follow(console, **said):
    wish = Wish(**{"repository": URL, "branch": "main", **said})
    sealer = console.application.state.services.get(Sealer)
    with console.database.write() as db:
        sources.set_source(
            db, sealer, console.people.ada, "sales", wish, {}, (), console.clock.now(), begins=False
        )


def try_commit(console, app, commit, state, subject="A subject", release=None):
    """A commit that was looked at, and what became of it."""
    ada, now = console.people.ada, console.clock.now()
    with console.database.write() as db:
        source = sources.get_followed(db, ada, app.name).source
        wanted = Wanted(Trigger.POLL)
        request = {"source_id": source.id, **wanted.to_json()}
        begun = operations.begin(
            db, ada, FOLLOW, operations.Subject(app.id, app.name), FOLLOW_STEPS, request, now
        )
        operations.claim(db, begun.id, "test", now)
        commits.start_commit(db, begun, source, "main", Commit(commit, commit, "Ada <a@b.c>", subject), now)
        error = CAUSE if state == CommitState.FAILED else None
        commits.end_commit(db, begun, state, release=release, error=error)
        operations.fail(db, begun.id, CAUSE, now) if error else operations.finish(db, begun.id, {}, now)
        return begun.id


async def source_of(console, name="sales"):
    answer = await console.by_token("ada").get(f"/api/v1/apps/{name}/source")
    assert answer.status == 200, answer.text
    return answer.json


def told(answer, field):
    """The error at a field."""
    found = re.search(rf'id="error-{field}"><i[^>]*></i>([^<]*)<', answer.text)
    return html.unescape(found[1]) if found else ""


def held(text, name):
    """What a field of the page holds; whether a box is ticked."""
    found = re.search(rf'<input[^>]*name="{name}"[^>]*>', text)[0]
    if 'type="checkbox"' in found:
        return " checked" in found
    value = re.search(r'value="([^"]*)"', found)
    return html.unescape(value[1]) if value else ""


def words(answer):
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.text)))


class TestImporting:
    async def test_a_repository_is_followed(self, console, ada):
        page = await ada.get("/publish")
        assert held(page.text, "polling") is True
        fields = {
            "repository": f" {URL} ", "branch": "main", "subdirectory": "/apps/sales/", "app": "sales", "polling": "yes",
            "draft": "yes", "username": "deploy", "secret": KEY + "\r\n",
        }  # fmt: skip
        answer = await ada.form("/publish/git", fields)
        assert answer.status == 303, answer.text
        assert answer.headers["location"].startswith("/operations/op_")
        found = await source_of(console)
        assert (found["repository"], found["branch"], found["subdirectory"]) == (URL, "main", "apps/sales")
        assert (found["polling"], found["draft"], found["credential"]) == (True, True, "deploy")
        watched = await ada.get(answer.headers["location"])
        assert "<h1>Publishing sales</h1>" in watched.text
        assert "Fetch" in watched.text
        for path in (answer.headers["location"], TAB, "/apps/sales"):
            assert KEY not in (await ada.get(path)).text

    @pytest.mark.parametrize(
        ("repository", "folder", "name"),
        [
            (URL, "", "reports"),
            ("git@git.example.org:Team.git", "", "team"),
            (f"{URL}/", "apps/Sums by region/", "sums-by-region"),
        ],
    )
    async def test_a_name_is_suggested(self, console, ada, repository, folder, name):
        answer = await ada.form("/publish/git", {"repository": repository, "subdirectory": folder})
        assert answer.status == 303, answer.text
        found = await source_of(console, name)
        assert (found["polling"], found["draft"], found["credential"]) == (False, False, "")

    @pytest.mark.parametrize(
        ("wrong", "field", "said"),
        [
            ({"repository": ""}, "repository", "it is empty"),
            ({"repository": "file:///etc"}, "repository", "file: is not one of https, http and ssh"),
            ({"repository": "/srv/git/a.git"}, "repository", "none that its operator listed"),
            ({"repository": "https://ada:x@git.example.org/a.git"}, "repository", "give it as a credential."),
            ({"branch": "a..b"}, "branch", "no branch can be called so"),
            ({"subdirectory": "../x"}, "subdirectory", "Cannot publish the folder"),
            ({"app": "No name"}, "app", "Choose another."),
            ({"app": "of-bob"}, "app", "somebody else has an app of that name"),
            ({"secret": "", "username": "deploy"}, "secret", "it needs a user name"),
            ({"secret": "a\nb"}, "secret", "each in one line"),
            ({"repository": "git@git.example.org:a.git", "secret": KEY}, "secret", "a private key"),
        ],
    )
    async def test_what_is_wrong_is_told_at_its_field(self, console, ada, wrong, field, said):
        console.add_app("bob", "of-bob")
        fields = {"repository": URL, "branch": "main", "app": "sales", "username": "", "draft": "yes"} | wrong
        answer = await ada.form("/publish/git", fields)
        assert answer.status in {400, 409}
        assert said in told(answer, field)
        assert "tholos " not in told(answer, field)
        form = answer.text.partition('action="/publish/git"')[2]
        for name in ("repository", "branch", "app", "username"):
            assert held(form, name) == fields[name]
        assert (held(form, "draft"), held(form, "polling")) == (True, False)
        assert KEY not in answer.text
        assert (await console.by_token("ada").get("/api/v1/apps/sales")).status == 404

    async def test_a_name_that_nobody_typed_takes_no_app_over(self, console, ada):
        console.add_app("ada", "reports")
        asked = await ada.form("/publish/git", {"repository": URL})
        assert (asked.status, held(asked.text, "app")) == (409, "reports")
        assert "there is an app of the one that fits. Leave it" in told(asked, "app")
        again = await ada.form("/publish/git", {"repository": URL, "app": "reports"})
        assert again.status == 303
        assert (await source_of(console, "reports"))["repository"] == URL

    async def test_who_may_not_publish_follows_nothing(self, console):
        vic, stranger = (
            console.by_session("vic"),
            console.by_session("ada").with_headers(origin="http://x.example"),
        )
        for browser in (vic, stranger):
            assert (await browser.form("/publish/git", {"repository": URL})).status == 403
        assert "/publish/git" not in (await vic.get("/publish")).text

    async def test_an_app_leads_to_the_form(self, ada, app):
        page = await ada.get(TAB)
        assert "It follows no repository" in page.text
        assert f"--name {app.name}" in page.text
        link = re.search(r'href="(/publish\?app=[^"#]*)', page.text)[1]
        assert held((await ada.get(link)).text, "app") == "sales"


class TestTheTab:
    async def test_updating_begins_or_waits(self, console, ada, followed):
        wrong = await ada.form(f"{TAB}/update", {"ref": "a..b"})
        assert (wrong.status, held(wrong.text, "ref")) == (400, "a..b")
        assert "no name of a branch or tag" in told(wrong, "ref")
        begun = await ada.form(f"{TAB}/update", {"ref": "v1.2"})
        assert begun.status == 303
        with console.database.read() as db:
            operation = operations.get_operation(db, begun.headers["location"].rpartition("/")[2])
            assert operation.request["ref"] == "v1.2"
        waits = await ada.form(f"{TAB}/update", {})
        assert waits.status == 200
        assert "It is fetched after what is under way." in waits.text
        assert 'data-state="waiting"' in waits.text

    async def test_changing_what_is_followed(self, console, ada, followed):
        page = await ada.get(TAB)
        assert (held(page.text, "branch"), held(page.text, "polling"), held(page.text, "draft")) == (
            "main",
            True,
            False,
        )
        fields = {"branch": "main", "draft": "yes", "version": held(page.text, "version")}
        saved = await ada.form(f"{TAB}/change", fields)
        assert (saved.status, held(saved.text, "polling"), held(saved.text, "draft")) == (200, False, True)
        late = await ada.form(f"{TAB}/change", {**fields, "branch": "stable"})
        assert (late.status, held(late.text, "branch")) == (409, "stable")
        assert "somebody else changed it meanwhile" in late.text
        wrong = await ada.form(f"{TAB}/change", {"branch": "main", "subdirectory": "a/.git"})
        assert (wrong.status, held(wrong.text, "subdirectory")) == (400, "a/.git")
        assert "it is of git itself" in told(wrong, "subdirectory")
        assert (await source_of(console))["branch"] == "main"
        another = await ada.form(f"{TAB}/change", {"branch": "stable", "polling": "yes"})
        assert another.headers["location"].startswith("/operations/")
        found = await source_of(console)
        assert (found["branch"], found["polling"], found["draft"]) == ("stable", True, False)

    async def test_pausing_and_going_on(self, console, ada, followed):
        paused = await ada.form(f"{TAB}/pause", {})
        assert (paused.status, 'data-state="paused"' in paused.text) == (200, True)
        assert (await source_of(console))["paused"] is True
        assert f'action="{TAB}/pause"' not in paused.text
        resumed = await ada.form(f"{TAB}/resume", {})
        assert resumed.headers["location"].startswith("/operations/")
        assert (await source_of(console))["paused"] is False

    async def test_a_secret_is_shown_once(self, ada, followed):
        shown = [await ada.form(f"{TAB}/secret", {}) for _ in range(2)]
        found = [re.search(r'data-copy="([^"]*)" aria-label="Copy the secret"', one.text)[1] for one in shown]
        assert found[0] != found[1]
        page = await ada.get(TAB)
        assert found[1] not in page.text
        assert re.search(r"/hooks/git/src_\w+", page.text)
        assert all(host in page.text for host in ("GitHub", "GitLab", "Gitea", "Forgejo", "Bitbucket"))

    async def test_a_credential_of_its_own(self, console, ada, followed):
        kept = await ada.form(f"{TAB}/credential", {"username": "deploy", "secret": KEY})
        assert (kept.status, held(kept.text, "username")) == (200, "deploy")
        assert KEY not in kept.text
        assert (await source_of(console))["credential"] == "deploy"
        wrong = await ada.form(f"{TAB}/credential", {"username": "a:b", "secret": KEY})
        assert (wrong.status, held(wrong.text, "username")) == (400, "a:b")
        assert "without a colon" in told(wrong, "secret")
        assert KEY not in wrong.text
        assert (await ada.form(f"{TAB}/credential/remove", {})).status == 200
        assert (await source_of(console))["credential"] == ""
        again = await ada.form(f"{TAB}/credential/remove", {})
        assert (again.status, "no credential of its own" in again.text) == (404, True)

    async def test_letting_go(self, console, ada, followed):
        try_commit(console, followed, "a" * 40, CommitState.UNCHANGED, "The first one")
        unsure = await ada.form(f"{TAB}/remove", {"name": "sale"})
        assert (unsure.status, told(unsure, "name")) == (400, 'Type "sales" to let it follow nothing.')
        assert (await ada.form(f"{TAB}/remove", {"name": "sales"})).headers["location"] == TAB
        page = await ada.get(TAB)
        assert "It follows no repository" in page.text
        assert "The first one" in page.text
        link = re.search(r'href="(/api/v1/[^"]*)">This page as JSON', page.text)[1]
        assert len((await ada.get(link)).json["items"]) == 1

    async def test_it_is_for_editors(self, console, followed):
        for name, status in (("bob", 404), ("vic", 403)):
            answer = await console.by_session(name).get(TAB)
            assert (answer.status, URL in answer.text) == (status, False)


class TestHistory:
    async def test_what_became_of_commits(self, console, ada, followed):
        failed = try_commit(console, followed, "b" * 40, CommitState.FAILED, "Sum <up>")
        shown = await ada.get(TAB)
        assert CAUSE["message"] in shown.text
        assert f'href="/operations/{failed}"' in shown.text
        assert "What to do: Mend it." in words(shown)
        assert "Release 1 keeps serving." in shown.text
        try_commit(console, followed, "c" * 40, CommitState.UNCHANGED)
        released = try_commit(console, followed, "d" * 40, CommitState.RELEASED, "It works", release=1)
        page = await ada.get(TAB)
        rows = re.findall(r"<tr id=.*?</tr>", page.text, re.DOTALL)
        assert [re.search(r'data-state="(\w+)"', row)[1] for row in rows] == [
            "released",
            "unchanged",
            "failed",
        ]
        assert 'class="live"' in rows[0]
        assert 'href="/apps/sales/releases#release-1"' in rows[0]
        assert "Sum &lt;up&gt;" in rows[2]
        assert 'data-state="following"' in page.text
        for path in ("/apps/sales", "/apps/sales/releases"):
            other = (await ada.get(path)).text
            assert f'href="{TAB}#{released}" title="{"d" * 40}"' in other

    async def test_other_settings_leave_what_serves(self, console, ada, followed):
        """A change of variables makes a release of the same files: what serves is still that commit."""
        try_commit(console, followed, "d" * 40, CommitState.RELEASED, release=1)
        for base in (1, 2):
            with console.database.write() as db:
                app = apps.get_app(db, followed.id)
                new = replace(new_release(), based_on=base)
                made = apps.create_release(db, console.people.ada, app, new, console.clock.now())
                apps.switch(db, made.id, console.clock.now())
        assert (await source_of(console))["serving"]["commit"] == "d" * 40
        assert 'class="live"' in (await ada.get(TAB)).text

    async def test_viewers_see_no_commits(self, console, followed):
        try_commit(console, followed, "d" * 40, CommitState.RELEASED, release=1)
        with console.database.write() as db:
            apps.get_app(db, followed.id).audience = Audience.SIGNED_IN
        for path in ("/apps/sales", "/apps/sales/releases"):
            answer = await console.by_session("vic").get(path)
            assert answer.status == 200
            assert ("d" * 10 not in answer.text, URL not in answer.text) == (True, True)

    @pytest.mark.parametrize(
        ("error", "advice"),
        [
            (FetchFailed(), "It is tried again by itself."),
            (RepositoryClosed(), "Give a credential that may read it."),
            (FollowerGone(), "Whoever edits the app can take it over."),
        ],
    )
    async def test_why_it_was_not_fetched(self, console, ada, followed, error, advice):
        with console.database.write() as db:
            source = sources.get_followed(db, console.people.ada, "sales").source
            asking.note_not_found(db, source.id, error.to_json())
        page = await ada.get(TAB)
        assert 'data-state="failing"' in page.text
        assert f"What to do: {advice} " in words(page)
        assert ("Go on by my right" in page.text) == isinstance(error, FollowerGone)


class TestCredentialsOfHosts:
    PATH = "/admin/git-credentials"

    async def test_they_are_set_and_removed(self, console):
        admin = console.by_session("admin")
        assert "There are none yet" in (await admin.get(self.PATH)).text
        for name in ("deploy", ""):
            kept = await admin.form(self.PATH, {"host": "git.example.org", "username": name, "secret": KEY})
            assert (kept.status, kept.headers["location"]) == (303, self.PATH)
        page = await admin.get(self.PATH)
        assert page.text.count("<code>https://git.example.org</code>") == 1
        assert ">git</td>" in page.text
        assert KEY not in page.text
        remove = re.search(rf'action="({self.PATH}/gcr_\w+/remove)"', page.text)[1]
        assert (await admin.form(remove, {})).status == 303
        assert "There are none yet" in (await admin.get(self.PATH)).text
        assert (await admin.form(remove, {})).status == 404

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"host": "https://git.example.org/team"}, "host"),
            ({"host": ""}, "host"),
            ({"secret": ""}, "secret"),
        ],
    )
    async def test_what_is_wrong_is_told_at_its_field(self, console, wrong, field):
        fields = {"host": "git.example.org", "username": "deploy", "secret": KEY} | wrong
        answer = await console.by_session("admin").form(self.PATH, fields)
        assert answer.status == 400
        assert told(answer, field).startswith("Cannot ")
        assert (held(answer.text, "host"), held(answer.text, "username")) == (fields["host"], "deploy")
        assert KEY not in answer.text

    async def test_they_are_for_administrators(self, console):
        for name in ("ada", "vic"):
            assert (await console.by_session(name).get(self.PATH)).status == 403
            assert (await console.by_session(name).form(self.PATH, {"host": "x"})).status == 403
