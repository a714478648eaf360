"""Apps of which everybody has an instance of their own."""

import pytest

from tholos.testing.trial import Trial, eventually, wsgi
from tholos.testing.visitors import Browser

WAYS = ("door", "gateway")
IS_SHARED = True

STARTED = "import os, uuid; started = uuid.uuid4().hex"


def app() -> dict[str, str]:
    """Tells which of its instances answers, and ends that at ``/end``."""
    files = {name: str(text) for name, text in wsgi("", before=STARTED).items()}
    body = """
    if environ["PATH_INFO"] == "/end":
        os._exit(1)
    return [started.encode()]"""
    return {**files, "app.py": files["app.py"].replace("\n    return [b'']", body)}


def listed(trial: Trial, ada: Browser, audience: str) -> None:
    trial.server.api("PATCH", "/api/v1/apps/own/access", {"audience": audience}, token=ada.token())


def live(trial: Trial, ada: Browser, **said: object) -> None:
    trial.server.api("PUT", "/api/v1/apps/own/life", {"personal": True, **said}, token=ada.token())


def whose(trial: Trial) -> list[str]:
    """Of its instances that answer; empty for one that waits for whoever comes."""
    return sorted(str(one["whose"]) for one in trial.instances("own") if one["state"] == "ready")


def started(browser: Browser) -> str:
    got = browser.go("own", "/")
    assert got.status == 200, got.body
    return got.body.decode()


@pytest.fixture
def own(trial: Trial, ada: Browser, bea: Browser) -> Trial:
    """Has an app of Ada's that everybody may open, anew: nobody has an instance of it."""
    del bea  # is there
    token = ada.token()
    if trial.server.ask("GET", "/api/v1/apps/own", token=token).status == 404:
        trial.publish("own", app(), token=token)
        listed(trial, ada, "signed_in")
    live(trial, ada, personal=False)
    eventually(lambda: whose(trial) == [""] and len(trial.instances("own")) == 1)
    live(trial, ada)
    return trial


def test_everybody_has_their_own_and_one_waits_for_whoever_comes(
    own: Trial, ada: Browser, bea: Browser
) -> None:
    trial = own
    first = started(ada)
    assert started(bea) != first
    assert started(ada) == first, "it stays theirs"
    by_token = trial.get("own", token=ada.token())
    assert by_token.text == first, "whatever they come with"
    eventually(lambda: whose(trial) == ["", "ada", "bea"])


def test_who_is_not_signed_in_shares_one(own: Trial, ada: Browser) -> None:
    trial = own
    mine = started(ada)
    listed(trial, ada, "everyone")
    try:
        eventually(lambda: Browser(trial).ask("GET", "own", "/").status == 200)
        assert started(Browser(trial)) == started(Browser(trial)) != mine
        assert whose(trial)[-2:] == ["ada", "visitors"]
        assert started(ada) == mine
    finally:
        listed(trial, ada, "signed_in")


def test_it_is_theirs_again_once_it_crashed_or_the_server_began_anew(
    own: Trial, ada: Browser, bea: Browser
) -> None:
    trial = own
    before, others = started(ada), started(bea)
    ada.go("own", "/end")
    eventually(lambda: whose(trial) == ["", "ada", "bea"])
    after = started(ada)
    assert after not in {before, others}
    assert started(bea) == others
    trial.server.restart()
    assert (started(ada), started(bea)) == (after, others)


def test_no_more_run_than_may(own: Trial, ada: Browser, bea: Browser) -> None:
    trial = own
    live(trial, ada, max_instances=1)
    mine = started(ada)
    refused = bea.go("own", "/")
    assert refused.status == 503
    assert b"all of the 1 instances that may run are somebody" in refused.body
    assert started(ada) == mine
    eventually(lambda: whose(trial) == ["ada"])
    live(trial, ada, max_instances=2)
    assert started(bea) != mine


def test_who_comes_when_the_owners_quota_is_reached_is_told_and_the_app_serves(
    own: Trial, ada: Browser, bea: Browser
) -> None:
    trial = own
    quota = "/api/v1/accounts/ada/quota"
    mine = started(ada)
    eventually(lambda: whose(trial) == ["", "ada"])
    trial.server.api("PUT", quota, {"instances": 1})
    try:
        live(trial, ada, personal=False)
        eventually(lambda: whose(trial) in ([""], ["ada"]) and len(trial.instances("own")) == 1)
        live(trial, ada)
        mine = started(ada)
        eventually(lambda: whose(trial) == ["ada"])
        refused = bea.go("own", "/")
        assert refused.status == 503
        assert b"its owner&#39;s apps may not take more" in refused.body
        assert (trial.state("own"), started(ada)) == ("serving", mine)
    finally:
        trial.server.api("PUT", quota, {"instances": 0})
    assert started(bea) != mine


def test_what_nobody_uses_ends_and_all_of_it_sleeps(own: Trial, ada: Browser, bea: Browser) -> None:
    trial = own
    mine = started(ada)
    with ada.stream("own", "/") as stream:
        stream.recv(65536)
    started(bea)
    live(trial, ada, idle_timeout_s=1)
    eventually(lambda: trial.state("own") == "asleep" and not trial.instances("own"))
    assert started(ada) != mine, "it wakes"


def test_a_new_release_is_everybodys_anew(own: Trial, ada: Browser, bea: Browser) -> None:
    trial = own
    before = {started(ada), started(bea)}
    trial.publish("own", {**app(), "more.txt": "x"}, token=ada.token())
    now = [started(ada), started(bea)]
    assert len({*now, *before}) == 4
    eventually(lambda: whose(trial) == ["", "ada", "bea"])


def test_shared_again_it_has_one_instance(own: Trial, ada: Browser, bea: Browser) -> None:
    trial = own
    started(ada)
    eventually(lambda: whose(trial) == ["", "ada"])
    live(trial, ada, personal=False)
    eventually(lambda: whose(trial) == [""] and len(trial.instances("own")) == 1)
    assert started(ada) == started(bea)
