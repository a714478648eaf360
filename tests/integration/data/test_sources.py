"""Use cases of what apps follow, on both databases: what begins, what waits, what is tried again, and what is not."""

from dataclasses import replace

import pytest

from tholos.accounts import people as people_of
from tholos.apps import service as apps
from tholos.apps.errors import AppNotFound, NameTaken
from tholos.audit import queries as deeds
from tholos.kit.sealing import CannotOpen, Sealer
from tholos.operations import service as operations
from tholos.publishing.service import FOLLOW
from tholos.sources import asking, commits, credentials, queries
from tholos.sources import service as sources
from tholos.sources.asking import Wanted
from tholos.sources.errors import (
    CredentialInvalid,
    CredentialNotFound,
    FollowerGone,
    HookRefused,
    RepositoryRefused,
    SourceNotFound,
)
from tholos.sources.mirrors import Commit
from tholos.sources.models import CommitState, Trigger
from tholos.sources.pushes import Push
from tholos.sources.service import Login, Wish
from tholos.testing.rows import add_live_app

URL = "https://git.example.org/team/sales.git"
A, B, C = ("a" * 40, "b" * 40, "c" * 40)


@pytest.fixture
def sealer(tmp_path):
    return Sealer(tmp_path / "keys")


@pytest.fixture
def follow(database, people, clock, sealer):
    """Lets an app follow a repository; what that made."""

    def make(name="sales", actor=people.ada, overrides=None, **said):
        with database.write() as db:
            wish = Wish(**{"repository": URL, "branch": "main", **said})
            return sources.set_source(db, sealer, actor, name, wish, overrides or {}, [], clock.now())

    return make


@pytest.fixture
def end(database, clock):
    """Ends what is under way for an app, well or with an error; the operation."""

    def write(name="sales", error=None):
        with database.write() as db:
            (operation,) = [one for one in operations.list_under_way(db) if one.subject_name == name]
            operation = operations.claim(db, operation.id, "here", clock.now())
            if error is None:
                operations.finish(db, operation.id, {}, clock.now())
            else:
                commits.note_failure(db, operation, error, clock.now())
                operations.fail(db, operation.id, error, clock.now())
            return operation

    return write


@pytest.fixture
def tried(database, clock):
    """Tries a commit for what is under way; whether it was anything new."""

    def write(made, commit, tree="t1", ref="refs/heads/main"):
        with database.write() as db:
            source = queries.get_source(db, made.source.id)
            operation = operations.find_under_way(db, source.app_id)
            found = Commit(commit, tree, "Ada <ada@example.org>", "Subject")
            return commits.start_commit(db, operation, source, ref, found, clock.now())

    return write


def _source(database, made):
    with database.read() as db:
        return queries.get_source(db, made.source.id)


def test_the_first_makes_the_app_and_begins(database, people, follow):
    made = follow()
    assert made.secret
    assert (made.operation.kind, made.operation.subject_name) == (FOLLOW, "sales")
    assert (made.source.url, made.source.branch, made.source.is_polled) == (URL, "main", True)
    with database.read() as db:
        actions = [one.action for one in deeds.list_after(db, 0, 100)]
    assert actions[-2:] == ["app.made", "source.set"]


def test_somebody_elses_app_follows_nothing_of_ours(people, follow, database):
    follow()
    with pytest.raises(NameTaken):
        follow(actor=people.bob)
    with database.read() as db, pytest.raises(AppNotFound):
        sources.get_followed(db, people.bob, "sales")
    with pytest.raises(RepositoryRefused):
        follow(repository="/srv/git/sales.git")


def test_what_is_asked_for_meanwhile_waits_and_is_one(database, clock, people, follow, end):
    made = follow()
    with database.write() as db:
        assert sources.update(db, people.ada, "sales", "v1", clock.now()) is None
        source = queries.get_source(db, made.source.id)
        assert asking.begin_by_itself(db, source, Trigger.PUSH, clock.now()) is None
        assert not asking.has_waiting(db)
        assert asking.begin_waiting(db, clock.now()) == []
    end()
    with database.write() as db:
        assert asking.has_waiting(db)
        (begun,) = asking.begin_waiting(db, clock.now())
        wanted = Wanted.from_json(begun.request)
        assert (wanted.ref, wanted.is_forced, wanted.account_id) == ("v1", True, people.ada.account_id)
        assert not asking.has_waiting(db)
    end()
    with database.write() as db:
        assert asking.begin_waiting(db, clock.now()) == []


def test_a_head_that_was_tried_is_not_tried_again_by_itself(database, clock, follow, end, tried):
    made = follow()
    assert tried(made, A)
    end(error={"message": "no"})
    with database.write() as db:
        assert asking.note_head(db, made.source.id, A, clock.now()) is None
        assert asking.note_head(db, made.source.id, B, clock.now()) is not None
    assert not tried(made, B)  # the folder is what failed
    end()
    with database.write() as db:
        asking.note_head(db, made.source.id, C, clock.now())
    assert tried(made, C, "t2")


def test_a_head_that_is_found_while_it_is_tried_is_not_tried_twice(database, clock, follow, end, tried):
    """A look may see it after its operation began and before that has come as far."""
    made = follow()
    with database.write() as db:
        assert asking.note_head(db, made.source.id, A, clock.now()) is None
    assert tried(made, A)
    end(error={"message": "no"})
    with database.write() as db:
        assert asking.begin_waiting(db, clock.now()) == []
        assert not asking.has_waiting(db)


@pytest.mark.parametrize("others", ["push", "person", "later"])
def test_what_else_waits_with_it_is_done_all_the_same(database, clock, people, follow, end, tried, others):
    made = follow()
    with database.write() as db:
        asking.note_head(db, made.source.id, A, clock.now())
        if others == "push":
            asking.begin_by_itself(db, queries.get_source(db, made.source.id), Trigger.PUSH, clock.now())
        elif others == "person":
            sources.update(db, people.ada, "sales", "", clock.now())
        asking.note_head(db, made.source.id, A if others != "later" else B, clock.now())
    assert tried(made, A)
    end()
    with database.write() as db:
        assert len(asking.begin_waiting(db, clock.now())) == 1


def test_somebody_who_asks_has_it_tried_again(database, clock, people, follow, end, tried):
    made = follow()
    tried(made, A)
    end(error={"message": "no"})
    with database.write() as db:
        sources.update(db, people.ada, "sales", "", clock.now())
    assert tried(made, A)
    end(error={"message": "no"})
    assert follow().secret == ""
    assert tried(made, A)


def test_an_attempt_that_was_cut_off_tries_its_commit_once_more(database, follow, tried):
    made = follow()
    assert tried(made, A)
    assert tried(made, A)
    with database.read() as db:
        assert len(queries.list_commits(db, made.source.app_id, None, 10)) == 1


def test_another_folder_forgets_what_was_found_about_the_former(database, clock, people, follow, end, tried):
    made = follow()
    tried(made, A)
    end(error={"message": "no"})
    assert _source(database, made).commit_error == {"message": "no"}
    with database.write() as db:
        followed, begun = sources.change_source(
            db, people.ada, "sales", Wish(subdirectory="apps/x"), None, clock.now()
        )
        assert begun is not None
        assert (followed.source.seen_commit, followed.source.commit_error) == ("", None)


def test_errors_of_fetching_and_of_a_commit_do_not_hide_each_other(database, clock, follow, end, tried):
    made = follow()
    tried(made, A)
    end(error={"message": "of the commit"})
    with database.write() as db:
        asking.note_not_found(db, made.source.id, {"message": "of the host"})
    source = _source(database, made)
    assert (source.fetch_error, source.commit_error) == (
        {"message": "of the host"},
        {"message": "of the commit"},
    )
    with database.write() as db:
        asking.note_head(db, made.source.id, A, clock.now())
    source = _source(database, made)
    assert (source.fetch_error, source.commit_error) == (None, {"message": "of the commit"})


def test_a_failure_to_fetch_is_a_deed_once(database, clock, people, follow, end):
    made = follow()
    for text in ("away", "away", "gone"):
        end(error={"message": text})
        with database.write() as db:
            asking.begin_by_itself(db, queries.get_source(db, made.source.id), Trigger.POLL, clock.now())
    with database.read() as db:
        notes = [one.note for one in deeds.list_after(db, 0, 100) if one.action == "source.failed"]
        app = apps.get_visible(db, people.ada, "sales")
    assert notes == ["away", "gone"]
    assert app.state == "stopped"


@pytest.mark.parametrize(
    ("push", "text"),
    [
        (Push("ping"), "It arrives."),
        (Push("other"), "Nothing to do: this is no push to a branch."),
        (Push("push", "dev"), "Nothing to do: the app follows main."),
        (Push("push", "v1", is_branch=False), "Nothing to do: this is no push to a branch."),
        (Push("push", "main", is_removed=True), "Nothing to do: the branch was removed."),
        (Push("push", "main", commit=A), "Nothing to do: this commit was tried already."),
        (Push("push", "main", commit=B), "It is fetched now."),
        (Push("push"), "It is fetched now."),
    ],
)
def test_what_a_push_leads_to(database, clock, follow, end, tried, push, text):
    made = follow()
    tried(made, A)
    end()
    with database.write() as db:
        heard = asking.hear(db, made.source.id, push, clock.now())
    assert (heard.text, bool(heard.operation_id)) == (text, text == "It is fetched now.")


def test_the_branch_that_a_repository_shows_first_is_the_hosts_to_name(database, clock, follow, end):
    made = follow(branch="")
    end()
    with database.write() as db:
        heard = asking.hear(db, made.source.id, Push("push", "dev", default_branch="main"), clock.now())
        assert heard.text == "Nothing to do: the app follows main."


def test_signatures_are_checked_by_the_sealed_secret(database, people, clock, follow, sealer):
    made = follow()
    with database.read() as db:
        sources.check_signature(db, sealer, made.source.id, {"x-gitlab-token": made.secret}, b"")
        with pytest.raises(HookRefused):
            sources.check_signature(db, sealer, made.source.id, {"x-gitlab-token": "x"}, b"")
        with pytest.raises(SourceNotFound):
            sources.check_signature(db, sealer, "src_none", {}, b"")
    with database.write() as db:
        source = queries.get_source(db, made.source.id)
        source.sealed = sealer.seal("other", "source src_other")
        with pytest.raises(CannotOpen):
            sources.check_signature(db, sealer, made.source.id, {}, b"")


def test_who_may_not_publish_any_more_begins_nothing(database, people, clock, follow, end):
    made = follow()
    end()
    with database.write() as db:
        people_of.disable(db, people.admin, "ada", None, clock.now())
    with database.write() as db:
        source = queries.get_source(db, made.source.id)
        with pytest.raises(FollowerGone):
            asking.begin_by_itself(db, source, Trigger.PUSH, clock.now())
        assert asking.note_head(db, made.source.id, B, clock.now()) is None
        assert source.fetch_error["code"] == "follower_gone"
    with database.write() as db:
        sources.change_source(db, people.admin, "sales", Wish(is_paused=False), None, clock.now())
        assert queries.get_source(db, made.source.id).account_id == people.admin.account_id


def test_paused_begins_nothing_and_forgets_what_waited_by_itself(database, people, clock, follow, end):
    made = follow()
    with database.write() as db:
        asking.begin_by_itself(db, queries.get_source(db, made.source.id), Trigger.PUSH, clock.now())
        sources.change_source(db, people.ada, "sales", Wish(is_paused=True), None, clock.now())
    end()
    with database.write() as db:
        assert asking.begin_waiting(db, clock.now()) == []
        assert not asking.has_waiting(db)
        assert queries.list_polled(db) == []


def test_a_credential_is_an_apps_own_before_the_hosts(database, people, clock, follow, sealer):
    made = follow(login=Login("app", "of the app"))
    with database.write() as db:
        credentials.set_for_host(
            db, sealer, people.admin, "git.example.org", "host", "of the host", clock.now()
        )
        credentials.set_for_host(
            db, sealer, people.admin, "http://git.example.org", "clear", "of http", clock.now()
        )
    with database.read() as db:
        assert credentials.find_secret(db, sealer, made.source).value == "of the app"
        assert [one.origin for one in credentials.list_of_hosts(db, people.admin)] == [
            "http://git.example.org",
            "https://git.example.org",
        ]
    with database.write() as db:
        credentials.remove_of_app(db, people.ada, "sales", clock.now())
    with database.read() as db:
        found = credentials.find_secret(db, sealer, made.source)
    assert (found.username, found.value) == ("host", "of the host")
    assert "of the host" not in repr(found)
    with database.write() as db, pytest.raises(CredentialNotFound):
        credentials.remove_of_app(db, people.ada, "sales", clock.now())


def test_a_credential_that_takes_the_place_of_another_is_another(database, people, clock, follow, sealer):
    """Mirrors are of a credential: what the former opened is nothing to the next."""
    made = follow(login=Login("app", "one"))
    with database.read() as db:
        before = credentials.find_secret(db, sealer, made.source)
    follow(login=Login("app", "two"))
    with database.read() as db:
        after = credentials.find_secret(db, sealer, made.source)
    assert (before.value, after.value, before.id == after.id) == ("one", "two", False)


def test_a_folder_takes_no_credential(database, people, clock, sealer):
    wish = Wish("/srv/git/a.git", login=Login("a", "b"))
    with database.write() as db, pytest.raises(CredentialInvalid):
        sources.set_source(db, sealer, people.ada, "sales", wish, {}, ["/srv/git"], clock.now())


def test_what_an_app_follows_goes_with_it(database, people, clock, follow, end, tried):
    made = follow(login=Login("app", "one"))
    tried(made, A)
    end()
    with database.write() as db:
        apps.remove_app(db, made.source.app_id)
    with database.read() as db:
        assert queries.find_source(db, made.source.id) is None
        assert queries.list_of_app(db, made.source.app_id) == []
        assert queries.list_commits(db, made.source.app_id, None, 10) == []


def test_history_is_kept_when_nothing_is_followed_any_more(database, people, clock, follow, end, tried):
    made = follow()
    tried(made, A)
    operation = end()
    with database.write() as db:
        commits.end_commit(db, operation, CommitState.RELEASED, release=1)
        sources.remove_source(db, people.ada, "sales", clock.now())
    with database.read() as db:
        (row,) = commits.list_commits(db, people.ada, "sales", "", 10).items
        assert (row.commit, row.state, row.release) == (A, "released", 1)
        with pytest.raises(SourceNotFound):
            sources.get_followed(db, people.ada, "sales")


def test_an_app_that_was_published_by_hand_can_follow_from_then_on(database, people, clock, follow, tried):
    add_live_app(database, people.ada, "sales", clock.now())
    made = follow()
    assert tried(made, A)
    with database.read() as db:
        followed = sources.get_followed(db, people.ada, "sales")
    assert (followed.serving, followed.account) == (None, "ada")


def test_a_token_for_another_app_changes_nothing(database, people, clock, follow):
    made = follow()
    other, _ = add_live_app(database, people.ada, "other", clock.now())
    narrow = replace(people.ada, object_id=other.id)
    with database.write() as db, pytest.raises(AppNotFound):
        sources.update(db, narrow, "sales", "", clock.now())
    assert _source(database, made).waiting is None
