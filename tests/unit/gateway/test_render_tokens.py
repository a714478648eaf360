from dataclasses import replace

import pytest

from tholos.gateway.fleet import Bearer, Cookies, Fleet, Front, Lane, Unfit
from tholos.gateway.render import render_routes
from tholos.gateway.render_tokens import identity_of
from tholos.testing.proxy_files import read

COOKIES = Cookies("tholos_pass", "tholos_handle", "tholos_txn")
FRONT = Front(
    "127.0.0.1", 80, "/run/door.sock", "/run/proxy.sock", "/proxy", "{}", "tholos", "now", COOKIES, False
)
LANE = Lane("app.localhost", "app_1", 3, "ins_1", "/run/ins_1.sock", "app_1", 2)
ADA = Bearer("0" * 64, 1000, "acc_ada", "ada", '{"user": "50% of ada"}')


def routes(lane: Lane) -> list:
    (table,) = read(render_routes(FRONT, Fleet((lane,)))[0])["resources"]
    return table["virtual_hosts"][0]["routes"]


def test_only_a_lane_with_tokens_has_them_looked_at():
    assert not [one for one in routes(LANE) if "typed_per_filter_config" in one]
    lane = replace(LANE, bearers=(ADA, replace(ADA, hash="1" * 64)))
    (looking,) = [one for one in routes(lane) if "typed_per_filter_config" in one]
    assert looking["route"]["cluster"] == "door"
    assert [*looking["metadata"]["filter_metadata"].values()] == [{"0" * 64: 1000, "1" * 64: 1000}]
    by_token = [one for one in routes(lane) if "authorization" in one.get("request_headers_to_remove", ())]
    assert len(by_token) == 2
    assert routes(lane).index(looking) > max(routes(lane).index(one) for one in by_token)


def test_what_a_name_says_is_no_word_of_the_proxy():
    assert ("rstudio-connect-credentials", '{"user": "50%% of ada"}') in identity_of(ADA)


@pytest.mark.parametrize("wrong", [{"hash": "x"}, {"account": ""}, {"name": "a\nb"}, {"identity": "é"}])
def test_what_does_not_fit_stands_in_no_file(wrong):
    with pytest.raises(Unfit):
        replace(ADA, **wrong)
