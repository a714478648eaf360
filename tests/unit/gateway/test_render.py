import json
import re
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tholos.gateway.cookies import without_cookies
from tholos.gateway.fleet import Cookies, Fleet, Front, Lane, Unfit, Way
from tholos.gateway.render import (
    cookie_pattern,
    render_bootstrap,
    render_clusters,
    render_routes,
)
from tholos.testing.proxy_files import read

COOKIES = Cookies("tholos_pass", "tholos_handle", "tholos_txn")
FRONT = Front(
    "127.0.0.1",
    8080,
    "/run/door.sock",
    "/run/proxy.sock",
    "/data/proxy",
    "{}",
    "tholos",
    COOKIES,
    False,
)
LANE = Lane("app.localhost:8080", "app_1", 3, "ins_1", "/run/ins_1.sock", "app_1", 2)


def routes(lane, generations=("now",)):
    (table,) = read(render_routes(FRONT, Fleet((lane,), generations=generations))[0])["resources"]
    host, other = table["virtual_hosts"]
    assert other["domains"] == ["*"]
    return host["routes"]


def claims(route):
    return {one["path"][-1]["key"]: one for one in route["match"].get("dynamic_metadata", [])}


def test_of_several_generations_each_is_believed_and_of_none_nobody():
    for route in routes(LANE, ("before", "now"))[:-1]:
        told = [
            one["string_match"]["exact"] for one in claims(route)["e"]["value"]["or_match"]["value_matchers"]
        ]
        assert told == ["before", "now"]
    assert all(is_to_door(route) for route in routes(LANE, ()))


def is_to_door(route):
    return route["route"]["cluster"] == "door"


def test_only_a_pass_for_this_app_and_of_now_goes_to_it():
    *proven, last = routes(LANE)
    assert is_to_door(last)
    for route in proven:
        asked = claims(route)
        assert asked["aud"]["value"] == {"string_match": {"exact": "app_1"}}
        assert asked["v"]["value"] == {"double_match": {"exact": 3}}
        assert asked["e"]["value"] == {"string_match": {"exact": "now"}}
        assert "g" not in asked
        assert route["route"]["cluster"] == "instance-ins_1"


@pytest.mark.parametrize("revoked", [("ses_1",), ("ses_1", "ses_2", "ses_3")])
def test_the_revoked_match_no_lane(revoked):
    lane = Lane("a.b", "app_1", 3, "ins_1", "/s", "app_1", 2, revoked=revoked)
    for route in routes(lane)[:-1]:
        asked = claims(route)["g"]
        assert asked["invert"]
        assert all(one in json.dumps(asked) for one in revoked)


def test_what_everyone_may_open_needs_nothing_and_brings_nothing_of_ours():
    lane = Lane("a.b", "app_1", 3, "ins_1", "/s", "app_1", 2, is_public=True)
    (unproven,) = [one for one in routes(lane) if not is_to_door(one) and not claims(one)]
    asked = {one["name"]: one for one in unproven["match"]["headers"]}
    assert asked["cookie"]["invert_match"]
    assert asked["authorization"]["invert_match"]
    assert not any(not is_to_door(one) and not claims(one) for one in routes(LANE))


def test_what_lasts_goes_by_the_door():
    for route in routes(LANE)[:-1]:
        asked = {one["name"]: one for one in route["match"]["headers"]}
        assert asked["upgrade"]["invert_match"]
        assert asked["accept"]["invert_match"]


def test_a_lane_that_is_leaving_has_a_cluster_and_no_route():
    fleet = Fleet((), LANE.ways)
    assert b"ins_1" in render_clusters(FRONT, fleet)[0]
    assert b"ins_1" not in render_routes(FRONT, fleet)[0]


def test_the_same_model_makes_the_same_version():
    again = Lane("app.localhost:8080", "app_1", 3, "ins_1", "/run/ins_1.sock", "app_1", 2)
    assert render_routes(FRONT, Fleet((LANE,), generations=("now",))) == render_routes(
        FRONT, Fleet((again,), generations=("now",))
    )
    other = Lane("app.localhost:8080", "app_1", 4, "ins_1", "/run/ins_1.sock", "app_1", 2)
    assert (
        render_routes(FRONT, Fleet((LANE,), generations=("now",)))[1]
        != render_routes(FRONT, Fleet((other,), generations=("now",)))[1]
    )


@pytest.mark.parametrize(("certificate", "expected"), [("", {"https"}), ("/chain.pem", set())])
def test_how_people_come_is_said_where_something_else_ends_tls_and_else_by_envoy(certificate, expected):
    front = replace(FRONT, is_secure=True, certificate=certificate)
    (table,) = read(render_routes(front, Fleet((LANE,), generations=("now",)))[0])["resources"]
    added = [
        one["header"]
        for route in table["virtual_hosts"][0]["routes"]
        for one in route.get("request_headers_to_add", ())
    ]
    assert {one["value"] for one in added if one["key"] == "x-forwarded-proto"} == expected


def test_no_request_pays_for_the_choice_of_what_is_counted():
    """Envoy tries patterns of the kind prefix at every count, all others once for each name."""
    chosen = json.loads(render_bootstrap(FRONT))["stats_config"]["stats_matcher"]["inclusion_list"]
    assert {kind for one in chosen["patterns"] for kind in one} == {"safe_regex", "suffix"}


def test_the_bootstrap_is_json_that_never_says_which_apps_there_are():
    assert "virtual_hosts" not in render_bootstrap(FRONT)
    assert json.loads(render_bootstrap(FRONT))["admin"]["address"]["pipe"]["mode"] == 0o600


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "a b"},
        {"host": "%REQ(x)%"},
        {"place": "app_1\n"},
        {"instance": 'ins"1'},
        {"instance": ""},
        {"app": "a/b"},
        {"socket": "relative"},
        {"prefix": "app"},
        {"prefix": "/app/%PATH%"},
        {"prefix": "/app/"},
        {"revoked": ("ok", "*")},
    ],
)
def test_nothing_that_the_proxy_could_misread_gets_into_a_lane(wrong):
    fields = {
        "host": "a.b", "place": "app_1", "access_version": 1, "instance": "ins_1", "socket": "/s", "app": "app_1",
        "release": 1, **wrong,
    }  # fmt: skip
    with pytest.raises(Unfit):
        Lane(**fields)


@pytest.mark.parametrize("wrong", [("ins 1", "/s"), ("ins_1", "s"), ("ins_1", "/s", "a b")])
def test_nor_into_a_way(wrong):
    with pytest.raises(Unfit):
        Way(*wrong)


def test_apps_under_paths_of_one_host_are_found_by_a_tree():
    lanes = tuple(
        Lane("localhost", place, 1, "ins_1", "/s", "app_1", 1, prefix=f"/app/{place}") for place in ("a", "b")
    )
    (table,) = read(render_routes(FRONT, Fleet(lanes, generations=("now",)))[0])["resources"]
    host, _ = table["virtual_hosts"]
    assert host["domains"] == ["localhost"]
    assert "routes" not in host
    listed = host["matcher"]["matcher_tree"]["prefix_match_map"]["map"]
    assert {*listed} == {"/app/a/", "/app/b/"}
    for begins, one in listed.items():
        *theirs, last = one["action"]["typed_config"]["routes"]
        assert is_to_door(last)
        assert all(route["match"].get("prefix", begins) == begins for route in theirs)
        assert all(route["route"]["prefix_rewrite"] == "/" for route in theirs if not is_to_door(route))


NAMES = st.sampled_from(
    ["tholos_pass", "tholos_handle", "tholos_txn_0123abcd", "a", "session", "xtholos_pass", ""]
)
SPACES = st.sampled_from(["", " ", "\t", "  "])
PAIRS = st.builds(
    "{}{}{}={}{}".format, SPACES, NAMES, SPACES, st.text("ab=\"' .", max_size=4), SPACES
)  # no separators
HEADERS = st.lists(PAIRS, max_size=6).flatmap(
    lambda pairs: st.lists(st.sampled_from([";", ",", "; "]), min_size=len(pairs), max_size=len(pairs)).map(
        lambda between: "".join(a + b for a, b in zip(between, pairs, strict=True))[1:]
    )
)


@given(HEADERS)
@example("tholos_pass=1; a=2")
@example("a=2; tholos_pass=1")
@example("tholos_pass=1, tholos_handle=2;a=b")
def test_our_cookies_are_removed_and_the_others_stay(header):
    """Judged by the removal that the slow path has: the same cookies are left, in the same order."""
    ours = frozenset({b"tholos_pass", b"tholos_handle", b"tholos_txn_0123abcd"})
    left = re.sub(cookie_pattern(COOKIES), "", header)
    assert parts(left) == parts(without_cookies(header.encode(), ours).decode())


def parts(header):
    return [one.strip() for one in re.split("[;,]", header) if one.strip()]
