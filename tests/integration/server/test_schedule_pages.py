"""Schedules by the API and on pages without scripts: set, told, paused, resumed, removed, and refused at the field that is wrong."""

import html
import json
import re
from datetime import timedelta

import pytest

from tholos.apps import service as apps
from tholos.operations import service as operations
from tholos.schedules import queries
from tholos.schedules import service as schedules
from tholos.testing.rows import new_release

PAGE = "/apps/sales/schedule"
API = "/api/v1/apps/sales/schedule"


@pytest.fixture
def ada(console):
    return console.by_session("ada")


@pytest.fixture
def app(console):
    return console.add_app("ada", "sales")[0]


async def schedule_of(console, status=200):
    answer = await console.by_token("ada").get(API)
    assert answer.status == status, answer.text
    return answer.json


async def send(console, method, body, who="ada", **headers):
    asgi = console.by_token(who)
    asgi = asgi.with_headers(**headers) if headers else asgi
    return await asgi.send(method, API, json.dumps(body).encode())


def told(answer, field):
    """The error at a field."""
    found = re.search(rf'id="error-{field}">(?:<i[^>]*></i>)?([^<]*)<', answer.text)
    return html.unescape(found[1]) if found else ""


def held(text, name):
    """What a field of the page holds."""
    if chosen := re.search(rf'<select[^>]*name="{name}".*?</select>', text, re.DOTALL):
        return re.search(r'value="([^"]*)" selected', chosen[0])[1]
    found = re.findall(rf'<input[^>]*name="{name}"[^>]*>', text)
    if 'type="checkbox"' in found[0]:
        return [re.search(r'value="([^"]*)"', one)[1] for one in found if " checked" in one]
    value = re.search(r'value="([^"]*)"', found[0])
    return html.unescape(value[1]) if value else ""


def words(answer):
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.text)))


def run(console, span):
    """Let time pass and begin what is due; what was begun has ended well."""
    now = console.clock.move(span)
    with console.database.write() as db:
        (due,) = schedules.list_due(db, now)
        begun = schedules.begin_due(db, due, now)
        if begun is not None:
            operations.claim(db, begun.id, "test", now)
            operations.finish(db, begun.id, {}, now)
    return begun


class TestApi:
    async def test_set_and_told(self, console, app):
        answer = await send(
            console,
            "PUT",
            {"kind": "dayofweek", "days": [4, 1], "time": "07:00", "timezone": "Europe/Vienna"},
        )
        assert answer.status == 200, answer.text
        found = answer.json
        assert (found["kind"], found["days"], found["words"]) == (
            "dayofweek",
            [1, 4],
            "Monday and Thursday at 07:00",
        )
        # The clock of these tests stands at noon of Sunday, 1 March 2026.
        assert found["next"] == [
            "2026-03-02T06:00:00.000Z",
            "2026-03-05T06:00:00.000Z",
            "2026-03-09T06:00:00.000Z",
        ]
        assert (found["account"], found["last"], found["skipped"], found["error"]) == (
            "ada",
            None,
            None,
            None,
        )
        assert await schedule_of(console) == found
        begun = run(console, timedelta(days=1))
        found = await schedule_of(console)
        assert (found["last"]["id"], found["last"]["state"], found["last"]["kind"]) == (
            begun.id,
            "done",
            "restart",
        )
        assert found["last_at"] == "2026-03-02T06:00:00.000Z"

    async def test_of_two_who_edit_the_second_is_told(self, console, app):
        first = await send(console, "PUT", {"kind": "hour"})
        tag = first.headers["etag"]
        assert (await send(console, "PATCH", {"paused": True}, **{"if-match": tag})).status == 200
        late = await send(console, "PUT", {"kind": "day"}, **{"if-match": tag})
        assert (late.status, late.json["error"]["code"]) == (412, "edited_meanwhile")
        assert (await schedule_of(console))["paused"] is True

    @pytest.mark.parametrize(
        ("body", "code", "where"),
        [
            ({"kind": "day", "timezone": "Europe/Wien"}, "time_zone_unknown", "timezone"),
            ({"kind": "day", "n": 0}, "recurrence_invalid", "n"),
            ({"kind": "dayofweek"}, "recurrence_invalid", "days"),
            ({"kind": "dayofmonth", "day": 32}, "recurrence_invalid", "day"),
            ({"kind": "day", "start": "0001-01-01T00:00:00Z"}, "recurrence_invalid", "start"),
            ({"kind": "day", "start": "9999-12-31T23:59:59-14:00"}, "recurrence_invalid", "start"),
        ],
    )
    async def test_what_is_wrong_is_named(self, console, app, body, code, where):
        answer = await send(console, "PUT", body)
        assert answer.status == 400
        error = answer.json["error"]
        assert (error["code"], error["where"]) == (code, where)
        await schedule_of(console, 404)

    async def test_a_word_that_is_no_kind(self, console, app):
        assert (await send(console, "PUT", {"kind": "moonly"})).status == 400

    async def test_a_site_of_files_is_refused(self, console, app):
        make_static(console, app)
        answer = await send(console, "PUT", {"kind": "day"})
        assert (answer.status, answer.json["error"]["code"]) == (409, "nothing_to_start")
        assert answer.json["error"]["fix"]

    async def test_removed(self, console, app):
        await send(console, "PUT", {"kind": "day"})
        assert (await console.by_token("ada").ask("DELETE", API)).status == 204
        await schedule_of(console, 404)
        assert (await console.by_token("ada").ask("DELETE", API)).status == 404


def make_static(console, app):
    with console.database.write() as db:
        now = console.clock.now()
        release = apps.create_release(db, console.people.ada, app, new_release("b" * 64, kind="static"), now)
        apps.switch(db, release.id, now)


class TestPages:
    async def test_set_by_the_form(self, console, ada, app):
        page = await ada.get(PAGE)
        assert "It is not started by itself" in page.text
        assert (held(page.text, "kind"), held(page.text, "n"), held(page.text, "time")) == (
            "day",
            "1",
            "07:00",
        )
        fields = {
            "kind": "dayofweek",
            "days": ["1", "4"],
            "time": "06:30",
            "timezone": " Europe/Vienna ",
            "n": "1",
        }
        answer = await ada.form(PAGE, fields)
        assert (answer.status, answer.headers["location"]) == (303, PAGE)
        found = await schedule_of(console)
        assert (found["words"], found["timezone"]) == ("Monday and Thursday at 06:30", "Europe/Vienna")
        page = await ada.get(PAGE)
        assert "sales is started again Monday and Thursday at 06:30" in words(page)
        assert "Mon 2 Mar 2026, 06:30" in words(page)
        assert (held(page.text, "kind"), held(page.text, "days"), held(page.text, "time")) == (
            "dayofweek",
            ["1", "4"],
            "06:30",
        )
        assert "Monday and Thursday at 06:30" in words(await ada.get("/apps/sales/settings"))
        assert "Schedule : Monday and Thursday at 06:30, next " in words(await ada.get("/apps/sales"))

    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            ({"kind": "minute", "n": "15", "time": ""}, "every 15 minutes"),
            ({"kind": "hour", "n": "2", "time": "07:00"}, "every 2 hours"),
            ({"kind": "week", "n": "2", "start": "2026-03-04"}, "every 2 weeks on Wednesday at 07:00"),
            ({"kind": "weekday"}, "Monday to Friday at 07:00"),
            ({"kind": "dayofmonth", "day": "31", "n": ""}, "the 31st of every month at 07:00"),
            (
                {"kind": "dayweekofmonth", "week": "5", "weekday": "0"},
                "the last Sunday of every month at 07:00",
            ),
            ({"kind": "semimonth"}, "the 1st and the 15th of every month at 07:00"),
            ({"kind": "semimonth-last"}, "the 14th and the last day of every month at 07:00"),
            ({"kind": "year", "start": "2026-12-24"}, "every year on 24 December at 07:00"),
        ],
    )
    async def test_each_choice_of_the_form(self, console, ada, app, fields, expected):
        answer = await ada.form(PAGE, {"n": "1", "time": "07:00", "timezone": "", **fields})
        assert answer.status == 303, answer.text
        found = await schedule_of(console)
        assert (found["words"], found["timezone"]) == (expected, "UTC")
        page = await ada.get(PAGE)
        assert held(page.text, "kind") == fields["kind"]
        again = {
            name: held(page.text, name)
            for name in ("kind", "n", "day", "week", "weekday", "time", "start", "timezone")
        }
        assert (await ada.form(PAGE, again)).status == 303
        assert {**(await schedule_of(console)), "version": 0} == {**found, "version": 0}

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"n": "often"}, "n"),
            ({"n": "0"}, "n"),
            ({"time": "noon"}, "time"),
            ({"timezone": "Europe/Wien"}, "timezone"),
            ({"start": "tomorrow"}, "start"),
            ({"kind": "dayofweek", "days": []}, "days"),
            ({"kind": "dayofmonth", "day": "40"}, "day"),
        ],
    )
    async def test_what_is_wrong_is_told_at_its_field(self, console, ada, app, wrong, field):
        fields = {
            "kind": "day",
            "n": "3",
            "time": "08:15",
            "timezone": "Asia/Tokyo",
            "start": "2026-03-04",
            **wrong,
        }
        answer = await ada.form(PAGE, fields)
        assert answer.status == 400
        assert told(answer, field)
        assert "tholos " not in told(answer, field)
        for name in ("kind", "n", "time", "timezone", "start"):
            assert held(answer.text, name) == fields[name]
        await schedule_of(console, 404)

    async def test_no_choice(self, ada, app):
        answer = await ada.form(PAGE, {"kind": "moonly"})
        assert (answer.status, "Cannot tell how often that is" in answer.text) == (400, True)

    async def test_paused_resumed_and_removed(self, console, ada, app):
        await ada.form(PAGE, {"kind": "hour", "n": "1"})
        assert (await ada.form(f"{PAGE}/pause", {})).status == 303
        page = await ada.get(PAGE)
        assert "paused · sales was started again every hour" in words(page)
        assert (await schedule_of(console))["next"] == []
        assert "every hour, paused" in words(await ada.get("/apps/sales"))
        assert (await ada.form(f"{PAGE}/resume", {})).status == 303
        assert len((await schedule_of(console))["next"]) == 3
        assert (await ada.form(f"{PAGE}/remove", {})).status == 303
        assert "It is not started by itself" in (await ada.get(PAGE)).text

    async def test_what_became_of_the_last_time(self, console, ada, app):
        await ada.form(PAGE, {"kind": "hour", "n": "1", "time": ""})
        begun = run(console, timedelta(hours=1))
        page = await ada.get(PAGE)
        assert f"/operations/{begun.id}" in page.text
        assert "Last time done" in words(page)

    async def test_why_it_was_stopped(self, console, ada, app):
        await ada.form(PAGE, {"kind": "hour", "n": "1", "time": ""})
        with console.database.write() as db:
            queries.find_of_app(db, app.id).account_id = console.people.bob.account_id
        assert run(console, timedelta(hours=1)) is None
        page = words(await ada.get(PAGE))
        assert "bob, who set it, may not publish to it any more" in page
        assert "Go on by my right" in page
        assert "tholos" not in page.partition("What to do")[2].partition("Last time")[0]
        await ada.form(f"{PAGE}/resume", {})
        assert (await schedule_of(console))["account"] == "ada"

    async def test_a_site_of_files_has_no_form(self, console, ada, app):
        make_static(console, app)
        page = await ada.get(PAGE)
        assert "A site of files has nothing to start" in page.text
        assert 'name="kind"' not in page.text
        assert (await ada.form(PAGE, {"kind": "day", "time": "07:00"})).status == 409

    async def test_somebody_else_changed_it_meanwhile(self, console, ada, app):
        await ada.form(PAGE, {"kind": "hour", "n": "1"})
        await ada.form(f"{PAGE}/pause", {})
        late = await ada.form(PAGE, {"kind": "day", "time": "07:00", "version": "1"})
        assert (late.status, "somebody else changed it" in late.text) == (409, True)

    async def test_others_see_nothing_of_it(self, console, ada, app):
        await ada.form(PAGE, {"kind": "hour", "n": "1"})
        bob = console.by_session("bob")
        assert (await bob.get(PAGE)).status == 404
        assert (await bob.form(PAGE, {"kind": "moonly"})).status == 404
