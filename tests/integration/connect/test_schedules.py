"""Content that is rendered again by a schedule, by posit-sdk: each of its types, and a notebook that really is."""

from __future__ import annotations

import textwrap

from tests.integration.connect.conftest import SDK

BEGIN = (
    SDK
    + """
import warnings
from datetime import datetime, timedelta, timezone

warnings.simplefilter("ignore", FutureWarning)

NOTEBOOK = {
    "cells": [{
        "cell_type": "code", "id": "c0", "metadata": {}, "outputs": [], "execution_count": None,
        "source": "import time\\nprint('rendered at', time.time_ns())",
    }],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    "nbformat": 4, "nbformat_minor": 5,
}

def deployed(name, made):
    content = client.content.create(name=name)
    task = content.bundles.create(made).deploy()
    task.wait_for()
    assert task["code"] == 0, task
    return client.content.get(content["guid"])

def notebook(name):
    python = {"version": "3.11.0", "package_manager": {"name": "pip", "package_file": "requirements.txt"}}
    files = {"told.ipynb": json.dumps(NOTEBOOK), "requirements.txt": "ipykernel\\nnbconvert\\n"}
    return deployed(name, bundle(files, metadata={"appmode": "jupyter-static", "entrypoint": "told.ipynb"}, python=python))
"""
)


def run(clients, code: str) -> str:
    return clients.python(BEGIN + textwrap.dedent(code)).out


def test_each_type_of_schedule(clients):
    run(
        clients,
        """
        content = notebook("sdk-scheduled")
        assert content.schedule.find_one() is None
        content.schedule.delete()
        start = datetime(2026, 1, 5, 7, 0, tzinfo=timezone.utc)
        made = content.schedule.create(type="minute", n=30)
        assert set(made) == {
            "id", "app_id", "variant_id", "type", "schedule", "start_time", "timezone", "email", "activate", "next_run",
        }
        assert (made["email"], made["activate"], made["timezone"]) == (False, True, "UTC")
        assert made["variant_id"] == content.schedule.variant_id
        assert abs(datetime.fromisoformat(made["next_run"]) - datetime.now(timezone.utc)) <= timedelta(minutes=31)
        types = [
            ({"type": "hour", "n": 2}, {"N": 2}),
            ({"type": "day", "n": 3}, {"N": 3}),
            ({"type": "weekday"}, {}),
            ({"type": "week", "n": 2}, {"N": 2}),
            ({"type": "dayofweek", "days": ["monday", "wednesday", 0]}, {"Days": [0, 1, 3]}),
            ({"type": "semimonth"}, {"First": True}),
            ({"type": "semimonth", "first": False}, {"First": False}),
            ({"type": "dayofmonth", "n": 3, "day": 31}, {"N": 3, "Day": 31}),
            ({"type": "dayweekofmonth", "n": 1, "day": 1, "week": 4}, {"N": 1, "Day": 1, "Week": 4}),
            ({"type": "year", "n": 2}, {"N": 2}),
        ]
        for said, rule in types:
            other = content.schedule.create(**said, start_time=start, timezone="Europe/Vienna", email=True)
            found = content.schedule.find_one()
            assert dict(found) == dict(other)
            assert (found["id"], found["type"], found.rule) == (made["id"], said["type"], rule)
            assert (found["start_time"], found["timezone"]) == ("2026-01-05T07:00:00Z", "Europe/Vienna")
            assert (found["email"], found["activate"]) == (False, True)
            assert found["next_run"] > "2026"
        kept = content.schedule.create(type="day", n=1)
        assert (kept["start_time"], kept["timezone"]) == ("2026-01-05T07:00:00Z", "Europe/Vienna")
        local = datetime.fromisoformat(kept["next_run"])
        assert (local.hour, local.minute) in {(6, 0), (7, 0)}

        refused(121, content.schedule.create, type="day", n=1, timezone="Europe/Wien")
        refused(121, content.schedule.create, type="day", n=1, start_time="tomorrow")
        refused(121, content.schedule.create, type="day", n=5000)
        body = {**kept, "schedule": "[1]"}
        refused(121, client.post, f"schedules/{kept['id']}", json=body)
        refused(121, client.post, f"schedules/{kept['id']}", json={**kept, "type": "moonly"})
        refused(106, client.post, "schedules", json=dict(kept))
        refused(4, client.post, "schedules/1", json=dict(kept))
        assert dict(content.schedule.find_one()) == dict(kept)

        found.destroy()
        assert content.schedule.find_one() is None
        refused(4, client.delete, f"schedules/{kept['id']}")
        """,
    )


def test_time_zones(clients):
    run(
        clients,
        """
        zones = {one["timezone"]: one["offset"] for one in client.get("v1/timezones").json()}
        assert zones["UTC"] == "+00:00"
        assert zones["Asia/Kolkata"] == "+05:30"
        assert zones["America/New_York"] in {"-05:00", "-04:00"}
        """,
    )


def test_what_cannot_be_scheduled(clients):
    run(
        clients,
        """
        content = deployed("sdk-site", bundle({"index.html": "<h1>Hello</h1>"}, metadata={"appmode": "static"}))
        try:
            content.schedule.create(type="minute", n=30)
        except (ValueError, ClientError) as error:
            assert "static" in str(error) or "nothing to start" in str(error), error
        else:
            raise AssertionError("it was not refused")
        variant = client.get(f"applications/{content['guid']}/variants").json()[0]["id"]
        body = {"type": "minute", "schedule": '{"N": 30}', "variant_id": variant, "app_id": variant}
        error = refused(106, client.post, "schedules", json=body)
        assert "nothing to start" in error.error_message
        """,
    )


def test_who_does_not_edit_content_does_not_schedule_it(clients, server):
    run(clients, "notebook('sdk-not-yours').schedule.create(type='hour', n=1)")
    stranger = clients.of(server.new_account("sched-mallory"))
    number = clients.python(
        BEGIN + "print(client.content.find_one(name='sdk-not-yours').schedule.find_one()['id'])"
    ).out.strip()
    run(
        stranger,
        f"""
        refused(4, client.delete, "schedules/{number}")
        refused(4, client.post, "schedules/{number}", json={{"type": "hour", "schedule": '{{"N": 1}}'}})
        """,
    )


def test_a_notebook_is_rendered_again_by_its_schedule(clients):
    run(
        clients,
        """
        import re
        content = notebook("sdk-rendered")

        def rendered():
            page = client.session.get(content["content_url"]).text
            return int(re.search(r"rendered at (\\d+)", page)[1])

        first = rendered()
        start = datetime.now(timezone.utc) + timedelta(seconds=2)
        made = content.schedule.create(type="minute", n=30, start_time=start)
        assert made["next_run"] == made["start_time"]
        due = datetime.fromisoformat(made["start_time"]).timestamp() * 1e9
        for _ in range(600):
            second = rendered()
            if second != first:
                break
            time.sleep(0.1)
        assert second > due > first
        assert content.schedule.find_one()["next_run"] > made["next_run"]
        assert content.bundles.find_one()["active"]
        """,
    )
