import json
from dataclasses import replace

import pytest

from tholos.gateway.fleet import Fleet, Lane, Stream, Unfit, stream_name
from tholos.gateway.render import render_listeners
from tholos.gateway.render_streams import inside, read_streams

STREAM = Stream("app_1", "ses_ada", "ins_1", "/run/ins_1.sock")
BEFORE = replace(STREAM, instance="ins_2", socket="/run/ins_2.sock")
LANE = Lane("app.localhost:8080", "app_1", 3, "ins_1", "/run/ins_1.sock", "app_1", 2)


def leads_to(fleet):
    (stream,) = fleet.latest_streams().values()
    return inside(stream)["envoy_internal_address"]["server_listener_name"]


def test_what_is_written_can_be_read_again():
    text, _ = render_listeners(Fleet((LANE,), streams=(STREAM, BEFORE)))
    assert read_streams(text) == (STREAM, BEFORE)
    names = [one["name"] for one in json.loads(text)["resources"]]
    assert names == [STREAM.listener, BEFORE.listener]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"resources": [{}]}', '{"resources": [{"metadata": 1}]}'])
def test_what_was_not_written_by_us_says_nothing(text):
    assert read_streams(text) == ()


def test_a_session_is_led_to_what_is_live():
    assert leads_to(Fleet((LANE,), streams=(STREAM, BEFORE))) == STREAM.listener
    assert leads_to(Fleet((LANE,), streams=(BEFORE, STREAM))) == STREAM.listener
    assert leads_to(Fleet((), streams=(BEFORE,))) == BEFORE.listener


def test_names_tell_places_and_sessions_apart():
    assert (
        stream_name("app_1", "ses_ada") != stream_name("app_1", "ses_bea") != stream_name("app_2", "ses_ada")
    )


@pytest.mark.parametrize("wrong", [{"place": "a b"}, {"session": ""}, {"instance": "/"}, {"socket": "x"}])
def test_what_does_not_fit_stands_in_no_file(wrong):
    with pytest.raises(Unfit):
        replace(STREAM, **wrong)
