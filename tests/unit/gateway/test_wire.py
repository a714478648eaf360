"""Parts that were written before, put behind each other, are the file as if it were written at once."""

import pytest
from google.protobuf.json_format import ParseError
from hypothesis import given
from hypothesis import strategies as st

from tholos.gateway import wire
from tholos.testing.proxy_files import read

NAMES = st.text("abc/.é", min_size=1, max_size=200)


@given(st.lists(NAMES, max_size=5), st.text("0123456789", max_size=20))
def test_nobody_sees_which_parts_were_written_before(names, version):
    hosts = [{"name": name, "domains": [f"{name}.b"]} for name in names]
    table = {"name": "all", "virtual_hosts": hosts}
    at_once = wire.encode(
        wire.RESPONSE, {"version_info": version, "resources": [{"@type": wire.TYPE + wire.TABLE, **table}]}
    )
    parts = [wire.encode(wire.TABLE, {"virtual_hosts": [one]}) for one in hosts]
    joined = wire.encode(wire.TABLE, {"name": "all"}) + b"".join(parts)
    told = wire.encode(wire.RESPONSE, {"version_info": version}) + wire.resource(wire.TABLE, joined)
    assert read(told) == read(at_once)


def test_what_stands_in_one_message_may_be_in_parts_too():
    begin = wire.encode(wire.HOST, {"name": "paths", "domains": ["a.b"]})
    branches = [
        wire.encode(
            wire.HOST,
            {"matcher": {"matcher_tree": {"prefix_match_map": {"map": {one: {"action": {"name": one}}}}}}},
        )
        for one in ("/a/", "/b/")
    ]
    table = wire.nested(wire.TABLE, "virtual_hosts", begin + b"".join(branches))
    (host,) = read(wire.resource(wire.TABLE, table))["resources"][0]["virtual_hosts"]
    assert (host["name"], host["domains"]) == ("paths", ["a.b"])
    assert {*host["matcher"]["matcher_tree"]["prefix_match_map"]["map"]} == {"/a/", "/b/"}


def test_what_is_no_such_message_is_told():
    with pytest.raises(ParseError, match='no field named "adress"'):
        wire.encode(wire.CLUSTER, {"adress": "x"})
    with pytest.raises(KeyError, match="no\\.such\\.message"):
        wire.encode("no.such.message", {})
