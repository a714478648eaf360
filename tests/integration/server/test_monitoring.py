"""What watches an installation: its health without a sign-in, its figures for those who may see them."""

import asyncio

import pytest

from tholos.accounts.routes import Measuring
from tholos.console.health import Health
from tholos.console.metrics import FAMILIES


async def _well():
    return


async def _broken():
    msg = "secret reason"
    raise OSError(msg)


def _put(console, part):
    console.application.state.services.add(part)


async def test_a_server_that_answers_is_alive(console):
    answer = await console.nobody.get("/health/live")
    assert (answer.status, answer.json) == (200, {"status": "ok"})


async def test_a_server_is_ready_when_each_part_is_well(console):
    _put(console, Health({"database": _well, "store": _well}))
    answer = await console.nobody.get("/health/ready")
    assert (answer.status, answer.json) == (
        200,
        {"status": "ok", "parts": {"database": "ok", "store": "ok"}},
    )


async def test_what_fails_is_named_and_why_is_not(console):
    _put(console, Health({"database": _well, "store": _broken}))
    answer = await console.nobody.get("/health/ready")
    assert (answer.status, answer.json["status"]) == (503, "failing")
    assert answer.json["parts"] == {"database": "ok", "store": "failing"}
    assert "secret" not in answer.text


async def test_a_part_that_does_not_answer_is_failing(console, monkeypatch):
    monkeypatch.setattr("tholos.console.health.WITHIN_S", 0.01)
    _put(console, Health({"supervisor": asyncio.Event().wait}))
    assert (await console.nobody.get("/health/ready")).status == 503


async def test_administrators_read_every_figure(console_on_both):
    console = console_on_both
    console.add_app("ada", "sales")
    answer = await console.by_token("admin").get("/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    named = [line.split()[2] for line in answer.text.splitlines() if line.startswith("# TYPE")]
    assert named == [one.name for one in FAMILIES]
    assert "tholos_apps 1\n" in answer.text
    assert "ada" not in answer.text


@pytest.mark.parametrize("name", ["ada", "vic"])
async def test_others_do_not(console, name):
    assert (await console.by_token(name).get("/metrics")).status == 403


async def test_a_program_reads_them_by_the_token_that_is_set_for_it(console):
    _put(console, Measuring("s3cret"))
    assert (await console.nobody.with_headers(authorization="Bearer s3cret").get("/metrics")).status == 200
    for sent in ("Bearer other", "Bearer ", "s3cret"):
        assert (await console.nobody.with_headers(authorization=sent).get("/metrics")).status == 401


async def test_no_token_is_no_empty_token(console):
    assert (await console.nobody.with_headers(authorization="Bearer ").get("/metrics")).status == 401
