"""A path of an app's own and the visits of it, from outside: through the carrier, the door and the app itself."""

import pytest

from tholos.testing.trial import Trial, eventually, wsgi

NAVIGATION = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture(scope="module")
def sales(trial: Trial) -> Trial:
    trial.publish("sales", wsgi("totals"))
    return trial


def test_a_browser_that_goes_to_a_path_comes_to_the_app(sales):
    server = sales.server

    def location():
        answer = server.ask("GET", "/team/report/a?b=c", headers=NAVIGATION, token="")
        return answer.headers.get("location", "") if answer.status == 307 else ""

    assert "sales" not in location()
    server.api("PUT", "/api/v1/apps/sales/path", {"path": "team/report"})
    eventually(lambda: location() == f"http://sales.localhost:{server.port}/a?b=c")
    server.api("DELETE", "/api/v1/apps/sales/path")
    eventually(lambda: "sales" not in location())


def test_visits_of_an_app_are_counted_and_nothing_else_is(sales):
    for options in ({"headers": {**NAVIGATION, "User-Agent": FIREFOX}}, {"headers": {"Accept": "image/png"}}):
        assert sales.get("sales", "/totals?month=3", **options).status == 200

    def visits():
        return sales.server.api("GET", "/api/v1/apps/sales/usage/visits")["items"]

    eventually(lambda: bool(visits()))
    (visit,) = visits()
    told = (visit["app"], visit["release"], visit["account"], visit["path"], visit["agent"])
    assert told == ("sales", 1, "admin", "/totals", "Firefox on Linux")
    assert sales.server.api("GET", "/api/v1/usage")["items"][0]["visits"] == 1
